import { pages } from '../fast/pages.ts'
import type { Page } from '../fast/duct.ts'
import type { NativeStream } from './native.ts'

/** What one write to the engine takes at most. */
export const WRITE_BYTES = 128 * 1024

interface OutflowEvents {
  /** `sendable` is more than 0 again. */
  writable(): void
  failed(error: unknown): void
}

/**
 * Writes of a stream, in pages: a call of the engine costs about as much as 20 KiB do, so what is written within one
 * turn of the event loop, and while a page is on its way, goes together.
 */
export class Outflow {
  readonly #native: NativeStream
  readonly #events: OutflowEvents
  readonly #flushSoon = (): void => {
    this.#scheduled = false
    if (!this.#over) this.#send()
  }
  #page: Page | undefined
  #filled = 0
  #underWay: Promise<void> | undefined
  #scheduled = false
  #over = false
  #flushed: PromiseWithResolvers<void> | undefined

  constructor(native: NativeStream, events: OutflowEvents) {
    this.#native = native
    this.#events = events
  }

  get sendable(): number {
    return WRITE_BYTES - this.#filled
  }

  /** Settles with the write that is under way: the engine has its memory until then, and cannot be made to let go. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay
  }

  /** Copies the bytes, at most `sendable` of them. */
  write(bytes: Uint8Array): void {
    if (this.#over) return
    this.#page ??= pages.take()
    this.#page.bytes.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    if (this.#underWay !== undefined) return
    if (this.#filled === WRITE_BYTES) return this.#send()
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#flushSoon)
  }

  /** Resolves when flow control took all that was written; rejects when the stream is over before. */
  async flushed(): Promise<void> {
    if (this.#over) throw new Error('the stream is over')
    if (this.#page === undefined && this.#underWay === undefined) return
    this.#flushed ??= Promise.withResolvers()
    return this.#flushed.promise
  }

  /** Forgets what was not given to the engine. */
  end(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#page?.release()
    this.#page = undefined
    this.#filled = 0
    this.#flushed?.reject(error)
  }

  #send(): void {
    const page = this.#page
    if (page === undefined || this.#underWay !== undefined) return
    const bytes = page.bytes.subarray(0, this.#filled)
    this.#page = undefined
    this.#filled = 0
    this.#underWay = this.#native.write(bytes).then(
      () => {
        page.release()
        this.#underWay = undefined
        this.#sent()
      },
      (error: unknown) => {
        page.release()
        this.#underWay = undefined
        if (!this.#over) this.#events.failed(error)
      }
    )
  }

  #sent(): void {
    if (this.#over) return
    const wasFull = this.#filled === WRITE_BYTES
    this.#send()
    if (wasFull) this.#events.writable()
    if (this.#underWay !== undefined || this.#page !== undefined) return
    this.#flushed?.resolve()
    this.#flushed = undefined
  }
}
