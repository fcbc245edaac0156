import type { Frames } from './frames.ts'
import { Segments } from './segments.ts'

/** How long an acknowledgement waits for data to go along with (Linux's shortest, and almost always its longest). */
const DELAYED_ACK_MS = 40
/** Segments that a new connection acknowledges one by one (Linux, TCP_MAX_QUICKACKS). */
const QUICK_ACKS = 16

/**
 * Full segments to an acknowledgement. RFC 9293 wants one for every second, but a system that takes in several at
 * once acknowledges them by one: from 2 to 45 of them. Whichever it is, with 4 it makes no more than 1.1 % of the
 * bytes that went the other way.
 */
const FULL_SEGMENTS_PER_ACK = 4

/**
 * When a receiver acknowledges by a segment of its own, as Linux does it: for some full ones (RFC 9293, 3.8.6.3),
 * and for short ones when two or more have been read, at once. A single one waits for an answer to carry the
 * acknowledgement, once the application has given one in time; before that, the first are acknowledged one by one.
 */
class Receiver {
  readonly #maxSegment: number
  #quick = QUICK_ACKS
  #answers = false
  #owed = 0
  #bytes = 0
  #lastAt = -Infinity
  #acknowledged = false

  constructor(maxSegment: number) {
    this.#maxSegment = maxSegment
  }

  /** The application read segments; `more`: in the same read as those before. How many acknowledgements go out. */
  takes(segments: number, bytes: number, now: number, more = false): number {
    const late = this.overdue(now)
    this.#lastAt = now
    this.#bytes += bytes
    const acknowledged = this.#maxSegment * FULL_SEGMENTS_PER_ACK
    const full = Math.floor(this.#bytes / acknowledged)
    this.#bytes -= full * acknowledged
    return late + Math.max(full, this.#takeQuickly(segments) + this.#takeShort(segments, more))
  }

  /** It sends data, which acknowledges all: how many acknowledgements had to go before. */
  sends(now: number): number {
    const late = this.overdue(now)
    this.#owed = 0
    this.#quick = Math.max(0, this.#quick - 1)
    if (now - this.#lastAt < DELAYED_ACK_MS) this.#answers = true
    return late
  }

  /** One that has waited for too long. */
  overdue(now: number): number {
    if (this.#owed === 0 || now - this.#lastAt < DELAYED_ACK_MS) return 0
    this.#owed = 0
    this.#answers = false
    return 1
  }

  #takeQuickly(segments: number): number {
    const quick = this.#answers ? 0 : Math.min(this.#quick, segments)
    this.#quick -= quick
    return quick
  }

  #takeShort(segments: number, more: boolean): number {
    if (!this.#answers && this.#quick > 0) return 0
    if (!more) this.#acknowledged = false
    if (!this.#acknowledged) this.#owed += segments
    if (this.#owed < (this.#answers ? 2 : 1)) return 0
    this.#owed = 0
    this.#acknowledged = true
    return 1
  }
}

/** What is written within this time is read at once by the other side. */
const SAME_READ_MS = 5

/** How a connection ended: the first FIN or reset was sent, or it came. */
export type TcpEnd = 'closed' | 'closed-by-peer' | 'reset' | 'reset-by-peer'

/**
 * The bytes of one TCP connection as they pass the interface, told from what the application reads and writes.
 * Segments are as many as these took at least, so what is lost and sent again is not in it.
 */
export class TcpFrames {
  received = 0
  sent = 0
  readonly #frames: Frames
  readonly #us: Receiver
  readonly #peer: Receiver
  readonly #arriving: Segments
  #wroteAt: number | undefined
  #lastWriteAt = -Infinity
  /** The quickest answer to a write, which is near the round trip. */
  #roundTripMs = Infinity

  constructor(frames: Frames) {
    this.#frames = frames
    this.#us = new Receiver(frames.maxSegment)
    this.#peer = new Receiver(frames.maxSegment)
    this.#arriving = new Segments(frames.maxSegment)
  }

  /** A connection attempt that nobody answered: SYNs after 0, 1, 3, 7 … seconds (RFC 6298). */
  unanswered(seconds: number): void {
    this.sent += this.#frames.syn * (1 + Math.floor(Math.log2(1 + seconds)))
  }

  refused(): void {
    this.sent += this.#frames.syn
    this.received += this.#frames.reset
  }

  connected(by: 'us' | 'peer'): void {
    const { syn, segment } = this.#frames
    const ours = by === 'us' ? syn + segment : syn
    this.sent += ours
    this.received += syn + syn + segment - ours
  }

  /** `now` in milliseconds, as everywhere here. `chunk`: what was read, if that was seen. */
  read(bytes: number, now: number, chunk?: Uint8Array): void {
    const segments = this.#arriving.take(bytes, chunk)
    this.received += bytes + segments * this.#frames.segment
    if (this.#wroteAt !== undefined) {
      this.#roundTripMs = Math.min(this.#roundTripMs, now - this.#wroteAt)
      this.#wroteAt = undefined
      this.#lastWriteAt = -Infinity
    }
    const atPeer = this.#roundTripMs === Infinity ? now : now - this.#roundTripMs
    this.#acknowledge(this.#us.takes(segments, bytes, now), this.#peer.sends(atPeer))
  }

  wrote(bytes: number, now: number): void {
    const segments = Math.ceil(bytes / this.#frames.maxSegment)
    this.sent += bytes + segments * this.#frames.segment
    const more = now - this.#lastWriteAt < SAME_READ_MS
    this.#wroteAt ??= now
    this.#lastWriteAt = now
    this.#acknowledge(this.#us.sends(now), this.#peer.takes(segments, bytes, now, more))
  }

  /** The peer writes the header of each message by itself, and so it has done until now. */
  headersApart(now: number): void {
    const segments = this.#arriving.headersApart()
    this.received += segments * this.#frames.segment
    this.#acknowledge(this.#us.takes(segments, 0, now), 0)
  }

  /** Adds acknowledgements that nothing else has followed. */
  settle(now: number): void {
    this.#acknowledge(this.#us.overdue(now), this.#peer.overdue(now))
  }

  /** An end closes by a FIN, its peer answers with a FIN of its own, which is acknowledged. */
  ended(how: TcpEnd): void {
    const { segment, reset } = this.#frames
    if (how === 'reset') this.sent += reset
    else if (how === 'reset-by-peer') this.received += reset
    else {
      this.sent += segment * (how === 'closed' ? 2 : 1)
      this.received += segment * (how === 'closed' ? 1 : 2)
    }
  }

  #acknowledge(ours: number, theirs: number): void {
    this.sent += ours * this.#frames.segment
    this.received += theirs * this.#frames.segment
  }
}
