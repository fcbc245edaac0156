import type { AbortOptions, EventHandler, MessageStreamEvents } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'

type Listening = Parameters<AbstractStream['addEventListener']>

/**
 * libp2p's stream, without what it does for nobody: most streams have no listeners, and never wait to send. Its
 * constructor listens to the stream itself, which `onDrain` alone needs (test/upstream/streams.test.ts).
 */
export abstract class LeanStream extends AbstractStream {
  declare private own: Listening[] | undefined
  readonly #isMade = true

  static #isReady(stream: object): boolean {
    return #isMade in stream
  }

  protected abstract sendFin(): void

  override addEventListener<Name extends keyof MessageStreamEvents>(
    name: Name,
    listener: EventHandler<MessageStreamEvents[Name]> | null,
    options?: Listening[2]
  ): void
  override addEventListener(...listening: Listening): void
  override addEventListener(...listening: unknown[]): void {
    if (LeanStream.#isReady(this)) super.addEventListener(...(listening as Listening))
    else (this.own ??= []).push(listening as Listening)
  }

  override onDrain(options?: AbortOptions): Promise<void> {
    if (this.writableNeedsDrain && this.own !== undefined) {
      for (const listening of this.own) super.addEventListener(...listening)
      this.own = undefined
    }
    return super.onDrain(options)
  }

  override onMuxerDrain(): void {
    this.resumeSending()
  }

  override dispatchEvent(event: Event): boolean {
    return this.listenerCount(event.type) === 0 || super.dispatchEvent(event)
  }

  override safeDispatchEvent<Detail>(type: keyof MessageStreamEvents, detail?: { detail?: Detail }): boolean {
    return this.listenerCount(type) === 0 || super.safeDispatchEvent(type, detail)
  }

  /** As `close()`, at once; false where something has to be waited for, and nothing was done. */
  protected closeNow(): boolean {
    const waits = this.sendingData || this.writableNeedsDrain || this.writeBuffer.byteLength > 0
    if (waits || this.writeStatus !== 'writable') return false
    this.sendFin()
    this.writeStatus = 'closed'
    if (this.remoteWriteStatus === 'closed') this.onTransportClosed()
    return true
  }

  /**
   * Sends what waited, and tells of room where some is left. Now, and not in a microtask as libp2p's streams do: all
   * that wait would be called before the first has sent, and the last would never have its turn.
   */
  protected resumeSending(): void {
    this.writableNeedsDrain = false
    if (this.processSendQueue()) this.safeDispatchEvent('drain')
  }
}
