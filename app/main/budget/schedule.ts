import { gridOf, HOURS_A_DAY, HOURS_A_WEEK, type WeekGrid } from '../../shared/week-hours.ts'

/** Every zone's offset, and every change of one, is a multiple of it. */
const STEP_MS = 15 * 60_000
/** A week, and what a change of the clock may add to it. */
const LONGEST_MS = (HOURS_A_WEEK + HOURS_A_DAY) * 3_600_000

export interface ScheduleNow {
  /** Whether this hour is one in which the node may work. */
  open: boolean
  /** When that changes, in milliseconds since 1970; undefined: never. */
  changesAt: number | undefined
}

/**
 * The hours of the week in the machine's time zone. A moment counts by what the clock on the wall shows at it: an hour
 * that exists twice is twice what the grid says, one that does not exist is left out.
 */
export class Schedule {
  readonly #grid: WeekGrid
  #last: (ScheduleNow & { from: number }) | undefined

  /** Items of `schedule.hours`; none: always. */
  constructor(items: readonly string[]) {
    this.#grid = gridOf(items)
  }

  at(now: number): ScheduleNow {
    const last = this.#last
    // Asked every second, and the search looks at a week of quarters of an hour.
    if (last !== undefined && now >= last.from && now < (last.changesAt ?? last.from + LONGEST_MS))
      return last
    const open = this.#isOpen(now)
    this.#last = { open, changesAt: this.#nextChange(now, open), from: now }
    return this.#last
  }

  #nextChange(now: number, open: boolean): number | undefined {
    if (this.#grid.every(each => each === open)) return undefined
    const first = (Math.floor(now / STEP_MS) + 1) * STEP_MS
    for (let at = first; at <= now + LONGEST_MS; at += STEP_MS) if (this.#isOpen(at) !== open) return at
    return undefined
  }

  #isOpen(now: number): boolean {
    const date = new Date(now)
    // Sunday is JavaScript's first day and our last.
    return this.#grid[((date.getDay() + 6) % 7) * HOURS_A_DAY + date.getHours()] === true
  }
}
