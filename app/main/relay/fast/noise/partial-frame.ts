import type { Page } from '../duct.ts'
import { PAGE_BYTES, pages } from '../pages.ts'

/** From here on a page is taken: one that waits for a peer that has stalled is then at most four times what it sent. */
const PAGED_BYTES = PAGE_BYTES / 4

const NOTHING = Buffer.alloc(0)

/**
 * The beginning of a frame whose rest has not arrived: little of it as it is, more in a page, which the rest then goes to
 * without another copy.
 */
export class PartialFrame {
  /** What is too little for a page. */
  #little: Buffer = NOTHING
  #page: Page | undefined
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  /** The byte at an index. */
  at(index: number): number {
    return (this.#page?.bytes ?? this.#little)[index]!
  }

  /** Copies them. */
  add(bytes: Buffer): void {
    const before = this.#bytes
    this.#bytes += bytes.byteLength
    if (this.#page !== undefined || this.#bytes >= PAGED_BYTES) {
      this.#page ??= this.#gather(before)
      this.#page.bytes.set(bytes, before)
      return
    }
    if (this.#bytes > this.#little.byteLength) this.#grow(before)
    this.#little.set(bytes, before)
  }

  /** Gives the frame, with its last bytes, in a page that is the caller's from now on; and is empty again. */
  complete(last: Buffer): Page {
    const page = this.#page ?? this.#gather(this.#bytes)
    page.bytes.set(last, this.#bytes)
    this.#page = undefined
    this.#bytes = 0
    return page
  }

  clear(): void {
    this.#page?.release()
    this.#page = undefined
    this.#little = NOTHING
    this.#bytes = 0
  }

  /** Doubles from the second time on: what comes byte by byte is neither copied each time nor kept in as many pieces. */
  #grow(before: number): void {
    // Not of Node's own pool: a few bytes would keep a block of it.
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes, 2 * before))
    grown.set(this.#little.subarray(0, before))
    this.#little = grown
  }

  #gather(bytes: number): Page {
    const page = pages.take()
    page.bytes.set(this.#little.subarray(0, bytes))
    this.#little = NOTHING
    return page
  }
}
