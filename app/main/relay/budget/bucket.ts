/** How much of a second's bytes may pass at once after a pause: small beside the 10 s a rate is judged over. */
const BURST_SECONDS = 0.1
const SMALLEST_BURST_BYTES = 1024

/**
 * A token bucket: one token a byte. It may go into debt by the last chunk that was taken, and gives nothing
 * until the debt is paid, so that over time exactly `bytesPerSecond` pass. The clock is in milliseconds.
 */
export class TokenBucket {
  #bytesPerSecond: number
  #tokens: number
  #filledAt: number

  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#tokens = this.#burst()
    this.#filledAt = now
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  get limited(): boolean {
    return this.#bytesPerSecond !== Infinity
  }

  /** Changes the rate; what was saved up beyond the new burst is lost, and so is debt of the old rate. */
  setRate(bytesPerSecond: number, now: number): void {
    if (bytesPerSecond === this.#bytesPerSecond) return
    this.#fill(now)
    this.#filledAt = now
    this.#bytesPerSecond = bytesPerSecond
    this.#tokens = Math.max(0, Math.min(Number.isFinite(this.#tokens) ? this.#tokens : 0, this.#burst()))
  }

  take(bytes: number): void {
    if (this.limited) this.#tokens -= bytes
  }

  /**
   * Milliseconds until a chunk may pass; 0 if one may now. Whoever asks `late` milliseconds later than it would
   * have, because a busy machine kept it from running, was not resting: nothing of that time is lost.
   */
  waitMs(now: number, late = 0): number {
    if (!this.limited) return 0
    this.#fill(now, late)
    if (this.#tokens > 0) return 0
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#bytesPerSecond) * 1000))
  }

  #burst(): number {
    return Math.max(SMALLEST_BURST_BYTES, this.#bytesPerSecond * BURST_SECONDS)
  }

  #fill(now: number, late = 0): void {
    // The shaper may ask about a moment before the latest: no time counts twice.
    if (now <= this.#filledAt || !this.limited) return
    const seconds = (now - this.#filledAt) / 1000
    this.#filledAt = now
    const most = Math.max(this.#burst(), (late / 1000) * this.#bytesPerSecond)
    this.#tokens = Math.min(most, this.#tokens + seconds * this.#bytesPerSecond)
  }
}
