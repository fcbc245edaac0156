import { HOURS_A_DAY, WEEKDAYS, type WeekGrid } from '../../shared/week-hours.ts'

/** An hour of the week by its row and column. */
export interface Hour {
  day: number
  hour: number
}

export const indexOf = ({ day, hour }: Hour): number => day * HOURS_A_DAY + hour

/** A grid with all hours between two corners switched; as it was where that would leave none. */
export function painted(grid: WeekGrid, from: Hour, to: Hour, on: boolean): WeekGrid {
  const days = [Math.min(from.day, to.day), Math.max(from.day, to.day)] as const
  const hours = [Math.min(from.hour, to.hour), Math.max(from.hour, to.hour)] as const
  const next = grid.map((was, index) => {
    const [day, hour] = [Math.floor(index / HOURS_A_DAY), index % HOURS_A_DAY]
    const inside = day >= days[0] && day <= days[1] && hour >= hours[0] && hour <= hours[1]
    return inside ? on : was
  })
  return next.some(Boolean) ? next : grid
}

const STEPS: Readonly<Record<string, readonly [days: number, hours: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -HOURS_A_DAY],
  End: [0, HOURS_A_DAY]
}

/** Where a key leads; undefined: nowhere. */
export function stepBy(key: string, { day, hour }: Hour): Hour | undefined {
  const step = STEPS[key]
  if (step === undefined) return undefined
  const within = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value))
  return { day: within(day + step[0], WEEKDAYS.length), hour: within(hour + step[1], HOURS_A_DAY) }
}
