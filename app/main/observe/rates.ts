import type { BothWays, Rates as RatesInfo } from '../../shared/api.ts'
import type { Counters } from './counters.ts'

const WINDOWS_MS = {
  '10s': 10_000,
  '1min': 60_000,
  '5min': 300_000,
  '15min': 900_000,
  '60min': 3_600_000
} satisfies Record<keyof RatesInfo, number>

const SAMPLE_MS = 1000
/** Less than a second: a fresh start's first bytes must not look like a flood. */
const LEAST_MS = 1000

export interface RatesComponents {
  counters: Pick<Counters, 'bytesToTarget' | 'bytesToSource'>
  /** Milliseconds of a monotonic clock: `() => performance.now()`. */
  clock: () => number
}

/**
 * Relayed bytes a second over the last 10 s, 1, 5, 15 and 60 minutes, each direction. A node younger than a window
 * has its rate over its life, at least a second: the 60 minutes of a node that started a minute ago are that minute.
 *
 * Figures are looked up, not summed, so ticks may be late, early or missing: the count at the beginning of a window
 * is taken between the two samples around it. Time is what the clock says: where that goes on while the machine
 * sleeps, a sleep is time without traffic; where it stands (Linux), it is no time at all. A clock that goes back
 * stands still until it has caught up. Keeps at most about 500 samples.
 */
export class Rates {
  readonly #counters: RatesComponents['counters']
  readonly #clock: () => number
  readonly #startedAt: number
  /** Seconds of the last minute, and tens of seconds of the last hour. */
  readonly #minute: Series
  readonly #hour: Series
  #now: number

  constructor({ counters, clock }: RatesComponents) {
    this.#counters = counters
    this.#clock = clock
    this.#startedAt = this.#now = clock()
    const first = this.#look()
    this.#minute = new Series(first, { spacingMs: SAMPLE_MS, spanMs: WINDOWS_MS['1min'] })
    this.#hour = new Series(first, { spacingMs: 10 * SAMPLE_MS, spanMs: WINDOWS_MS['60min'] })
  }

  /** To be called once a second. */
  sample(): void {
    const sample = this.#look()
    this.#minute.add(sample)
    this.#hour.add(sample)
  }

  /** Whole bytes a second, up to this moment. */
  current(): RatesInfo {
    const now = this.#look()
    const over = (windowMs: number): BothWays => {
      const from = Math.max(now.at - windowMs, this.#startedAt)
      const seconds = Math.max(now.at - from, LEAST_MS) / 1000
      const series = this.#minute.beginsAt <= from ? this.#minute : this.#hour
      const then = series.countAt(from, now)
      return {
        toTarget: Math.round((now.toTarget - then.toTarget) / seconds),
        toSource: Math.round((now.toSource - then.toSource) / seconds)
      }
    }
    return {
      '10s': over(WINDOWS_MS['10s']),
      '1min': over(WINDOWS_MS['1min']),
      '5min': over(WINDOWS_MS['5min']),
      '15min': over(WINDOWS_MS['15min']),
      '60min': over(WINDOWS_MS['60min'])
    }
  }

  #look(): Sample {
    this.#now = Math.max(this.#now, this.#clock())
    const { bytesToTarget, bytesToSource } = this.#counters
    return { at: this.#now, toTarget: bytesToTarget, toSource: bytesToSource }
  }
}

/** The counts at a moment. */
interface Sample extends BothWays {
  at: number
}

interface SeriesOptions {
  spacingMs: number
  spanMs: number
}

/** Samples about `spacingMs` apart that reach back `spanMs`. */
class Series {
  readonly #samples: [Sample, ...Sample[]]
  readonly #options: SeriesOptions

  constructor(first: Sample, options: SeriesOptions) {
    this.#samples = [first]
    this.#options = options
  }

  get beginsAt(): number {
    return this.#samples[0].at
  }

  /** Leaves out a sample that comes much too early; timers are a little early or late at every tick. */
  add(sample: Sample): void {
    const { spacingMs, spanMs } = this.#options
    const samples = this.#samples
    if (sample.at - (samples.at(-1)?.at ?? 0) < spacingMs - SAMPLE_MS / 2) return
    samples.push(sample)
    // The last one outside stays: windows begin between it and the next.
    while ((samples[1]?.at ?? Infinity) <= sample.at - spanMs) samples.shift()
  }

  /** The counts at a time not before `beginsAt`, as if bytes came evenly between samples. */
  countAt(at: number, now: Sample): BothWays {
    const samples = this.#samples
    const index = samples.findLastIndex(sample => sample.at <= at)
    const before = samples[index] ?? samples[0]
    const after = samples[index + 1] ?? now
    const part = after.at > before.at ? (at - before.at) / (after.at - before.at) : 0
    return {
      toTarget: before.toTarget + (after.toTarget - before.toTarget) * part,
      toSource: before.toSource + (after.toSource - before.toSource) * part
    }
  }
}
