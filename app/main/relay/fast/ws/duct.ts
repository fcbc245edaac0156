import { randomFillSync } from 'node:crypto'
import type { DuctReader, Page, RawDuct } from '../duct.ts'
import type { Watched, WsBounds } from './bounds.ts'
import {
  binaryInPlace,
  CLOSE,
  closeFrame,
  FrameError,
  FrameParser,
  mostHeadBytes,
  pingFrame,
  pongFrame,
  type Role
} from './frames.ts'

/** How long the other side may take to read why it was refused. */
const LINGER_MS = 2_000

/** A WebSocket after its handshake (RFC 6455), as a duct: binary messages, of which only the bytes count. */
export class WsDuct implements RawDuct, Watched {
  readonly headroom: number
  readonly #raw: RawDuct
  readonly #bounds: WsBounds | undefined
  #reader: DuctReader | undefined
  readonly #parser: FrameParser
  readonly #nextKey: () => Uint8Array | undefined
  #paused = true
  /** Bytes that nobody wanted yet. */
  #unread: Uint8Array[] = []
  /** The other side sends no more; whether the reader was told. */
  #ended = false
  #toldEnd = false
  /** We send no more. */
  #closeSent = false
  /** Nothing more is handed on but the close. */
  #destroyed = false
  #closed: { error: Error | undefined } | undefined
  #toldClose = false
  /** Bytes have come, or gone, since it was asked. */
  #heard = false
  #pong: Buffer | undefined
  #lingering: ReturnType<typeof setTimeout> | undefined

