import type { Page, RawDuct } from './duct.ts'
import { PAGE_BYTES, pages } from './pages.ts'
import { atReadEnd } from './read-end.ts'

/** How an encryption frames what it sends. */
export interface Seal {
  /** Bytes before the plaintext of a frame. */
  readonly before: number
  /** Bytes after it. */
  readonly after: number
  /** The most plaintext of one frame. */
  readonly most: number
  /** Makes a frame, in place, of the plaintext that begins `before` bytes after `start`. */
  seal(bytes: Buffer, start: number, plaintextBytes: number): void
}

/** Bytes as they are. */
export const unsealed: Seal = { before: 0, after: 0, most: PAGE_BYTES, seal: () => {} }

/**
 * Collects what is written within one turn of the event loop, or one read, in one page, sealed frame by frame in place, and
 * hands full pages to the duct at once: many small writes become one, and none waits for more to come.
 */
export class Outbox {
  readonly #duct: Pick<RawDuct, 'headroom' | 'send'>
  readonly #seal: Seal
  readonly #flushed: () => void
  #page: Page | undefined
  /** Where the frame that is being filled begins, and where its next byte of plaintext goes. */
  #frame = 0
  #next = 0
  #scheduled = false
  #closed = false

  constructor(duct: Pick<RawDuct, 'headroom' | 'send'>, seal: Seal, failed: (error: Error) => void) {
    this.#duct = duct
    this.#seal = seal
    this.#flushed = () => {
      this.#scheduled = false
      try {
        this.flush()
      } catch (error) {
        failed(error as Error)
      }
    }
  }

  write(bytes: Uint8Array): void {
    const { before, after, most } = this.#seal
    let at = 0
    while (at < bytes.byteLength && !this.#closed) {
      const page = (this.#page ??= this.#open())
      const start = this.#frame + before
      const room = Math.min(start + most, PAGE_BYTES - after) - this.#next
      if (room <= 0) {
        this.#close(page)
        continue
      }
      const part = at === 0 && bytes.byteLength <= room ? bytes : bytes.subarray(at, at + room)
      page.bytes.set(part, this.#next)
      this.#next += part.byteLength
      at += part.byteLength
    }
    if (!this.#scheduled && !this.#closed) {
      this.#scheduled = true
      setImmediate(this.#flushed)
    }
  }

  /** What is written next during a read leaves at its end: that costs less than to come back to it within the turn. */
  promptly(): void {
    if (!this.#scheduled && !this.#closed) this.#scheduled = atReadEnd(this.#flushed)
  }

  flush(): void {
    if (this.#page === undefined) return
    this.#sealFrame(this.#page)
    this.#send(this.#page)
  }

  /** Forgets what was not sent. */
  close(): void {
    this.#closed = true
    this.#page?.release()
    this.#page = undefined
  }

  #open(): Page {
    this.#frame = this.#duct.headroom
    this.#next = this.#frame + this.#seal.before
    return pages.take()
  }

  /** Seals the frame, and goes on behind it, or on another page where too little is left of this one. */
  #close(page: Page): void {
    const { before, after } = this.#seal
    this.#sealFrame(page)
    this.#next = this.#frame + before
    // A frame of a few bytes costs as much as a large one.
    if (PAGE_BYTES - after - this.#next < PAGE_BYTES / 4) this.#send(page)
  }

  #sealFrame(page: Page): void {
    const { before, after } = this.#seal
    const plaintext = this.#next - this.#frame - before
    if (plaintext <= 0) return
    this.#seal.seal(page.bytes, this.#frame, plaintext)
    this.#frame = this.#next + after
    this.#next = this.#frame
  }

  #send(page: Page): void {
    this.#page = undefined
    this.#duct.send(page, this.#duct.headroom, this.#frame)
  }
}
