/**
 * Hours of the week, as `schedule.hours` has them: `mon-fri 22-7` (into the next morning), `sat,sun 0-24`. Days without
 * hours share those of the item that follows; at the end of the list they are whole days.
 */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const HOURS_A_DAY = 24
export const HOURS_A_WEEK = WEEKDAYS.length * HOURS_A_DAY

/** Whether each hour is in it, from Monday 0:00 on; `grid[24 * weekday + hour]`. */
export type WeekGrid = readonly boolean[]

const DAY = `(?:${WEEKDAYS.join('|')})`
const HOUR = String.raw`(\d{1,2})(?::00)?`
const ITEM = new RegExp(
  String.raw`^(${DAY}(?:-${DAY})?(?:\s*,\s*${DAY}(?:-${DAY})?)*)(?:\s+${HOUR}\s*-\s*${HOUR})?$`
)

interface Item {
  days: number[]
  from?: number
  to?: number
}

/** Whether it is an item of the list. */
export function isWeekHours(item: string): boolean {
  return readItem(item) !== undefined
}

/** The hours of a list; all of them if it is empty. Items that cannot be read are left out. */
export function gridOf(items: readonly string[]): WeekGrid {
  const grid = new Array<boolean>(HOURS_A_WEEK).fill(items.length === 0)
  let waiting: number[] = []
  for (const { days, from, to } of items.map(readItem).filter(item => item !== undefined)) {
    waiting.push(...days)
    if (from === undefined || to === undefined) continue
    for (const day of waiting) fill(grid, day, from, to)
    waiting = []
  }
  for (const day of waiting) fill(grid, day, 0, HOURS_A_DAY)
  return grid
}

/** The list of a grid. A grid of all hours is the empty list, which one without any hour cannot be told from. */
export function itemsOf(grid: WeekGrid): string[] {
  if (grid.every(Boolean)) return []
  const days = new Map<string, number[]>()
  for (const { start, hours } of runsOf(grid)) {
    const from = start % HOURS_A_DAY
    const to = (from + hours) % HOURS_A_DAY || HOURS_A_DAY
    const range = `${from}-${to}`
    days.set(range, [...(days.get(range) ?? []), Math.floor(start / HOURS_A_DAY)])
  }
  return [...days].map(([range, list]) => `${daysText(list)} ${range}`)
}

function readItem(text: string): Item | undefined {
  const [, dayText = '', from, to] = ITEM.exec(text.trim().toLowerCase()) ?? []
  if (dayText === '') return undefined
  const days = dayText.split(',').flatMap(part => daysOf(part.trim()))
  if (from === undefined || to === undefined) return { days }
  const [first, last] = [Number(from), Number(to) || HOURS_A_DAY]
  if (first >= HOURS_A_DAY || last > HOURS_A_DAY || first === last) return undefined
  return { days, from: first, to: last }
}

function daysOf(part: string): number[] {
  const [first = 0, last = first] = part.split('-').map(name => WEEKDAYS.findIndex(day => day === name))
  const count = ((last - first + WEEKDAYS.length) % WEEKDAYS.length) + 1
  return Array.from({ length: count }, (_, at) => (first + at) % WEEKDAYS.length)
}

function fill(grid: boolean[], day: number, from: number, to: number): void {
  const hours = to > from ? to - from : to + HOURS_A_DAY - from
  const start = day * HOURS_A_DAY + from
  for (let hour = 0; hour < hours; hour++) grid[(start + hour) % HOURS_A_WEEK] = true
}

interface Run {
  start: number
  hours: number
}

/** Hours on end, those of more than a day cut at midnight. */
function runsOf(grid: WeekGrid): Run[] {
  const starts = grid.flatMap((on, at) =>
    on && grid[(at + HOURS_A_WEEK - 1) % HOURS_A_WEEK] !== true ? at : []
  )
  return starts.flatMap(start => {
    let hours = 1
    while (grid[(start + hours) % HOURS_A_WEEK] === true) hours++
    return hours < HOURS_A_DAY ? [{ start, hours }] : cutAtMidnight(start, hours)
  })
}

function cutAtMidnight(start: number, hours: number): Run[] {
  const runs: Run[] = []
  for (let at = start; at < start + hours;) {
    const midnight = (Math.floor(at / HOURS_A_DAY) + 1) * HOURS_A_DAY
    const end = Math.min(midnight, start + hours)
    runs.push({ start: at % HOURS_A_WEEK, hours: end - at })
    at = end
  }
  return runs
}

/** `mon-fri`, `sat,sun` */
function daysText(list: readonly number[]): string {
  const days = [...list].sort((a, b) => a - b)
  const parts: string[] = []
  for (let at = 0; at < days.length;) {
    let end = at
    while (days[end + 1] === (days[end] ?? 0) + 1) end++
    const names = days.slice(at, end + 1).map(day => WEEKDAYS[day] ?? '')
    parts.push(...(names.length > 2 ? [`${names[0]}-${names.at(-1)}`] : names))
    at = end + 1
  }
  return parts.join(',')
}