  /** @param raw paused; what it brings next are frames */
  constructor(raw: RawDuct, role: Role, bounds?: WsBounds) {
    this.#raw = raw
    this.#bounds = bounds
    this.#nextKey = role === 'client' ? nextKey : () => undefined
    this.headroom = raw.headroom + mostHeadBytes(role)
    const sink = {
      onPayload: (bytes: Buffer) => this.#deliver(bytes),
      onPing: (payload: Buffer) => void (this.#pong = Buffer.from(payload)),
      onClose: (code: number | undefined) => this.#closedByPeer(code)
    }
    this.#parser = new FrameParser(role, sink, bounds?.maxMessageBytes)
    raw.reader = {
      onBytes: bytes => this.#arrived(bytes),
      onDrain: () => {
        this.#heard = true
        if (!this.#destroyed) this.#reader?.onDrain()
      },
      onEnd: () => this.#end(),
      onClose: error => this.#close(error)
    }
    bounds?.watch(this)
  }

  get reader(): DuctReader | undefined {
    return this.#reader
  }

  /** One that comes late is given what came meanwhile, and told of the end. */
  set reader(reader: DuctReader | undefined) {
    this.#reader = reader
    if (reader === undefined) return
    if (this.#unread.length > 0 && !this.#paused) queueMicrotask(() => this.#deliverUnread())
    else if (this.#ended || this.#closed !== undefined) queueMicrotask(() => this.#tell())
  }

  get full(): boolean {
    return this.#raw.full
  }

  send(page: Page, start: number, end: number): void {
    if (this.#closeSent || this.#destroyed || start === end) return page.release()
    this.#raw.send(page, binaryInPlace(page.bytes, start, end, this.#nextKey()), end)
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#raw.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // What was put back comes before what follows it.
    if (this.#unread.length > 0) queueMicrotask(() => this.#deliverUnread())
    else this.#raw.resume()
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#unread.unshift(Uint8Array.from(bytes))
    if (!this.#paused) queueMicrotask(() => this.#deliverUnread())
  }

  /** Closes it normally. Whoever called it destroys the duct if the other side does not answer. */
  end(): void {
    if (this.#destroyed) return
    this.#sendClose(CLOSE.normal)
    this.#raw.end()
  }

  destroy(error?: Error): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#raw.destroy(error)
  }

  wasHeard(): boolean {
    // Of one that we do not read, nothing can be heard; unless that is because it does not read.
    const was = this.#heard || (this.#paused && !this.#raw.full)
    this.#heard = false
    return was
  }

  ping(): void {
    // One that does not read gets none: it has more to answer than this.
    if (this.#closeSent || this.#destroyed || this.#raw.full) return
    sendBytes(this.#raw, pingFrame(this.#nextKey()))
  }

  endSilent(): void {
    if (this.#destroyed) return
    this.#bounds?.ended('idle')
    this.#fail(new Error('the other side is silent, and answers no pings'), CLOSE.goingAway)
  }

  #arrived(bytes: Buffer): void {
    this.#heard = true
    if (this.#destroyed) return
    try {
      this.#parser.push(bytes)
      this.#sendPong()
    } catch (error) {
      const closeCode = error instanceof FrameError ? error.closeCode : CLOSE.internalError
      if (error instanceof FrameError)
        this.#bounds?.ended(closeCode === CLOSE.tooBig ? 'too-big' : 'protocol')
      this.#fail(error as Error, closeCode)
    }
  }

  #deliver(bytes: Buffer): void {
    if (this.#destroyed) return
    if (this.#unread.length === 0 && this.#reader !== undefined) this.#reader.onBytes(bytes)
    else this.#unread.push(Uint8Array.from(bytes))
  }

  #deliverUnread(): void {
    if (this.#paused || this.#destroyed || this.#reader === undefined || this.#unread.length === 0) return
    const unread = Buffer.concat(this.#unread)
    this.#unread = []
    this.#reader.onBytes(unread)
    this.#tell()
    if (!this.#paused && this.#unread.length === 0 && !this.#destroyed) this.#raw.resume()
  }

  /** The last ping's only, and none to those who do not read (section 5.5.3). */
  #sendPong(): void {
    if (this.#pong === undefined) return
    const payload = this.#pong
    this.#pong = undefined
    if (this.#closeSent || this.#destroyed || this.#raw.full) return
    sendBytes(this.#raw, pongFrame(payload, this.#nextKey()))
  }

  #sendClose(code: number | undefined): void {
    if (this.#closeSent) return
    this.#closeSent = true
    sendBytes(this.#raw, closeFrame(code, this.#nextKey()))
  }

  /**
   * The close handshake (section 7.1.2): we answer with the code that came, then the socket ends. Nobody keeps one
   * that carries nothing any more.
   */
  #closedByPeer(code: number | undefined): void {
    if (this.#destroyed) return
    this.#sendClose(code)
    this.#raw.end()
    this.#lingering = setTimeout(() => this.#raw.destroy(), LINGER_MS)
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#tell()
  }

  #fail(error: Error, closeCode: number): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#sendClose(closeCode)
    this.#close(error)
    void linger(this.#raw)
  }

  #close(error: Error | undefined): void {
    clearTimeout(this.#lingering)
    this.#bounds?.forget(this)
    if (this.#closed !== undefined) return
    this.#destroyed = true
    this.#closed = { error }
    this.#unread = []
    this.#tell()
  }

  /** Tells the reader, if there is one, what it was not told yet: the end behind all bytes, and that it is over. */
  #tell(): void {
    if (this.#ended && !this.#toldEnd && this.#unread.length === 0 && !this.#destroyed && this.#reader) {
      this.#toldEnd = true
      this.#reader.onEnd()
    }
    if (this.#closed === undefined || this.#toldClose || this.#reader === undefined) return
    this.#toldClose = true
    this.#reader.onClose(this.#closed.error)
  }
}

/** Sends bytes that lie in no page. */
export function sendBytes(raw: RawDuct, bytes: Buffer): void {
  raw.send({ bytes, release: () => {} }, 0, bytes.byteLength)
}

/**
 * Ends a duct so that what was sent last is still read: a socket closed while bytes of its peer lie unread takes what
 * it sent back. Resolves when it is over.
 */
export function linger(raw: RawDuct): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => raw.destroy(), LINGER_MS)
    raw.reader = {
      onBytes: () => {},
      onDrain: () => {},
      onEnd: () => {},
      onClose: () => {
        clearTimeout(timer)
        resolve()
      }
    }
    raw.resume()
    raw.end()
  })
}

const keys = Buffer.alloc(4 * 1024)
let keysTaken = keys.byteLength

/** Keys that nobody can foretell (section 10.3), without asking the system for each. */
function nextKey(): Uint8Array {
  if (keysTaken === keys.byteLength) {
    randomFillSync(keys)
    keysTaken = 0
  }
  keysTaken += 4
  return keys.subarray(keysTaken - 4, keysTaken)
}
