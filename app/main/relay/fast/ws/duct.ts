import { randomFillSync } from 'node:crypto'
import type { DuctReader, Page, RawDuct } from '../duct.ts'
import {
  binaryInPlace,
  CLOSE,
  closeFrame,
  FrameError,
  FrameParser,
  mostHeadBytes,
  pongFrame,
  type Role
} from './frames.ts'

/** How long the other side may take to read why it was refused. */
const LINGER_MS = 2_000

/** A WebSocket after its handshake (RFC 6455), as a duct: binary messages, of which only the bytes count. */
export class WsDuct implements RawDuct {
  reader: DuctReader | undefined
  readonly headroom: number
  readonly #raw: RawDuct
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
  /** Nothing more is handed on; `over`: not even the end. */
  #destroyed = false
  #over = false
  #pong: Buffer | undefined
  #lingering: ReturnType<typeof setTimeout> | undefined

  /** @param raw paused; what it brings next are frames */
  constructor(raw: RawDuct, role: Role) {
    this.#raw = raw
    this.#nextKey = role === 'client' ? nextKey : () => undefined
    this.headroom = raw.headroom + mostHeadBytes(role)
    this.#parser = new FrameParser(role, {
      onPayload: bytes => this.#deliver(bytes),
      onPing: payload => (this.#pong = Buffer.from(payload)),
      onClose: code => this.#closedByPeer(code)
    })
    raw.reader = {
      onBytes: bytes => this.#arrived(bytes),
      onDrain: () => {
        if (!this.#destroyed) this.reader?.onDrain()
      },
      onEnd: () => this.#end(),
      onClose: error => this.#close(error)
    }
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

  #arrived(bytes: Buffer): void {
    if (this.#destroyed) return
    try {
      this.#parser.push(bytes)
      this.#sendPong()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #deliver(bytes: Buffer): void {
    if (this.#destroyed) return
    if (this.#unread.length === 0 && this.reader !== undefined) this.reader.onBytes(bytes)
    else this.#unread.push(Uint8Array.from(bytes))
  }

  #deliverUnread(): void {
    if (this.#paused || this.#destroyed || this.reader === undefined || this.#unread.length === 0) return
    const unread = Buffer.concat(this.#unread)
    this.#unread = []
    this.reader.onBytes(unread)
    this.#tellEnd()
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
    this.#tellEnd()
  }

  #tellEnd(): void {
    if (!this.#ended || this.#toldEnd || this.#unread.length > 0 || this.#destroyed) return
    this.#toldEnd = true
    this.reader?.onEnd()
  }

  #fail(error: Error): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#sendClose(error instanceof FrameError ? error.closeCode : CLOSE.internalError)
    this.#close(error)
    void linger(this.#raw)
  }

  #close(error: Error | undefined): void {
    clearTimeout(this.#lingering)
    if (this.#over) return
    this.#destroyed = true
    this.#over = true
    this.#unread = []
    this.reader?.onClose(error)
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
