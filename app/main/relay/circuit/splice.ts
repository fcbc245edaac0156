import type { CircuitEnd } from '../../observe/events.ts'
import type { Direction, Flow, Shaper } from '../budget/shaper.ts'
import type { Joinable } from './frames.ts'
import type { Held } from './held.ts'
import { ReaderBehindError, type Side, type SideSink } from './side.ts'

/** How long a side whose partner has gone may take to read what it was sent, and to close. */
const LINGER_MS = 30_000

export interface SpliceInit {
  source: Joinable
  target: Joinable
  sourcePeer: string
  targetPeer: string
  network?: string
  shaper: Shaper
  /** Bytes that may pass in each direction, now: the limit can change while the circuit runs. */
  bytesEachWay(): number
  relayed(direction: Direction, bytes: number): void
  ended(reason: CircuitEnd): void
}

/**
 * Joins the two streams of a circuit until both sides have closed it or one end fails. Counts and shapes
 * what passes, keeps half-closes apart, and lets each side send only as much as the other takes: what waits in
 * memory is at most one window of the writer (see transports.ts).
 */
export class Splice {
  readonly #init: SpliceInit
  readonly #toTarget: OneWay
  readonly #toSource: OneWay
  #ended = false

  constructor(init: SpliceInit) {
    this.#init = init
    const { source, target, sourcePeer, targetPeer } = init
    this.#toTarget = new OneWay(this, init, source, target.side, 'to-target', sourcePeer, targetPeer)
    this.#toSource = new OneWay(this, init, target, source.side, 'to-source', targetPeer, sourcePeer)
  }

  get bytesToTarget(): number {
    return this.#toTarget.bytes
  }

  get bytesToSource(): number {
    return this.#toSource.bytes
  }

