import type { Page } from './duct.ts'

/** Holds two full Noise frames, with room before and after. A larger one is no faster, and leaves the cache sooner. */
export const PAGE_BYTES = 2 * (2 + 65_535) + 64
/** Pages kept for the next use: enough for what is on its way at once, little for a node at rest. */
const MOST_KEPT = 64

/** Memory for what is being sent, used again and again, so that the garbage collector has nothing to do. */
export class Pages {
  readonly #free: Page[] = []

  take(): Page {
    return this.#free.pop() ?? this.#create()
  }

  /** Lets go of what is not in use. */
  clear(): void {
    this.#free.length = 0
  }

  #create(): Page {
    // Not of Node's own pool, and not cleared: whoever takes a page writes before anybody reads.
    const page: Page = {
      bytes: Buffer.allocUnsafeSlow(PAGE_BYTES),
      release: () => {
        if (this.#free.length < MOST_KEPT) this.#free.push(page)
        // Freed at once: the collector would let many of them pile up.
        else (page.bytes.buffer as ArrayBuffer).transfer(0)
      }
    }
    return page
  }
}

/** One for the process: pages are all alike, and hold nothing of whoever used them once they are sent. */
export const pages = new Pages()
