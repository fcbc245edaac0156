const RANGE = 2 ** 48

/**
 * Counts different fingerprints of 48 evenly spread bits in bounded memory (some 10 MB): strangers decide how many
 * there are. Exact up to `most`. Beyond, only those of the lower half of the range are kept, then of the lower
 * quarter and so on, and what is kept is scaled up: the count is then right within about 0.3 %, and never falls.
 */
export class UniqueCount {
  readonly #most: number
  readonly #kept = new Set<number>()
  #below = RANGE
  #count = 0

  constructor({ most = 2 ** 18 }: { most?: number } = {}) {
    this.#most = most
  }

  get count(): number {
    return this.#count
  }

  add(fingerprint: number): void {
    if (fingerprint >= this.#below) return
    this.#kept.add(fingerprint)
    while (this.#kept.size > this.#most) {
      this.#below /= 2
      for (const kept of this.#kept) if (kept >= this.#below) this.#kept.delete(kept)
    }
    this.#count = Math.max(this.#count, Math.round(this.#kept.size * (RANGE / this.#below)))
  }
}
