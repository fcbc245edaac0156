/**
 * How often each key (a peer, an IP group) may do a thing a minute: one token bucket a key, which holds a
 * minute's worth and fills evenly. Kept in whole numbers, so nothing is lost to rounding however often it is asked.
 */

const MINUTE_MS = 60_000

interface Bucket {
  /** Tokens times 60,000: a millisecond then adds exactly `perMinute`. */
  credit: number
  touchedAtMs: number
  readonly key: string
  // The queue of last use. A Map moved to its own end would be shorter, but its first entry is found by walking
  // over all that were deleted before: 100,000 keys took 40 microseconds a take.
  older: Bucket
  newer: Bucket
}

export interface RateWindowsComponents {
  /** Milliseconds on a clock that need not be the wall's (`() => performance.now()`). */
  clock: () => number
}

export interface RateWindowsOptions {
  /** 0: unlimited. */
  perMinute: number
  /** Most keys remembered; the one longest unused is forgotten first, and would start full again. */
  maxKeys?: number
}

export class RateWindows {
  readonly #clock: () => number
  readonly #maxKeys: number
  #perMinute: number
  // A key that is not here is full.
  readonly #buckets = new Map<string, Bucket>()
  /** Both ends of the queue: its `newer` is the key longest unused, its `older` the one used last. */
  readonly #ends = emptyQueue()

  constructor({ clock }: RateWindowsComponents, { perMinute, maxKeys = 100_000 }: RateWindowsOptions) {
    this.#clock = clock
    this.#perMinute = perMinute
    this.#maxKeys = maxKeys
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  get perMinute(): number {
    return this.#perMinute
  }

  /** Applies at once: a lower limit cuts what was saved up, a higher one fills faster from now on. */
  setPerMinute(perMinute: number): void {
    // What was gathered until now was gathered at the old rate. (Unlimited needs no memory of anyone.)
    const now = this.#nowMs()
    if (perMinute === 0) {
      for (const bucket of this.#buckets.values()) this.#drop(bucket)
    } else {
      for (const bucket of this.#buckets.values()) {
        bucket.credit = Math.min(this.#creditAt(bucket, now), perMinute * MINUTE_MS)
        bucket.touchedAtMs = now
      }
    }
    this.#perMinute = perMinute
  }

  /** Takes one if one is left. A refused attempt costs nothing. */
  take(key: string): boolean {
    if (this.#perMinute === 0) return true
    const now = this.#nowMs()
    const bucket = this.#touch(key, now)
    const isLeft = bucket.credit >= MINUTE_MS
    if (isLeft) bucket.credit -= MINUTE_MS
    this.#forget(now)
    return isLeft
  }

  /** Whether one is left, without taking it. */
  peek(key: string): boolean {
    const known = this.#buckets.get(key)
    return this.#perMinute === 0 || known === undefined || this.#creditAt(known, this.#nowMs()) >= MINUTE_MS
  }

  /** Forgets every key that is full again, for callers that want the memory back without waiting for a `take`. */
  sweep(): void {
    const now = this.#nowMs()
    const full = this.#perMinute * MINUTE_MS
    for (const bucket of this.#buckets.values()) {
      if (this.#creditAt(bucket, now) >= full) this.#drop(bucket)
    }
  }

  /** The key's bucket as it is now, at the end of the queue. */
  #touch(key: string, now: number): Bucket {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      const credit = this.#perMinute * MINUTE_MS
      bucket = { key, credit, touchedAtMs: now, older: this.#ends, newer: this.#ends }
      this.#buckets.set(key, bucket)
    } else {
      bucket.credit = this.#creditAt(bucket, now)
      bucket.touchedAtMs = now
      unlink(bucket)
    }
    bucket.older = this.#ends.older
    bucket.newer = this.#ends
    bucket.older.newer = bucket
    this.#ends.older = bucket
    return bucket
  }

  #drop(bucket: Bucket): void {
    unlink(bucket)
    this.#buckets.delete(bucket.key)
  }

  /**
   * A minute fills any bucket, so who was not here for one is full and need not be kept. Each `take` forgets up to
   * two of the oldest and adds one at most: no timer, no pause for a long sweep, and the memory still goes down.
   */
  #forget(now: number): void {
    for (let looked = 0; looked < 2; looked++) {
      const oldest = this.#ends.newer
      if (oldest === this.#ends) return
      const isFull = now - oldest.touchedAtMs >= MINUTE_MS
      if (!isFull && this.#buckets.size <= this.#maxKeys) return
      this.#drop(oldest)
    }
  }

  #creditAt(bucket: Bucket, now: number): number {
    // A clock that was set back gives nothing, rather than taking away.
    const elapsedMs = Math.max(0, now - bucket.touchedAtMs)
    return Math.min(this.#perMinute * MINUTE_MS, bucket.credit + elapsedMs * this.#perMinute)
  }

  #nowMs(): number {
    return Math.floor(this.#clock())
  }
}

function emptyQueue(): Bucket {
  const ends = { key: '', credit: 0, touchedAtMs: 0 } as Bucket
  ends.older = ends
  ends.newer = ends
  return ends
}

function unlink(bucket: Bucket): void {
  bucket.older.newer = bucket.newer
  bucket.newer.older = bucket.older
}
