import type { Page } from '../duct.ts'
import { PAGE_BYTES, pages } from '../pages.ts'

/** From here on a page is taken: one that waits for a peer that has stalled is then at most four times what it sent. */
const PAGED_BYTES = PAGE_BYTES / 4

/**
 * The beginning of a frame whose rest has not arrived: little of it as it is, more in a page, which the rest then goes to
 * without another copy.
 */
export class PartialFrame {
  #pieces: Buffer[] = []
  #page: Page | undefined
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  /** The byte at an index of the first two. */
  at(index: number): number {
    if (this.#page !== undefined) return this.#page.bytes[index]!
    const [first, second] = this.#pieces
    return index < first!.byteLength ? first![index]! : second![index - first!.byteLength]!
  }

  /** Copies them. */
  add(bytes: Buffer): void {
    const before = this.#bytes
    this.#bytes += bytes.byteLength
    if (this.#page === undefined && this.#bytes < PAGED_BYTES) {
      // Not of Node's own pool: a few bytes would keep a block of it.
      const piece = Buffer.allocUnsafeSlow(bytes.byteLength)
      piece.set(bytes)
      this.#pieces.push(piece)
      return
    }
    this.#page ??= this.#gather()
    this.#page.bytes.set(bytes, before)
  }

  /** Gives the frame, with its last bytes, in a page that is the caller's from now on; and is empty again. */
  complete(last: Buffer): Page {
    const page = this.#page ?? this.#gather()
    page.bytes.set(last, this.#bytes)
    this.#page = undefined
    this.#bytes = 0
    return page
  }

  clear(): void {
    this.#page?.release()
    this.#page = undefined
    this.#pieces = []
    this.#bytes = 0
  }

  #gather(): Page {
    const page = pages.take()
    let at = 0
    for (const piece of this.#pieces) {
      page.bytes.set(piece, at)
      at += piece.byteLength
    }
    this.#pieces = []
    return page
  }
}
