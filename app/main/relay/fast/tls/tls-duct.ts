import type { TLSSocket } from 'node:tls'
import { readSeen, type ReadSeen } from '../../../net/tcp-socket.ts'
import type { DuctReader, Page, RawDuct, SecureDuct } from '../duct.ts'
import { Outbox, unsealed, type Seal } from '../outbox.ts'
import { readInto } from './read-into.ts'

/** What may be on its way to the system before writers are to wait. */
const FULL_BYTES = 512 * 1024
/** What a send costs beside its bytes. */
const SEND_COST_BYTES = 1024
/** Less than this is copied where it has to wait, so that it does not hold a page. */
const SMALL_BYTES = 16 * 1024
/** How long a peer may take to close its end after ours. */
const LINGER_MS = 5000
/** Whole records, where a page has room for a few bytes more that would be one of their own. */
const records: Seal = { ...unsealed, most: 8 * 16 * 1024 }
const NOTHING = Buffer.alloc(0)

/**
 * Bytes over a TLS socket, which reads from and writes to its TCP socket in native code. Made before the handshake;
 * until it is resumed for the first time it keeps what arrives.
 */
export class TlsDuct implements SecureDuct {
  readonly #socket: TLSSocket
  /** Which the traffic meter follows, though nothing passes it. */
  readonly #carrier: ReadSeen | undefined
  readonly #outbox: Outbox
  #reader: DuctReader | undefined
  #unread: Buffer[] = []
  #sendingBytes = 0
  #isFull = false
  #isPaused = true
  #isDelivering = false
  #isDestroyed = false
  #hasEnded = false
  #isEndTold = false
  #closed: { error: Error | undefined } | undefined
  #isCloseTold = false
  #linger: ReturnType<typeof setTimeout> | undefined

  constructor(socket: TLSSocket, carrier?: ReadSeen) {
    this.#socket = socket
    this.#carrier = carrier
    // All that an outbox asks of a duct.
    const sink = { headroom: 0, send: this.#send } as unknown as RawDuct
    this.#outbox = new Outbox(sink, records, error => this.destroy(error))
    // Pages one by one: TLS would first copy those that wait into one piece.
    Object.assign(socket, { _writev: null })
    readInto(socket, bytes => this.#arrived(bytes))
    let failure: Error | undefined
    socket.on('error', (error: Error) => (failure = error))
    // Node leaves a server's socket open that fails after the handshake, for its server to decide.
    socket.on('_tlsError', (error: Error) => socket.destroy(error))
    socket.on('end', () => {
      this.#hasEnded = true
      this.#tell()
    })
    socket.once('close', () => {
      clearTimeout(this.#linger)
      this.#outbox.close()
      this.#closed = { error: failure }
      if (failure !== undefined || this.#isDestroyed) this.#unread = []
      this.#tell()
    })
  }

  get reader(): DuctReader | undefined {
    return this.#reader
  }

  /** One that comes after the end is told of it. */
  set reader(reader: DuctReader | undefined) {
    this.#reader = reader
    if (reader !== undefined && this.#closed !== undefined) queueMicrotask(() => this.#tell())
  }

  get full(): boolean {
    return this.#isFull
  }

  write(bytes: Uint8Array): void {
    this.#outbox.write(bytes)
  }

  flush(): void {
    this.#outbox.flush()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    // The callback of a read answers for itself.
    if (!this.#isDelivering) this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#isDelivering) return
    // What has arrived comes first, but not while the caller is in the middle of something.
    if (this.#unread.length > 0) queueMicrotask(() => this.#deliverUnread())
    else this.#socket.resume()
  }

  end(): void {
    this.#outbox.flush()
    this.#socket.end()
    // The peer may never close its end, nor read what waits before ours.
    this.#linger ??= setTimeout(() => this.destroy(), LINGER_MS).unref()
  }

  destroy(error?: Error): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#outbox.close()
    this.#socket.destroy(error)
  }

  readonly #send = (page: Page, start: number, end: number): void => {
    // Behind its end a socket takes nothing, and would fail.
    const socket = this.#socket
    if (!socket.writable) return page.release()
    let bytes = page.bytes.subarray(start, end)
    let held: Page | undefined = page
    if (bytes.byteLength < SMALL_BYTES && socket.writableLength > 0) {
      bytes = Buffer.from(bytes)
      page.release()
      held = undefined
    }
    const cost = bytes.byteLength + SEND_COST_BYTES
    this.#sendingBytes += cost
    if (this.#sendingBytes > FULL_BYTES) this.#isFull = true
    socket.write(bytes, () => {
      held?.release()
      this.#seen()
      this.#sendingBytes -= cost
      if (!this.#isFull || this.#sendingBytes > FULL_BYTES / 2) return
      this.#isFull = false
      if (this.#closed === undefined && !this.#isDestroyed) this.#reader?.onDrain()
    })
    this.#seen()
  }

  /** Has the meter look at what its socket has read and written by now. */
  #seen(): void {
    this.#carrier?.[readSeen]?.(NOTHING)
  }

  #arrived(bytes: Buffer): boolean {
    this.#seen()
    if (this.#isDestroyed) return false
    // What one read of the TCP socket held is decrypted to its end, whoever may have paused.
    if (this.#isPaused || this.#unread.length > 0) this.#unread.push(Buffer.from(bytes))
    else this.#deliver(bytes)
    return !this.#isPaused
  }

  #deliver(bytes: Buffer): void {
    this.#isDelivering = true
    this.#reader?.onBytes(bytes)
    this.#isDelivering = false
  }

  #deliverUnread(): void {
    if (this.#isDelivering) return
    while (!this.#isPaused && !this.#isDestroyed) {
      const bytes = this.#unread.shift()
      if (bytes === undefined) break
      this.#deliver(bytes)
    }
    if (this.#isDestroyed) return
    if (!this.#isPaused) this.#socket.resume()
    // Which may have waited for the last of these bytes.
    this.#tell()
  }

  /** Tells the reader that it is over, once it has all that came before. */
  #tell(): void {
    if (this.#reader === undefined || this.#unread.length > 0) return
    if (this.#hasEnded && !this.#isEndTold) {
      this.#isEndTold = true
      if (!this.#isDestroyed) this.#reader.onEnd()
    }
    if (this.#closed === undefined || this.#isCloseTold) return
    this.#isCloseTold = true
    this.#reader?.onClose(this.#closed.error)
  }
}
