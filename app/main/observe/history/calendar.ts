const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** The periods that a moment belongs to. */
export interface Periods {
  /** Beginnings, in milliseconds since 1970. */
  minute: number
  hour: number
  /** `2026-07-30` and `2026-07`, as the clock on the wall says. */
  day: string
  month: string
}

/**
 * Minutes, hours, days and months of a time zone. Hours begin where the local clock shows a full one, so that a day is
 * made of whole hours also where zones differ by half of one; a day of a clock change has 23 or 25.
 */
export class Calendar {
  readonly #format: Intl.DateTimeFormat
  #last: Periods | undefined

  /** The machine's zone unless given by its IANA name. */
  constructor(timeZone?: string) {
    const [year, month, day, hour, minute] = Array<'numeric'>(5).fill('numeric')
    const fields = { year, month, day, hour, minute, hourCycle: 'h23' } as const
    this.#format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', { timeZone, ...fields })
  }

  periodsAt(ms: number): Periods {
    const minute = Math.floor(ms / MINUTE_MS) * MINUTE_MS
    // Offsets change between minutes only, and most questions are about the minute that runs.
    if (this.#last?.minute === minute) return this.#last
    const local = this.#local(minute)
    const day = new Date(local).toISOString().slice(0, 10)
    const hour = minute - local + Math.floor(local / HOUR_MS) * HOUR_MS
    this.#last = { minute, hour, day, month: day.slice(0, 7) }
    return this.#last
  }

  /** When that day begins: 01:00 where the clock is put forward at midnight. Milliseconds since 1970. */
  startOfDay(day: string): number {
    const midnight = Date.parse(`${day}T00:00:00Z`)
    const offsets = [midnight - DAY_MS, midnight + DAY_MS].map(ms => this.#local(ms) - ms)
    const candidates = offsets.map(offset => midnight - offset).sort((a, b) => a - b)
    return candidates.find(ms => this.periodsAt(ms).day === day) ?? candidates[0] ?? midnight
  }

  /** What the clock on the wall shows, as if it were UTC. */
  #local(ms: number): number {
    const parts = this.#format.formatToParts(ms).map(({ type, value }) => [type, Number(value)] as const)
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = Object.fromEntries(parts)
    return Date.UTC(year, month - 1, day, hour, minute)
  }
}

/** Where the records of a moment are kept. */
export function recordKeys({ minute, hour, day }: Periods): string[] {
  return [`minute/${minuteText(minute)}`, `hour/${minuteText(hour)}`, `day/${day}`]
}

export function dayAfter(day: string): string {
  return new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10)
}

/** `2026-07-30T12:34Z`: sorts as the times do. */
export function minuteText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`
}
