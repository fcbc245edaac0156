import {
  StreamResetError,
  StreamStateError,
  type AbortOptions,
  type MessageStreamDirection
} from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Side, SideSink } from '../../circuit/side.ts'
import type { Channel } from './channel.ts'
import { FIN, FIRST_WINDOW_BYTES, MOST, RST, WINDOW_UPDATE } from './frame.ts'
import { LeanStream } from './lean-stream.ts'
import type { Session } from './session.ts'
import { ReceiveWindow } from './window.ts'

/** Payload of one frame. Larger ones save nothing, and some peers read a frame only when they have all of it. */
const FRAME_BYTES = 64 * 1024
/** What a stream may write before the connection's room is looked at again, and others have their turn. */
const TURN_BYTES = 128 * 1024
/** Pieces that may wait to be read: each takes memory beside its bytes, and a peer may send single bytes. */
const MOST_PIECES = 1024
/** What libp2p's streams hold at most; a window fits into it, and what their users put back. */
const READ_BUFFER_BYTES = 4 * 1024 * 1024

const finished = Promise.resolve()
/** One for all: where it was made says nothing, and noting that costs more than the rest of the stream. */
const peerReset = new StreamResetError()

export interface YamuxStreamInit {
  session: Session
  number: number
  direction: MessageStreamDirection
  maxWindowBytes: number
  log: Logger
  /** Called once, when it is over, before anybody else is told. */
  over: (stream: YamuxStream) => void
}

/**
 * A stream of a Yamux connection: libp2p's, until it is joined to a sink; from then on its bytes take the shortest
 * way between that and the connection.
 */
export class YamuxStream extends LeanStream implements Side, Channel {
  readonly number: number
  /** Its place in the muxer's list. */
  index = -1
  readonly #session: Session
  readonly #gone: (stream: YamuxStream) => void
  readonly #window: ReceiveWindow
  #sendWindow = FIRST_WINDOW_BYTES
  #sink: SideSink | undefined
  /** Somebody found no room to write. */
  #waiting = false
  /** The peer is told of no more window. */
  #withheld = false
  #pieces = 0
  #over = false
  #failure: Error | undefined
  #wasReset = false
  #finished: Promise<void> | undefined

  constructor({ session, number, direction, maxWindowBytes, log, over }: YamuxStreamInit) {
    const maxReadBufferLength = READ_BUFFER_BYTES + maxWindowBytes
    super({ id: `${number}`, direction, log, maxReadBufferLength })
    this.number = number
    this.#session = session
    this.#gone = over
    this.#window = new ReceiveWindow(maxWindowBytes)
  }

  // As the session's channel.

  takes(bytes: number): boolean {
    return this.#window.take(bytes)
  }

