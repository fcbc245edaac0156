import { StreamStateError, type MessageStreamDirection, type StreamCloseEvent } from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ReaderBehindError, type Side, type SideSink } from '../circuit/side.ts'
import type { Account, Backlog } from './backlog.ts'
import { encodeBytes, encodeFlag, Flag, FRAME_BYTES, FrameReader, type Frame } from './frames.ts'
import type { DataChannel } from './native.ts'
import type { CarriedBothWays } from './traffic.ts'

/** Bytes that wait for the connection before no more are taken. */
const BACKLOG_BYTES = 64 * 1024
/** How long a peer may take to acknowledge our end: browsers do so at once. */
const FIN_ACK_MS = 10_000

export interface WebRtcStreamInit {
  channel: DataChannel
  direction: MessageStreamDirection
  log: Logger
  /** Bytes that may wait for their reader; more of them in the backlog that all streams share. */
  windowBytes: number
  backlog: Backlog
  carried: CarriedBothWays
}

/**
 * A libp2p stream on a data channel. Its sender cannot be slowed down: SCTP has a window for the whole connection alone,
 * and the library empties that at once. So what waits for a slow reader is bounded by a reset.
 */
export class WebRtcStream extends AbstractStream implements Side {
  readonly #channel: DataChannel
  readonly #frames = new FrameReader()
  readonly #waiting: Account
  readonly #carried: CarriedBothWays
  #sink: SideSink | undefined
  #open: boolean
  /** Was written before the channel was open. */
  #early: Buffer[] = []
  #ended = false
  #closeError: Error | undefined
  #acknowledged: PromiseWithResolvers<void> | undefined

  constructor({ channel, direction, log, windowBytes, backlog, carried }: WebRtcStreamInit) {
    super({
      id: String(channel.getId()),
      direction,
      log,
      maxMessageSize: FRAME_BYTES,
      maxReadBufferLength: windowBytes
    })
    this.#channel = channel
    this.#waiting = backlog.open(windowBytes)
    this.#carried = carried
    this.#open = channel.isOpen()
    this.addEventListener('close', ({ error }: StreamCloseEvent) => {
      this.#closeError = error
      this.#acknowledged?.resolve()
      this.#early = []
      this.#waiting.close()
      channel.close()
      this.#sink?.onClose(error)
    })
    channel.setBufferedAmountLowThreshold(BACKLOG_BYTES / 2)
    channel.onBufferedAmountLow(() => this.#writable())
    channel.onOpen(() => this.#opened())
    channel.onError(error => this.abort(new Error(error)))
    channel.onClosed(() => this.onTransportClosed())
    channel.onMessage(message => this.#onMessage(message))
    if (!this.#open && channel.isOpen()) this.#opened()
  }

  sendData(data: Uint8ArrayList): SendResult {
    const { byteLength } = data
    this.#send(encodeBytes(data.subarray()))
    return { sentBytes: byteLength, canSendMore: this.#hasRoom }
  }

  sendReset(): void {
    this.#send(encodeFlag(Flag.reset))
  }

  /** Until the peer has all of it: the channel's end would overtake it. */
  async sendCloseWrite(): Promise<void> {
    this.#acknowledged = Promise.withResolvers()
    const timer = setTimeout(() => this.#acknowledged?.resolve(), FIN_ACK_MS)
    this.#send(encodeFlag(Flag.fin))
    await this.#acknowledged.promise
    clearTimeout(timer)
  }

  async sendCloseRead(): Promise<void> {
    this.#send(encodeFlag(Flag.stopSending))
  }

  // There is nothing that would stop the sender.
  sendPause(): void {}
  sendResume(): void {}

  join(sink: SideSink): void {
    const first = this.#sink === undefined
    this.#sink = sink
    if (first) this.#handOver(sink)
  }

  get sendable(): number {
    return this.#hasRoom && this.#open ? FRAME_BYTES : 0
  }

  write(bytes: Uint8Array): void {
    if (this.writeStatus !== 'writable') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    this.#send(encodeBytes(bytes))
  }

  credit(bytes: number): void {
    this.#waiting.drop(bytes)
  }

  async finish(): Promise<void> {
    await this.close()
  }

  get #hasRoom(): boolean {
    return this.#channel.bufferedAmount() < BACKLOG_BYTES
  }

  #send(frame: Buffer): void {
    // The frame's memory is used again.
    if (!this.#open) return void this.#early.push(Buffer.from(frame))
    this.#carried.sent.add(frame.byteLength)
    this.#channel.sendMessageBinary(frame)
  }

  #opened(): void {
    if (this.#open) return
    this.#open = true
    for (const frame of this.#early.splice(0)) this.#send(frame)
    this.#writable()
  }

  #writable(): void {
    if (this.status !== 'open') return
    if (this.writableNeedsDrain) this.safeDispatchEvent('drain')
    this.#sink?.onWritable()
  }

  #onMessage(message: string | Buffer | ArrayBuffer): void {
    if (this.status === 'closed' || this.status === 'aborted' || this.status === 'reset') return
    try {
      if (typeof message === 'string') throw new RangeError('text on a data channel')
      const bytes = Buffer.isBuffer(message) ? message : Buffer.from(message)
      this.#carried.received.add(bytes.byteLength)
      for (const frame of this.#frames.read(bytes)) this.#onFrame(frame)
    } catch (error) {
      this.abort(error as Error)
    }
  }

  #onFrame({ bytes, flag }: Frame): void {
    if (bytes !== undefined && bytes.byteLength > 0 && !this.#ended) this.#received(bytes)
    if (flag === Flag.fin) {
      this.#send(encodeFlag(Flag.finAck))
      this.#ended = true
      this.#sink?.onEnd()
      this.onRemoteCloseWrite()
    } else if (flag === Flag.finAck) this.#acknowledged?.resolve()
    else if (flag === Flag.reset) this.onRemoteReset()
    else if (flag === Flag.stopSending) this.onRemoteCloseRead()
  }

  #received(bytes: Uint8Array): void {
    if (this.readStatus !== 'readable' && this.readStatus !== 'paused') return
    if (this.#sink === undefined) return this.onData(bytes)
    const fits = this.#waiting.add(bytes.byteLength)
    this.#sink.onBytes(bytes)
    if (!fits) this.abort(new ReaderBehindError())
  }

  /** Begins with what came before the streams were joined. */
  #handOver(sink: SideSink): void {
    const early = this.readBuffer.subarray()
    this.readBuffer.consume(early.byteLength)
    if (early.byteLength > 0) {
      this.#waiting.add(early.byteLength)
      sink.onBytes(early)
    }
    if (this.#ended) sink.onEnd()
    if (this.status !== 'open') sink.onClose(this.#closeError)
  }
}
