import { createHash } from 'node:crypto'

const HOUR_MS = 3_600_000

/** A day or a month of a quota, in the machine's time zone. Milliseconds since 1970. */
export interface Period {
  start: number
  /** The first moment of the next one. */
  end: number
  /** `2026-07-30`, the day it begins with. */
  day: string
}

export function dayAt(now: number): Period {
  const date = new Date(now)
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()]
  return period([year, month, day], [year, month, day + 1])
}

/** The month that begins on that day of the month; where a month is shorter, on its last day. */
export function monthAt(now: number, startsOn: number): Period {
  const date = new Date(now)
  const [year, month] = [date.getFullYear(), date.getMonth()]
  const first = date.getDate() >= clamped(year, month, startsOn) ? month : month - 1
  const begin = (index: number): [number, number, number] => [year, index, clamped(year, index, startsOn)]
  return period(begin(first), begin(first + 1))
}

/**
 * When a node that a quota has put to sleep wakes: in the first hour of the next period, each at its own time, so that
 * not all nodes wake at once, and the same after a restart.
 */
export function wakeAt({ end }: Pick<Period, 'end'>, peerId: string): number {
  const digest = createHash('sha256').update(`${peerId} ${end}`).digest()
  return end + Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * HOUR_MS)
}

/** `month` may be one of the year before or after. */
function clamped(year: number, month: number, day: number): number {
  return Math.min(day, new Date(year, month + 1, 0).getDate())
}

type Parts = [year: number, month: number, day: number]

function period(first: Parts, next: Parts): Period {
  const start = new Date(...first)
  return { start: start.getTime(), end: new Date(...next).getTime(), day: dayOf(start) }
}

/** `2026-07-30`, in the machine's time zone. */
export function dayOf(time: Date | number): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
