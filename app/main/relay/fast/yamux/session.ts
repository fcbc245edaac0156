import type { DuctReader, SecureDuct } from '../duct.ts'
import { YamuxError, type Channel, type SessionOwner } from './channel.ts'
import {
  ACK,
  DATA,
  FIN,
  flagsAt,
  GO_AWAY,
  HEADER_BYTES,
  lengthAt,
  MOST,
  NO_FLAGS,
  NORMAL,
  PING,
  PROTOCOL_ERROR,
  putHeader,
  RST,
  streamAt,
  SYN,
  typeAt,
  VERSION,
  versionAt,
  WINDOW_UPDATE
} from './frame.ts'
import type { ReceiveWindow } from './window.ts'

/** Answers and the like that may wait for a peer that does not read; one that lets more wait is not well-meaning. */
const MOST_UNREAD_BYTES = 256 * 1024
/** How often the round trip is measured while data comes. */
const MEASURE_MS = 10_000
/** How long the peer, which has ended, may take to read what is on its way. */
const LINGER_MS = 5000

export interface SessionOptions {
  /** This side opened the connection. */
  dialer: boolean
  nowMs?: () => number
}

/** All headers are written here: the duct copies. */
const header = Buffer.alloc(HEADER_BYTES)

/**
 * Yamux on one connection (hashicorp/yamux, spec.md; `/yamux/1.0.0`): reads frames as their bytes come and hands on
 * payloads piece by piece, and writes the streams' frames. Each frame costs the same, however many streams there are.
 */
export class Session implements DuctReader {
  readonly #duct: SecureDuct
  readonly #owner: SessionOwner
  readonly #nowMs: () => number
  /** What is odd in the numbers of the peer's streams: the dialer's are odd. */
  readonly #peerParity: number
  readonly #channels = new Map<number, Channel>()
  /** Those that wait for the duct, the longest first. */
  readonly #waiting = new Set<Channel>()
  #nextNumber: number
  #over = false

  /** A header of which only a part has come. */
  readonly #partial = Buffer.alloc(HEADER_BYTES)
  #partialBytes = 0
  /** What is still to come of a payload, for whom, and whether the stream ends with it. */
  #payloadLeft = 0
  #payloadFor: Channel | undefined
  #payloadEnds = false

  #unreadBytes = 0
  #rttMs = -1
  #pingNumber = 0
  #pingSentMs = -Infinity
  #pinging = false

  constructor(duct: SecureDuct, owner: SessionOwner, { dialer, nowMs }: SessionOptions) {
    this.#duct = duct
    this.#owner = owner
    this.#nowMs = nowMs ?? (() => performance.now())
    this.#peerParity = dialer ? 0 : 1
    this.#nextNumber = dialer ? 1 : 2
  }

  /** Takes over the duct. */
  start(): void {
    this.#duct.reader = this
    this.#duct.resume()
  }

  get full(): boolean {
    return this.#duct.full
  }

  promptly(): void {
    this.#duct.promptly?.()
  }

  /** Opens a stream; undefined where there are no numbers left. */
  open<C extends Channel>(create: (number: number) => C): C | undefined {
    const number = this.#nextNumber
    if (number > MOST) return undefined
    this.#nextNumber += 2
    const channel = create(number)
    this.#channels.set(number, channel)
    this.sendControl(WINDOW_UPDATE, SYN, number, 0)
    return channel
  }

