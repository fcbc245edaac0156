import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { CircuitEnd } from '../../observe/events.ts'
import type { Direction, Flow, Shaper } from '../budget/shaper.ts'

/** Unsent bytes a writer may hold before its reader is stopped. */
const BACKLOG_BYTES = 64 * 1024
/** How long a half-closed side may take to hand over what it still has to send. */
const CLOSE_TIMEOUT_MS = 30_000

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
    this.#toSource.start()
  }

  /** One direction has passed everything its sender had. */
  passed(): void {
    if (this.#toTarget.done && this.#toSource.done) this.end('closed')
  }

  /** Ends the circuit for that reason, once; both streams are reset unless it closed by itself. */
  end(reason: CircuitEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#toTarget.stop()
    this.#toSource.stop()
    if (reason !== 'closed') {
      const error = new Error(`circuit ended: ${reason}`)
      this.#init.source.abort(error)
      this.#init.target.abort(error)
    }
    this.#init.ended(reason)
  }
}

/** One direction of a circuit. */
class OneWay {
  bytes = 0
  /** The sender has closed its end, all it sent was passed on, and the receiver was told. */
  done = false
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
    if (this.#from.status !== 'open' && this.#from.readBufferLength === 0) this.#splice.end('peer-gone')
    else if (this.#from.readableEnded) queueMicrotask(() => this.#guard(() => this.#pump()))
  }

  stop(): void {
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
    if (event.error !== undefined) this.#splice.end('reset')
    else if (!this.#senderClosed) this.#splice.end('peer-gone')
    else this.#guard(() => this.#pump())
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
    if (this.#from.readableEnded) this.#finish()
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
    this.#from.resume()
    this.#resuming = false
    if (!this.#stopped && (this.#pending.byteLength > 0 || this.#backedUp())) this.#pause()
  }

  #finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    this.#to
      .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
      .then(() => {
        this.done = true
        if (!this.#stopped) this.#splice.passed()
      })
      .catch(() => this.#splice.end('reset'))
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
