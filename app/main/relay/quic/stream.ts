import type { MessageStreamDirection } from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { NativeStream } from './native.ts'

const READ_BYTES = 64 * 1024
const WRITE_BYTES = 128 * 1024

/**
 * A QUIC stream that stops reading while it is paused: what the peer sends then waits in QUIC's own receive
 * window, and when that is full the peer waits too. A reset from the peer arrives as a reset, not as an end.
 */
export class QuicStream extends AbstractStream {
  readonly #native: NativeStream
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(native: NativeStream, direction: MessageStreamDirection, log: Logger) {
    super({ id: native.id(), direction, log, maxMessageSize: WRITE_BYTES })
    this.#native = native
    void this.#read()
    // A paused stream that closes must not leave its reader waiting.
    this.addEventListener('close', () => this.sendResume())
  }

  sendData(data: Uint8ArrayList): SendResult {
    const bytes = data.byteLength
    // One write at a time: it resolves when flow control took all of it, which is this stream's drain.
    this.#native.write(data.subarray()).then(
      () => this.safeDispatchEvent('drain'),
      (error: unknown) => this.#failed(error)
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

  async sendCloseRead(): Promise<void> {
    await this.#native.stopRead()
  }

  sendPause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  sendResume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  async #read(): Promise<void> {
    try {
      while (this.readStatus !== 'closed') {
        await this.#resumed?.promise
        const chunk = await this.#native.read(READ_BYTES)
        if (chunk === null) break
        this.onData(chunk)
      }
      this.onRemoteCloseWrite()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** quinn's errors come as text only: a peer's reset says so, anything else is a lost connection. */
  #failed(error: unknown): void {
    if (this.status !== 'open') return
    const text = String(error)
    if (/reset by peer|stopped by peer|stopped/i.test(text)) this.onRemoteReset()
    else this.onTransportClosed()
  }
}