  start(): void {
    const { source, target } = this.#init
    source.side.join(this.#sinkOf(this.#toTarget, this.#toSource))
    target.side.join(this.#sinkOf(this.#toSource, this.#toTarget))
    this.#toTarget.begin()
    this.#toSource.begin()
  }

  /** One direction has passed everything its sender had, or will pass no more. */
  passed(): void {
    if (!this.#toTarget.done || !this.#toSource.done) return
    const cut = this.#toTarget.cut || this.#toSource.cut
    this.end(cut ? 'peer-gone' : 'closed')
  }

  /**
   * The sender of that direction has closed its end and then left, so nothing can be sent back to it. What it
   * had sent is still passed on.
   */
  senderGone(way: OneWay): void {
    const back = way === this.#toTarget ? this.#toSource : this.#toTarget
    back.giveUp()
    this.passed()
  }

  /** Ends the circuit for that reason, once; both streams are reset unless it closed by itself. */
  end(reason: CircuitEnd): void {
    if (this.#ended) return
    this.#ended = true
    const passed = this.#toTarget.done && this.#toSource.done
    this.#toTarget.stop()
    this.#toSource.stop()
    // A reset would overtake what was passed on last.
    if (!passed) this.#reset(reason)
    else if (reason !== 'closed') setTimeout(() => this.#reset(reason), LINGER_MS).unref()
    this.#init.ended(reason)
  }

  /** A stream's news, for the way from it and the way to it. */
  #sinkOf(from: OneWay, to: OneWay): SideSink {
    return {
      onBytes: bytes => from.onBytes(bytes),
      onEnd: () => from.onEnd(),
      onClose: error => from.onClose(error),
      onWritable: () => to.onWritable()
    }
  }

  #reset(reason: CircuitEnd): void {
    const error = new Error(`circuit ended: ${reason}`)
    this.#init.source.side.abort(error)
    this.#init.target.side.abort(error)
  }
}

/** One direction of a circuit. */
class OneWay {
  bytes = 0
  /** The sender has closed its end, all it sent was passed on, and the receiver was told; or it was cut. */
  done = false
  /** The receiver left before the sender was done. */
  cut = false
  readonly #splice: Splice
  readonly #init: SpliceInit
  readonly #from: Side
  readonly #to: Side
  readonly #direction: Direction
  readonly #flow: Flow
  readonly #held: Held
  /** Of what was held, so much may pass by the rates. */
  #granted = 0
  #senderEnded: boolean
  /** Before it has begun nothing passes, either. */
  #pumping = true
  #finishing = false
  #stopped = false

  constructor(
    splice: Splice,
    init: SpliceInit,
    from: Joinable,
    to: Side,
    direction: Direction,
    fromPeer: string,
    toPeer: string
  ) {
    this.#splice = splice
    this.#init = init
    this.#from = from.side
    this.#held = from.early
    this.#senderEnded = from.ended
    this.#to = to
    this.#direction = direction
    this.#flow = init.shaper.open({
      from: fromPeer,
      to: toPeer,
      direction,
      network: init.network,
      granted: bytes => {
        this.#granted += bytes
        this.onWritable()
      }
    })
  }

  /** Both sides are joined. */
  begin(): void {
    this.#pumping = false
    this.onWritable()
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#flow.release()
    this.#held.clear()
  }

  /** The receiver has left: reads no more of what the sender has. */
  giveUp(): void {
    if (this.done || this.#finishing) return
    this.done = this.cut = true
    this.stop()
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#stopped) return
    try {
      if (this.#held.byteLength > 0 || this.#pumping || this.#flow.limited) {
        this.#held.append(bytes)
        return this.#pump()
      }
      const now = Math.min(bytes.byteLength, this.#to.sendable)
      if (now > 0) this.#send(now === bytes.byteLength ? bytes : bytes.subarray(0, now))
      if (this.#stopped || now === bytes.byteLength) return
      this.#held.append(bytes.subarray(now))
      this.#pump()
    } catch {
      // A stream that closed under our hands ends the circuit; it must not end the process.
      this.#splice.end('reset')
    }
  }

  onEnd(): void {
    this.#senderEnded = true
    this.onWritable()
  }

  onClose(error?: Error): void {
    if (this.#stopped && !this.done) return
    if (error instanceof ReaderBehindError) return this.#splice.end('reader-behind')
    if (error !== undefined) return this.#splice.end('reset')
    if (!this.#senderEnded) return this.#splice.end('peer-gone')
    this.#splice.senderGone(this)
    this.onWritable()
  }

  /** There is room, or more to pass, or nothing more to come. */
  onWritable(): void {
    if (this.#stopped) return
    try {
      this.#pump()
    } catch {
      this.#splice.end('reset')
    }
  }

  /** Passes on what it may of what is held, and closes when that was all. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#held.byteLength > 0 && this.#sendHeld());
    } finally {
      this.#pumping = false
    }
    if (this.#senderEnded && !this.#stopped && this.#held.byteLength === 0) this.#finish()
  }

  /** One piece; false where no more may pass for now. */
  #sendHeld(): boolean {
    const room = this.#to.sendable
    const next = this.#held.peek(room)
    if (next.byteLength === 0) return false
    // For all that could pass, and not only for this piece: a turn costs as much for little as for much.
    if (this.#granted === 0) this.#granted = this.#flow.take(Math.min(room, this.#held.byteLength))
    if (this.#granted === 0) return false
    const bytes = Math.min(next.byteLength, this.#granted)
    this.#granted -= bytes
    this.#send(bytes === next.byteLength ? next : next.subarray(0, bytes))
    if (this.#stopped) return false
    this.#held.drop(bytes)
    return true
  }

  #send(bytes: Uint8Array): void {
    const left = this.#init.bytesEachWay() - this.bytes
    if (bytes.byteLength > left) {
      if (left > 0) this.#pass(bytes.subarray(0, left))
      return this.#splice.end('bytes')
    }
    this.#pass(bytes)
  }

  #pass(bytes: Uint8Array): void {
    const passed = bytes.byteLength
    this.bytes += passed
    this.#init.relayed(this.#direction, passed)
    this.#to.promptly?.()
    this.#to.write(bytes)
    this.#from.credit(passed)
  }

  #finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    void this.#to.finish().then(
      () => this.#finished(false),
      () => this.#finished(true)
    )
  }

  #finished(cut: boolean): void {
    this.done = true
    if (cut) this.cut = true
    this.#splice.passed()
  }
}
