import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { CircuitEnd } from '../../observe/events.ts'
import type { Direction, Flow, Shaper } from '../budget/shaper.ts'

/** Unsent bytes a writer may hold before its reader is stopped. */
const BACKLOG_BYTES = 64 * 1024
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
 * what passes, keeps half-closes apart, and reads from a side no faster than the other takes it: what it
 * holds in memory is bounded by the streams' windows (see transports.ts).
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

/** One direction of a circuit. */
class OneWay {
  bytes = 0
  /** The sender has closed its end, all it sent was passed on, and the receiver was told; or it was cut. */
  done = false
  /** The receiver left before the sender was done. */
  cut = false
  readonly #splice: Splice
  readonly #init: SpliceInit
  readonly #from: Stream
  readonly #to: Stream
  readonly #direction: Direction
  readonly #flow: Flow
  readonly #pending = new Uint8ArrayList()
  #senderClosed = false
  #finishing = false
  #stopped = false
  #resuming = false

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
    this.#from = from
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
    this.#from.addEventListener('end', this.#onEnd)
    this.#from.addEventListener('close', this.#onClose)
    this.#to.addEventListener('drain', this.#onDrain)
    this.#to.addEventListener('idle', this.#onDrain)
    // What happened before these listeners were there.
    if (this.#from.remoteWriteStatus === 'closed') this.#senderClosed = true
    if (this.#from.status !== 'open') this.#splice.end('peer-gone')
    else if (this.#from.readableEnded) queueMicrotask(() => this.#guard(() => this.#pump()))
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#flow.release()
    this.#from.removeEventListener('message', this.#onMessage)
    this.#from.removeEventListener('remoteCloseWrite', this.#onSenderClosed)
    this.#from.removeEventListener('end', this.#onEnd)
    this.#from.removeEventListener('close', this.#onClose)
    this.#to.removeEventListener('drain', this.#onDrain)
    this.#to.removeEventListener('idle', this.#onDrain)
    this.#pending.consume(this.#pending.byteLength)
  }

  /** The receiver has left: reads no more of what the sender has. */
  giveUp(): void {
    if (this.done || this.#finishing) return
    this.done = this.cut = true
    this.#pause()
    this.stop()
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#guard(() => {
      if (this.#pending.byteLength === 0 && !this.#flow.limited && !this.#backedUp()) {
        this.#send(event.data)
        if (this.#backedUp()) this.#pause()
        return
      }
      this.#pending.append(event.data)
      this.#pump()
    })
  }

  readonly #onSenderClosed = (): void => {
    this.#senderClosed = true
  }

  // A frame may carry the last data beside the close: wait for it to be handed over.
  readonly #onEnd = (): void => queueMicrotask(() => this.#guard(() => this.#pump()))

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) return this.#splice.end('reset')
    if (!this.#senderClosed) return this.#splice.end('peer-gone')
    this.#splice.senderGone(this)
    this.#guard(() => this.#pump())
  }

  // The stream itself sends its backlog in a microtask of this event: look after that.
  readonly #onDrain = (): void => {
    if (this.#pending.byteLength > 0 || this.#from.readStatus === 'paused') {
      queueMicrotask(() => this.#guard(() => this.#pump()))
    }
  }

  /** Passes on what it may, then reads on, stops reading, or closes. */
  #pump(): void {
    while (this.#pending.byteLength > 0 && !this.#stopped) {
      if (this.#backedUp()) return this.#pause()
      const bytes = this.#flow.take(this.#pending.byteLength)
      if (bytes === 0) return this.#pause()
      this.#sendPending(bytes)
    }
    if (this.#stopped) return
    if (this.#from.readableEnded && this.#from.readBufferLength === 0) this.#finish()
    else if (this.#backedUp()) this.#pause()
    else this.#resume()
  }

  #grant(bytes: number): void {
    this.#sendPending(Math.min(bytes, this.#pending.byteLength))
    this.#pump()
  }

  #sendPending(bytes: number): void {
    const chunk = this.#pending.sublist(0, bytes)
    this.#send(chunk)
    if (!this.#stopped) this.#pending.consume(bytes)
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

  #backedUp(): boolean {
    return this.#to.writeBufferLength > BACKLOG_BYTES
  }

  #pause(): void {
    // Pausing from within resume() is undone by it (test/upstream/streams.test.ts): #resume does it after.
    if (!this.#resuming && this.#from.readStatus === 'readable') this.#from.pause()
  }

  #resume(): void {
    if (this.#resuming || this.#from.readStatus !== 'paused') return
    this.#resuming = true
    try {
      this.#from.resume()
    } catch (error) {
      // One whose connection is gone hands over its last bytes, then fails to ask for more.
      if (this.#from.status === 'open') throw error
    } finally {
      this.#resuming = false
    }
    if (!this.#stopped && (this.#pending.byteLength > 0 || this.#backedUp())) this.#pause()
  }

  #finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    // However long its reader takes: the circuit's duration bounds that.
    this.#to
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