  received(bytes: Uint8Array): void {
    // After its end nothing more is the stream's.
    if (this.#over || this.remoteWriteStatus === 'closed') return
    this.#window.arrived(bytes.byteLength)
    if (this.#sink !== undefined) return this.#sink.onBytes(bytes)
    this.#pieces++
    this.onData(new Uint8Array(bytes))
    if (this.readBuffer.byteLength === 0) this.#pieces = 0
    else if (this.#pieces > MOST_PIECES) this.#mergePieces()
    this.#creditRead()
  }

  receivedEnd(): void {
    if (this.#over || this.remoteWriteStatus === 'closed') return
    this.#sink?.onEnd()
    this.onRemoteCloseWrite()
  }

  receivedReset(): void {
    this.onRemoteReset()
  }

  windowOpened(bytes: number): boolean {
    this.#sendWindow += bytes
    if (this.#sendWindow > MOST) return false
    this.writable()
    return true
  }

  writable(): void {
    if (!this.#waiting || this.#over) return
    if (this.#session.full) return this.#session.wait(this)
    this.#waiting = false
    if (this.writableNeedsDrain) this.resumeSending()
    // Where that has filled the connection, or the window is still shut.
    if (this.#waiting) return
    if (this.#room() === 0) this.#wait()
    else this.#sink?.onWritable()
  }

  /** The connection is lost: the stream has closed, without having been reset. */
  lose(error: Error): void {
    if (this.#over) return
    this.#failure = error
    this.onTransportClosed()
  }

  // As a side of a circuit.

  join(sink: SideSink): void {
    const over = this.#over
    this.#sink = sink
    const buffered = [...this.readBuffer]
    this.readBuffer.consume(this.readBuffer.byteLength)
    for (const bytes of buffered) {
      sink.onBytes(bytes)
      // The sink may end the stream, and is told so at once.
      if (this.#over !== over) return
    }
    if (this.writeBuffer.byteLength > 0) this.addEventListener('idle', () => this.#onIdle(), { once: true })
    if (this.remoteWriteStatus === 'closed' && this.#failure === undefined) sink.onEnd()
    if (over) sink.onClose(this.#wasReset ? this.#failure : undefined)
  }

  get sendable(): number {
    if (this.#over || this.writeStatus !== 'writable') return 0
    const room = this.writeBuffer.byteLength > 0 ? 0 : this.#room()
    if (room === 0) this.#wait()
    return room
  }

  write(bytes: Uint8Array): void {
    if (this.#over) return
    if (bytes.byteLength > this.#sendWindow) throw new RangeError('more than the window')
    if (this.writeStatus !== 'writable') throw new StreamStateError('the stream was finished')
    const session = this.#session
    for (let at = 0; at < bytes.byteLength; at += FRAME_BYTES) {
      const end = Math.min(at + FRAME_BYTES, bytes.byteLength)
      session.sendDataHeader(this.number, end - at)
      session.sendPayload(end - at === bytes.byteLength ? bytes : bytes.subarray(at, end))
    }
    this.#sendWindow -= bytes.byteLength
    if (this.#room() === 0) this.#wait()
  }

  promptly(): void {
    this.#session.promptly()
  }

  credit(bytes: number): void {
    this.#window.credit(bytes)
    this.#openWindow()
  }

  finish(): Promise<void> {
    this.#finished ??= this.closeNow() ? finished : this.#finish()
    return this.#finished
  }

  part(unread: Uint8Array): void {
    this.#sink = undefined
    if (unread.byteLength > 0) this.readBuffer.append(new Uint8Array(unread))
  }

  // As libp2p's stream.

  sendData(data: Uint8ArrayList): SendResult {
    const total = data.byteLength
    let sentBytes = 0
    while (sentBytes < total) {
      const bytes = Math.min(this.#room(), total - sentBytes, FRAME_BYTES)
      if (bytes === 0) {
        this.#wait()
        return { sentBytes, canSendMore: false }
      }
      this.#session.sendDataHeader(this.number, bytes)
      const parts = bytes === total ? data : data.sublist(sentBytes, sentBytes + bytes)
      for (const part of parts) this.#session.sendPayload(part)
      this.#sendWindow -= bytes
      sentBytes += bytes
    }
    const canSendMore = !this.#session.full
    if (!canSendMore) this.#wait()
    return { sentBytes, canSendMore }
  }

  sendReset(): void {
    this.#session.sendControl(WINDOW_UPDATE, RST, this.number, 0)
    this.#leave()
  }

  async sendCloseWrite(): Promise<void> {
    this.sendFin()
  }

  protected sendFin(): void {
    this.#session.sendControl(WINDOW_UPDATE, FIN, this.number, 0)
  }

  // Yamux has no word for it: what still comes is read, and forgotten.
  async sendCloseRead(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#withheld = false
    this.#creditRead()
  }

  sendPause(): void {
    this.#withheld = true
  }

  sendResume(): void {
    this.#withheld = false
    this.#openWindow()
  }

  override abort(error: Error): void {
    super.abort(error)
    this.#end(error, true)
  }

  override onRemoteReset(): void {
    this.#leave()
    super.onRemoteReset()
    this.#end(peerReset, true)
  }

  override onTransportClosed(error?: Error): void {
    this.#leave()
    super.onTransportClosed(error)
    this.#end(error ?? this.#failure)
  }

  protected override dispatchReadBuffer(): void {
    super.dispatchReadBuffer()
    this.#creditRead()
  }

  async #finish(): Promise<void> {
    try {
      await this.close()
    } catch (error) {
      throw this.#failure ?? error
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #room(): number {
    return this.#session.full ? 0 : Math.min(this.#sendWindow, TURN_BYTES)
  }

  #wait(): void {
    this.#waiting = true
    if (this.#session.full) this.#session.wait(this)
  }

  #onIdle(): void {
    if (this.#over || !this.#waiting) return
    // Still within the sending of the last of it.
    queueMicrotask(() => this.writable())
  }

  /** Gives back what libp2p's reader has taken. */
  #creditRead(): void {
    if (this.#sink !== undefined) return
    const read = this.#window.held - this.readBuffer.byteLength
    if (read > 0) this.credit(read)
  }

  #openWindow(): void {
    if (this.#withheld || this.remoteWriteStatus === 'closed') return
    if (this.#window.due) this.#session.openWindow(this.number, this.#window)
  }

  #mergePieces(): void {
    this.#pieces = 0
    const all = this.readBuffer.slice()
    this.readBuffer.consume(all.byteLength)
    this.readBuffer.append(all)
  }

  #leave(): void {
    if (this.#session.remove(this)) this.#gone(this)
  }

  #end(error?: Error, wasReset = false): void {
    if (this.#over) return
    this.#over = true
    this.#failure = error
    this.#wasReset = wasReset
    this.#sink?.onClose(wasReset ? error : undefined)
  }
}
