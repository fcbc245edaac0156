import type { CpuInfo } from '../../shared/api.ts'

export interface CpuReading {
  /** Milliseconds on a clock that nobody sets. */
  at: number
  /** CPU time of the process so far. */
  cpuSeconds: number
  /** Bytes relayed so far. */
  toTarget: number
  toSource: number
  /** Percent of one core; 0: no limit. */
  limitPercent: number
}

/** How much a new reading counts against those before: about three seconds are seen. */
const NEWEST = 0.4
/** Below this part of the limit there is room again. */
const ROOM = 0.9
const WIDEN = 1.15
const NARROW_AT_MOST = 0.5
const LEAST_BYTES_PER_SECOND = 8 * 1024
/** A ceiling this far above what passes, with much room, is of no use. */
const FAR = 4

/**
 * Keeps the process within its share of a core: what relaying costs goes with its bytes, so their rate is narrowed by as
 * much as too much is used, and widened in steps while there is room. While above, new work is refused.
 */
export class CpuGovernor {
  #last: CpuReading | undefined
  #percent: number | undefined
  #overloaded = false
  #ceiling = Infinity
  #limitPercent = 0

  /** Bytes a second in each direction. */
  get ceiling(): number {
    return this.#ceiling
  }

  get info(): CpuInfo {
    return {
      ...(this.#percent !== undefined && { percent: Math.round(this.#percent * 10) / 10 }),
      limitPercent: this.#limitPercent,
      overloaded: this.#overloaded,
      ...(this.#ceiling !== Infinity && { narrowedToBytesPerSecond: Math.round(this.#ceiling) })
    }
  }

  /** About once a second. */
  sample(reading: CpuReading): void {
    const last = this.#last
    this.#last = reading
    this.#limitPercent = reading.limitPercent
    const seconds = last === undefined ? 0 : (reading.at - last.at) / 1000
    if (last === undefined || seconds <= 0) return
    const percent = (100 * (reading.cpuSeconds - last.cpuSeconds)) / seconds
    this.#percent = (this.#percent ?? percent) * (1 - NEWEST) + percent * NEWEST
    const bytes = Math.max(reading.toTarget - last.toTarget, reading.toSource - last.toSource)
    this.#govern(reading.limitPercent, Math.max(0, bytes) / seconds, this.#percent)
  }

  #govern(limit: number, bytesPerSecond: number, percent: number): void {
    if (limit === 0) {
      this.#ceiling = Infinity
      this.#overloaded = false
    } else if (percent > limit) {
      this.#overloaded = true
      const from = Math.min(this.#ceiling, Math.max(bytesPerSecond, LEAST_BYTES_PER_SECOND))
      this.#ceiling = Math.max(LEAST_BYTES_PER_SECOND, from * Math.max(NARROW_AT_MOST, limit / percent))
    } else if (percent < limit * ROOM) {
      this.#overloaded = false
      this.#ceiling *= WIDEN
      const isFar = this.#ceiling > FAR * Math.max(bytesPerSecond, LEAST_BYTES_PER_SECOND)
      if (isFar && percent < limit / 2) this.#ceiling = Infinity
    }
  }
}