  /** The stream is over; false if it was known. What still comes for it is dropped. */
  remove(channel: Channel): boolean {
    if (!this.#channels.delete(channel.number)) return false
    this.#waiting.delete(channel)
    if (this.#payloadFor === channel) this.#payloadFor = undefined
    return true
  }

  /** Calls `writable` when the duct has room, after those that wait already. */
  wait(channel: Channel): void {
    if (!this.#over) this.#waiting.add(channel)
  }

  /** Begins a data frame; its payload is what goes to `sendPayload` next. */
  sendDataHeader(number: number, bytes: number): void {
    if (this.#over) return
    putHeader(header, DATA, NO_FLAGS, number, bytes)
    this.#duct.write(header)
  }

  sendPayload(bytes: Uint8Array): void {
    if (!this.#over) this.#duct.write(bytes)
  }

  /** Sends a frame that no flow control holds back. */
  sendControl(type: number, flags: number, number: number, length: number): void {
    if (this.#over) return
    putHeader(header, type, flags, number, length)
    this.#duct.write(header)
    if (!this.#duct.full) return
    this.#unreadBytes += HEADER_BYTES
    if (this.#unreadBytes <= MOST_UNREAD_BYTES) return
    this.#unreadBytes = 0
    // Later, because whoever sends this has no use for the end of everything at this point.
    queueMicrotask(() => this.fail(new YamuxError('the peer does not read what it is answered')))
  }

  /** Tells the peer how much more it may send; and measures the round trip now and then, as data comes. */
  openWindow(number: number, window: ReceiveWindow): void {
    if (this.#over) return
    const nowMs = this.#nowMs()
    this.sendControl(WINDOW_UPDATE, NO_FLAGS, number, window.open(nowMs, this.#rttMs))
    if (nowMs - this.#pingSentMs < MEASURE_MS) return
    this.#pingSentMs = nowMs
    this.#pinging = true
    this.#pingNumber = (this.#pingNumber + 1) % MOST
    this.sendControl(PING, SYN, 0, this.#pingNumber)
  }

  /** Says that we open and take no more streams, and why. */
  goAway(reason: number): void {
    this.sendControl(GO_AWAY, NO_FLAGS, 0, reason)
    if (!this.#over) this.#duct.flush()
  }

  /** Ends the connection. */
  fail(error: Error, reason = PROTOCOL_ERROR): void {
    if (this.#over) return
    this.goAway(reason)
    this.stop()
    this.#duct.destroy(error)
    this.#owner.failed(error)
  }

  /** Reads and writes no more. */
  stop(): void {
    this.#over = true
    this.#payloadFor = undefined
    this.#waiting.clear()
  }

  onBytes(bytes: Buffer): void {
    let at = 0
    while (at < bytes.byteLength && !this.#over) {
      if (this.#payloadLeft > 0) at = this.#onPayload(bytes, at)
      else if (this.#partialBytes === 0 && bytes.byteLength - at >= HEADER_BYTES) {
        this.#onHeader(bytes, at)
        at += HEADER_BYTES
      } else at = this.#onPartialHeader(bytes, at)
    }
  }

  onDrain(): void {
    this.#unreadBytes = 0
    for (const channel of this.#waiting) {
      if (this.#duct.full) return
      this.#waiting.delete(channel)
      channel.writable()
    }
  }

  onEnd(): void {
    if (this.#over) return
    this.stop()
    this.#duct.end()
    setTimeout(() => this.#duct.destroy(), LINGER_MS).unref()
    this.#owner.closed()
  }

  onClose(error?: Error): void {
    if (this.#over) return
    this.stop()
    this.#owner.closed(error)
  }

  #onPartialHeader(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.byteLength, at + HEADER_BYTES - this.#partialBytes)
    bytes.copy(this.#partial, this.#partialBytes, at, end)
    this.#partialBytes += end - at
    if (this.#partialBytes === HEADER_BYTES) {
      this.#partialBytes = 0
      this.#onHeader(this.#partial, 0)
    }
    return end
  }

  #onPayload(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.byteLength, at + this.#payloadLeft)
    this.#payloadLeft -= end - at
    this.#payloadFor?.received(bytes.subarray(at, end))
    if (this.#payloadLeft === 0) this.#endPayload()
    return end
  }

  #endPayload(): void {
    const channel = this.#payloadFor
    this.#payloadFor = undefined
    if (this.#payloadEnds) channel?.receivedEnd()
  }

  #onHeader(bytes: Buffer, at: number): void {
    const type = typeAt(bytes, at)
    const flags = flagsAt(bytes, at)
    const number = streamAt(bytes, at)
    const length = lengthAt(bytes, at)
    if (versionAt(bytes, at) !== VERSION) return this.fail(new YamuxError('unknown version'))
    if (type > GO_AWAY) return this.fail(new YamuxError('unknown type of frame'))
    if ((type === DATA || type === WINDOW_UPDATE) === (number === 0)) {
      return this.fail(new YamuxError('a frame of the wrong stream'))
    }
    if (type === PING) this.#onPing(flags, length)
    else if (type === GO_AWAY) this.#onGoAway(length)
    else this.#onStreamFrame(type, flags, number, length)
  }

  #onPing(flags: number, number: number): void {
    if ((flags & ACK) !== 0) {
      if (!this.#pinging || number !== this.#pingNumber) return
      this.#pinging = false
      const ms = this.#nowMs() - this.#pingSentMs
      // Falls at once and rises slowly: what waits in buffers, ours too, is no part of the way.
      this.#rttMs = this.#rttMs < 0 ? ms : Math.min(ms, (this.#rttMs + ms) / 2)
    } else if ((flags & SYN) !== 0) this.sendControl(PING, ACK, 0, number)
    else this.fail(new YamuxError('a ping that neither asks nor answers'))
  }

  #onGoAway(reason: number): void {
    if (reason === NORMAL) return this.#owner.goneAway()
    const error = new YamuxError(`the peer went away: reason ${reason}`)
    this.stop()
    this.#duct.destroy(error)
    this.#owner.failed(error)
  }

  #onStreamFrame(type: number, flags: number, number: number, length: number): void {
    const payload = type === DATA ? length : 0
    this.#payloadLeft = payload
    this.#payloadFor = undefined
    let channel = this.#channels.get(number)
    if ((flags & RST) !== 0) return channel?.receivedReset()
    if ((flags & SYN) !== 0) {
      if (channel !== undefined) return this.fail(new YamuxError('a stream was opened twice'))
      if (number % 2 !== this.#peerParity) return this.fail(new YamuxError('a number of ours was opened'))
      channel = this.#accept(number)
    }
    // Of a stream that we have reset, of which the peer does not know yet.
    if (channel === undefined || this.#over) return
    if (type === WINDOW_UPDATE && !channel.windowOpened(length)) {
      return this.fail(new YamuxError('a window is larger than can be'))
    }
    if (!channel.takes(payload)) return this.fail(new YamuxError('more was sent than the window allows'))
    const ends = (flags & FIN) !== 0
    if (payload > 0) {
      this.#payloadFor = channel
      this.#payloadEnds = ends
    } else if (ends) channel.receivedEnd()
  }

  #accept(number: number): Channel | undefined {
    const channel = this.#owner.accept(number)
    this.sendControl(WINDOW_UPDATE, channel === undefined ? RST : ACK, number, 0)
    if (channel === undefined) return undefined
    this.#channels.set(number, channel)
    this.#owner.opened(channel)
    return channel
  }
}
