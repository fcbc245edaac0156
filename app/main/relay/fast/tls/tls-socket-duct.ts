import type { TLSSocket } from 'node:tls'
import { readSeen, type ReadSeen } from '../../../net/tcp-socket.ts'
import type { DuctReader, Page, RawDuct } from '../duct.ts'
import { Sending } from '../sending.ts'
import { readInto } from './read-into.ts'

/** How long a peer may take to close its end after ours. */
const LINGER_MS = 5000
const NOTHING = Buffer.alloc(0)

/**
 * The bytes of a TLS socket, which reads from and writes to its TCP socket in native code. Until it is resumed for the
 * first time it keeps what arrives.
 */
export class TlsSocketDuct implements RawDuct {
  readonly headroom = 0
  readonly #socket: TLSSocket
  /** Which the traffic meter follows, though nothing passes it. */
  readonly #carrier: ReadSeen | undefined
  readonly #sending: Sending
  #reader: DuctReader | undefined
  #unread: Buffer[] = []
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
    this.#sending = new Sending(socket, {
      moved: () => this.#seen(),
      drained: () => {
        if (this.#closed === undefined && !this.#isDestroyed) this.#reader?.onDrain()
      }
    })
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
      this.closed()
      this.#closed = { error: failure }
      if (failure !== undefined || this.#isDestroyed) this.#unread = []
      this.#tell()
    })
  }

  get reader(): DuctReader | undefined {
    return this.#reader
  }

  /** One that comes late is given what came meanwhile, and told of the end. */
  set reader(reader: DuctReader | undefined) {
    this.#reader = reader
    if (reader === undefined) return
    if (this.#unread.length > 0 && !this.#isPaused) queueMicrotask(() => this.#deliverUnread())
    else if (this.#hasEnded || this.#closed !== undefined) queueMicrotask(() => this.#tell())
  }

  get full(): boolean {
    return this.#sending.full
  }

  send(page: Page, start: number, end: number): void {
    this.#sending.send(page, start, end)
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

  unshift(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#unread.unshift(Buffer.from(bytes))
    if (!this.#isPaused && !this.#isDelivering) queueMicrotask(() => this.#deliverUnread())
  }

  end(): void {
    this.#socket.end()
    // The peer may never close its end, nor read what waits before ours.
    this.#linger ??= setTimeout(() => this.destroy(), LINGER_MS).unref()
  }

  destroy(error?: Error): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.closed()
    this.#socket.destroy(error)
  }

  /** The socket is gone, or about to be. */
  protected closed(): void {}

  /** Has the meter look at what its socket has read and written by now. */
  #seen(): void {
    this.#carrier?.[readSeen]?.(NOTHING)
  }

  #arrived(bytes: Buffer): boolean {
    this.#seen()
    if (this.#isDestroyed) return false
    // What one read of the TCP socket held is decrypted to its end, whoever may have paused.
    if (this.#isPaused || this.#unread.length > 0 || this.#reader === undefined)
      this.#unread.push(Buffer.from(bytes))
    else this.#deliver(bytes)
    return !this.#isPaused
  }

  #deliver(bytes: Buffer): void {
    this.#isDelivering = true
    this.#reader?.onBytes(bytes)
    this.#isDelivering = false
  }

  #deliverUnread(): void {
    if (this.#isDelivering || this.#reader === undefined) return
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
