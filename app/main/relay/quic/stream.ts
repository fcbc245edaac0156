import type { MessageStreamDirection } from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { NativeStream } from './native.ts'

/** What a read makes room for: little while the peer sends little, since an idle stream always has one open. */
const READ_BYTES = 64 * 1024
const SMALL_READ_BYTES = 4096
const WRITE_BYTES = 128 * 1024
/** How often a paused stream is looked at. */
const LOOK_MS = 1000

/**
 * A QUIC stream that stops reading while it is paused: what the peer sends then waits in QUIC's own receive
 * window, and when that is full the peer waits too. A reset from the peer arrives as a reset, not as an end.
 */
export class QuicStream extends AbstractStream {
  /** Settles with the last write: one that waits for its reader cannot be called off, not by a reset either. */
  written: Promise<unknown> = Promise.resolve()
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
    this.written = this.#native.write(data.subarray()).then(
      () => this.safeDispatchEvent('drain'),
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
    this.#resumed ??= Promise.withResolvers()
  }

  sendResume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  async #read(): Promise<void> {
    let roomy = SMALL_READ_BYTES
    try {
      while (this.readStatus !== 'closed') {
        await this.#whilePaused()
        const chunk = await this.#native.read(this.#resumed === undefined ? roomy : 1)
        if (chunk === null) break
        roomy = chunk.byteLength < SMALL_READ_BYTES ? SMALL_READ_BYTES : READ_BYTES
        this.onData(chunk)
      }
      this.onRemoteCloseWrite()
    } catch (error) {
      this.#failed(error)
    }
  }

  /**
   * Waits to be resumed, but not for long: a reset shows only to a reader. A stream that is paused still takes
   * a byte now and then, or its circuit would keep its place after its peer has given it up.
   */
  async #whilePaused(): Promise<void> {
    if (this.#resumed === undefined) return
    const look = Promise.withResolvers<void>()
    const timer = setTimeout(look.resolve, LOOK_MS)
    await Promise.race([this.#resumed.promise, look.promise])
    clearTimeout(timer)
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
