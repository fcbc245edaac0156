import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { AbstractStream } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { CircuitEnd } from '../../observe/events.ts'
import { Backlog } from '../budget/backlog.ts'
import type { Direction, Flow, Shaper } from '../budget/shaper.ts'

/** Bytes that may wait for the reader before the writer is asked for no more. */
const BACKLOG_BYTES = 64 * 1024
/** What is sent at once of bytes that waited. */
const CHUNK_BYTES = 128 * 1024
/** How long a side whose partner has gone may take to read what it was sent, and to close. */
const LINGER_MS = 30_000

export interface SpliceInit {
  source: Stream
  target: Stream
  sourcePeer: string
  targetPeer: string
  shaper: Shaper
  /** Bytes that may pass in each direction, now: the limit can change while the circuit runs. */
  bytesEachWay(): number
  relayed(direction: Direction, bytes: number): void
  ended(reason: CircuitEnd): void
}

/**
 * Joins the two streams of a circuit until both sides have closed it or one end fails. Counts and shapes
 * what passes, keeps half-closes apart, and asks each side for no more than the other takes: what waits in
 * memory is at most the backlog, one window of the writer (see transports.ts) and one chunk on its way out.
 */
export class Splice {
  readonly #init: SpliceInit
  readonly #toTarget: OneWay
  readonly #toSource: OneWay
  #ended = false

  constructor(init: SpliceInit) {
    this.#init = init
    const { source, target, sourcePeer, targetPeer } = init
    this.#toTarget = new OneWay(this, init, source, target, 'to-target', sourcePeer, targetPeer)
    this.#toSource = new OneWay(this, init, target, source, 'to-source', targetPeer, sourcePeer)
  }

  get bytesToTarget(): number {
    return this.#toTarget.bytes
  }

  get bytesToSource(): number {
    return this.#toSource.bytes
  }

  start(): void {
    this.#toTarget.start()
    if (!this.#ended) this.#toSource.start()
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

  #reset(reason: CircuitEnd): void {
    const error = new Error(`circuit ended: ${reason}`)
    this.#init.source.abort(error)
    this.#init.target.abort(error)
  }
}

/**
 * Every stream of libp2p's can tell its sender to stop (for Yamux, by withholding the window) while it still
 * hands over what comes. Its `pause()` would keep that in a list of its own, in pieces as small as they came.
 */
type Reader = Stream & Pick<AbstractStream, 'sendPause' | 'sendResume'>

/** One direction of a circuit. */
class OneWay {
  bytes = 0
  /** The sender has closed its end, all it sent was passed on, and the receiver was told; or it was cut. */
  done = false
  /** The receiver left before the sender was done. */
  cut = false
  readonly #splice: Splice
  readonly #init: SpliceInit
  readonly #from: Reader
  readonly #to: Stream
  readonly #direction: Direction
  readonly #flow: Flow
  readonly #waiting = new Backlog()
  #senderClosed = false
  #held = false
  #finishing = false
  #stopped = false

  constructor(
    splice: Splice,
    init: SpliceInit,
    from: Stream,
    to: Stream,
    direction: Direction,
    fromPeer: string,
    toPeer: string
  ) {
    this.#splice = splice
    this.#init = init
    this.#from = from as Reader
    this.#to = to
    this.#direction = direction
    this.#flow = init.shaper.open({
      from: fromPeer,
      to: toPeer,
      direction,
      granted: bytes => this.#guard(() => this.#grant(bytes))
    })
  }

  start(): void {
    this.#from.addEventListener('message', this.#onMessage)
    this.#from.addEventListener('remoteCloseWrite', this.#onSenderClosed)
    this.#from.addEventListener('end', this.#pumpSoon)
    this.#from.addEventListener('close', this.#onClose)
    this.#to.addEventListener('drain', this.#onDrain)
    // What happened before these listeners were there.
    if (this.#from.remoteWriteStatus === 'closed') this.#senderClosed = true
    if (this.#from.status !== 'open') this.#splice.end('peer-gone')
    else if (this.#from.readableEnded) this.#pumpSoon()
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#flow.release()
    this.#from.removeEventListener('message', this.#onMessage)
    this.#from.removeEventListener('remoteCloseWrite', this.#onSenderClosed)
    this.#from.removeEventListener('end', this.#pumpSoon)
    this.#from.removeEventListener('close', this.#onClose)
    this.#to.removeEventListener('drain', this.#onDrain)
    this.#waiting.clear()
  }

  /** The receiver has left: reads no more of what the sender has. */
  giveUp(): void {
    if (this.done || this.#finishing) return
    this.done = this.cut = true
    this.#from.sendPause()
    this.stop()
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#guard(() => {
      if (this.#waiting.byteLength === 0 && !this.#flow.limited && !this.#to.writableNeedsDrain) {
        return this.#send(event.data)
      }
      this.#waiting.append(event.data)
      this.#pump()
    })
  }

  readonly #onSenderClosed = (): void => {
    this.#senderClosed = true
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) return this.#splice.end('reset')
    if (!this.#senderClosed) return this.#splice.end('peer-gone')
    this.#splice.senderGone(this)
    this.#guard(() => this.#pump())
  }

  readonly #onDrain = (): void => {
    if (this.#waiting.byteLength > 0) this.#pumpSoon()
  }

  /**
   * In a microtask: the stream itself sends its backlog in one at its drain, and at its end a frame may carry
   * the last data beside the close.
   */
  readonly #pumpSoon = (): void => queueMicrotask(() => this.#guard(() => this.#pump()))

  /** Passes on what it may, then asks for more or for no more, or closes. */
  #pump(): void {
    while (this.#waiting.byteLength > 0 && !this.#to.writableNeedsDrain) {
      const bytes = this.#flow.take(Math.min(CHUNK_BYTES, this.#waiting.byteLength))
      if (bytes === 0) break
      this.#send(this.#waiting.take(bytes))
      if (this.#stopped) return
    }
    if (this.#waiting.byteLength > 0 || !this.#from.readableEnded) this.#hold()
    else if (this.#from.readBufferLength === 0) this.#finish()
  }

  #grant(bytes: number): void {
    this.#send(this.#waiting.take(Math.min(bytes, this.#waiting.byteLength)))
    if (!this.#stopped) this.#pump()
  }

  /** Lets the sender go on, or not, by how much waits. */
  #hold(): void {
    const hold = this.#waiting.byteLength > BACKLOG_BYTES
    if (hold === this.#held || this.#from.remoteWriteStatus === 'closed') return
    this.#held = hold
    if (hold) this.#from.sendPause()
    else this.#from.sendResume()
  }

  #send(data: Uint8Array | Uint8ArrayList): void {
    const left = this.#init.bytesEachWay() - this.bytes
    if (data.byteLength > left) {
      const rest = Math.max(0, left)
      if (rest > 0) this.#pass(data.subarray(0, rest))
      return this.#splice.end('bytes')
    }
    this.#pass(data)
  }

  #pass(data: Uint8Array | Uint8ArrayList): void {
    this.bytes += data.byteLength
    this.#init.relayed(this.#direction, data.byteLength)
    this.#to.send(data)
  }

  #finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    // However long its reader takes: the circuit's duration bounds that.
    void this.#to
      .close()
      .then(
        () => (this.done = true),
        () => (this.done = this.cut = true)
      )
      .then(() => this.#splice.passed())
  }

  /** A stream that closed under our hands ends the circuit; it must not end the process. */
  #guard(run: () => void): void {
    if (this.#stopped) return
    try {
      run()
    } catch {
      this.#splice.end('reset')
    }
  }
}
