import { StreamStateError, type MessageStreamDirection, type StreamCloseEvent } from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Side, SideSink } from '../circuit/side.ts'
import { Inflow } from './inflow.ts'
import type { NativeStream } from './native.ts'
import { Outflow, WRITE_BYTES } from './outflow.ts'

/**
 * A QUIC stream that stops reading while it is paused, and where a reset from the peer arrives as a reset, not as an
 * end. As a side of a circuit it goes without libp2p's events and lists.
 */
export class QuicStream extends AbstractStream implements Side {
  readonly #native: NativeStream
  readonly #in: Inflow
  readonly #out: Outflow
  #sink: SideSink | undefined
  #written: Promise<void> | undefined
  /** All that the peer wrote has been read. */
  #ended = false
  #closeError: Error | undefined

  constructor(native: NativeStream, direction: MessageStreamDirection, log: Logger) {
    super({ id: native.id(), direction, log, maxMessageSize: WRITE_BYTES })
    this.#native = native
    this.#in = new Inflow(native, {
      bytes: chunk => this.#received(chunk),
      ended: () => this.#remoteEnded(),
      failed: error => this.#failed(error)
    })
    this.#out = new Outflow(native, {
      writable: () => this.#sink?.onWritable(),
      failed: error => this.#writeFailed(error)
    })
    this.addEventListener('close', ({ error }: StreamCloseEvent) => {
      this.#closeError = error
      this.#in.stop()
      this.#out.end(error ?? new Error('the stream has closed'))
      this.#sink?.onClose(error)
    })
    this.#in.go()
  }

  /** Settles with the write that is under way: one that waits for its reader cannot be called off, not by a reset either. */
  get written(): Promise<void> | undefined {
    return this.#written ?? this.#out.underWay
  }

  sendData(data: Uint8ArrayList): SendResult {
    const bytes = data.byteLength
    // One write at a time: it resolves when flow control took all of it, which is this stream's drain.
    this.#written = this.#native
      .write(data.subarray())
      .finally(() => (this.#written = undefined))
      .then(
        () => void this.safeDispatchEvent('drain'),
        (error: unknown) => this.#writeFailed(error)
      )
    return { sentBytes: bytes, canSendMore: false }
  }

  sendReset(): void {
    void this.#native.resetWrite()
    void this.#native.stopRead()
  }

  async sendCloseWrite(): Promise<void> {
    await this.#native.finishWrite()
  }

  // Not awaited: the engine stops only when the read under way is over.
  async sendCloseRead(): Promise<void> {
    void this.#native.stopRead()
  }

  /** Ends our half too: the engine would keep the stream, then close it as if all had been sent. */
  override onRemoteReset(): void {
    super.onRemoteReset()
    void this.#native.resetWrite()
  }

  sendPause(): void {
    this.#in.pause()
  }

  sendResume(): void {
    this.#in.resume()
  }

  join(sink: SideSink): void {
    this.#in.resume()
    // At once, or what arrives now would come before what lies here.
    this.#handOver(sink)
  }

  get sendable(): number {
    return this.#out.sendable
  }

  write(bytes: Uint8Array): void {
    if (this.writeStatus !== 'writable') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    this.#out.write(bytes)
  }

  credit(bytes: number): void {
    this.#in.credit(bytes)
  }

  async finish(): Promise<void> {
    await this.#out.flushed()
    await this.close()
  }

  #received(chunk: Uint8Array): void {
    if (this.#sink === undefined) return this.onData(chunk)
    const { buffer, byteLength } = chunk
    this.#in.debit(byteLength)
    this.#sink.onBytes(chunk)
    // The engine's memory, and often more of it than was read. The collector would let hundreds of MiB pile up.
    if (buffer.byteLength === byteLength) (buffer as ArrayBuffer).transfer(0)
  }

  /** Begins with what came before the streams were joined. */
  #handOver(sink: SideSink): void {
    this.#sink = sink
    const early = this.readBuffer.subarray()
    this.readBuffer.consume(early.byteLength)
    if (early.byteLength > 0) {
      this.#in.debit(early.byteLength)
      sink.onBytes(early)
    }
    if (this.#ended) sink.onEnd()
    if (this.status !== 'open') sink.onClose(this.#closeError)
  }

  #remoteEnded(): void {
    this.#ended = true
    this.#sink?.onEnd()
    this.onRemoteCloseWrite()
  }

  /** A peer that stops reading may still be sending: only what goes to it is over. */
  #writeFailed(error: unknown): void {
    if (!/stopped by peer/.test(String(error))) return this.#failed(error)
    if (this.status !== 'open') return
    this.writeStatus = 'closed'
    this.onRemoteCloseRead()
    this.safeDispatchEvent('drain')
    if (this.remoteWriteStatus === 'closed') this.onTransportClosed()
  }

  /** quinn's errors come as text only: a peer's reset says so, anything else is a lost connection. */
  #failed(error: unknown): void {
    if (this.status !== 'open') return
    if (/reset by peer/.test(String(error))) this.onRemoteReset()
    else this.onTransportClosed()
  }
}
