import { afterEach, describe, expect, it } from 'vitest'
import { dayAt, monthAt, wakeAt } from '../../../app/main/budget/periods.ts'
import { Schedule } from '../../../app/main/budget/schedule.ts'
import { gridOf, isWeekHours, itemsOf } from '../../../app/shared/week-hours.ts'

const zone = process.env['TZ']
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

const at = (text: string): number => Date.parse(text)
const text = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', 'Z')

describe('hours of the week', () => {
  it.each([
    [['mon-fri 22-7'], 45],
    [['sat,sun 0-24'], 48],
    [['sat', 'sun 9-17'], 16],
    [['sat'], 24],
    [['SUN 23:00-1:00'], 2],
    [['fri-mon 8-9'], 4],
    [[], 168]
  ])('%j are %i hours', (items, hours) => {
    expect(items.every(isWeekHours)).toBe(true)
    expect(gridOf(items).filter(Boolean)).toHaveLength(hours)
  })

  it.each(['', 'mon 9', 'mon 24-3', 'mon 5-5', 'mon 0-25', 'xyz 1-2', 'mon 1-2-3', 'mon-', '9-17'])(
    'refuses %j',
    item => expect(isWeekHours(item)).toBe(false)
  )

  it.each([
    [['mon-fri 22-7'], ['mon-fri 22-7']],
    [['sun 22-24', 'mon 0-3'], ['sun 22-3']],
    [['mon 9-12', 'wed 9-12', 'thu 9-12'], ['mon,wed,thu 9-12']],
    [
      ['fri 18-24', 'sat,sun 0-24'],
      ['fri 18-24', 'sat,sun 0-24']
    ],
    [['mon-sun 0-24'], []]
  ])('writes %j as %j', (items, written) => {
    expect(itemsOf(gridOf(items))).toEqual(written)
    expect(gridOf(written)).toEqual(gridOf(items))
  })

  it('reads back whatever grid it wrote', () => {
    let seed = 7
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    for (let round = 0; round < 200; round++) {
      const density = random()
      const grid = Array.from({ length: 168 }, () => random() < density)
      if (grid.some(Boolean)) expect(gridOf(itemsOf(grid))).toEqual(grid)
    }
  })
})

describe('the schedule, by the clock on the wall', () => {
  it.each([
    // Forward at 2:00 on Sunday: 2:00 to 3:00 does not exist.
    ['Europe/Berlin', 'sun 1-4', '2026-03-29T00:30Z', true, '2026-03-29T02:00Z'],
    ['Europe/Berlin', 'sun 2-3', '2026-03-28T12:00Z', false, '2026-04-05T00:00Z'],
    // Back at 3:00: 2:00 to 3:00 is twice.
    ['Europe/Berlin', 'sun 2-3', '2026-10-24T23:30Z', false, '2026-10-25T00:00Z'],
    ['Europe/Berlin', 'sun 2-3', '2026-10-25T00:30Z', true, '2026-10-25T02:00Z'],
    ['America/New_York', 'sun 1-2', '2026-11-01T05:10Z', true, '2026-11-01T07:00Z'],
    // By half an hour.
    ['Australia/Lord_Howe', 'sun 1-3', '2026-10-03T14:30Z', true, '2026-10-03T16:00Z'],
    // Forward at midnight: Sunday begins at 1:00.
    ['America/Santiago', 'sat 22-24', '2026-09-06T02:30Z', true, '2026-09-06T04:00Z'],
    ['Asia/Kathmandu', 'mon 9-10', '2026-11-23T03:20Z', true, '2026-11-23T04:15Z'],
    ['UTC', 'sun 23-1', '2026-11-22T23:59Z', true, '2026-11-23T01:00Z']
  ])('%s, %s: at %s it is open: %s, until %s', (name, item, now, open, changesAt) => {
    process.env['TZ'] = name
    const schedule = new Schedule([item])
    const found = schedule.at(at(now))
    expect({ open: found.open, changesAt: text(found.changesAt) }).toEqual({ open, changesAt })
    if (found.changesAt !== undefined) expect(schedule.at(found.changesAt).open).toBe(!open)
  })

  it('never changes where all hours are in it', () => {
    expect(new Schedule([]).at(0)).toMatchObject({ open: true, changesAt: undefined })
  })

  it('is right after the clock was set back', () => {
    process.env['TZ'] = 'UTC'
    const schedule = new Schedule(['mon 9-10'])
    expect(schedule.at(at('2026-11-23T09:30Z')).open).toBe(true)
    expect(schedule.at(at('2026-11-23T08:30Z')).open).toBe(false)
  })
})

describe('the periods of quotas', () => {
  it.each([
    [1, '2026-11-21T13:05Z', '2026-11-01', '2026-12-01T00:00Z'],
    [1, '2026-12-31T23:59Z', '2026-12-01', '2027-01-01T00:00Z'],
    [15, '2026-11-14T23:59Z', '2026-10-15', '2026-11-15T00:00Z'],
    [15, '2026-11-15T00:00Z', '2026-11-15', '2026-12-15T00:00Z'],
    [31, '2026-02-27T12:00Z', '2026-01-31', '2026-02-28T00:00Z'],
    [31, '2026-02-28T00:00Z', '2026-02-28', '2026-03-31T00:00Z'],
    [30, '2028-02-29T12:00Z', '2028-02-29', '2028-03-30T00:00Z'],
    [20, '2026-01-05T12:00Z', '2025-12-20', '2026-01-20T00:00Z']
  ])('a month that starts on day %i holds %s from %s to %s', (startsOn, now, day, end) => {
    process.env['TZ'] = 'UTC'
    const period = monthAt(at(now), startsOn)
    expect({ day: period.day, end: text(period.end) }).toEqual({ day, end })
    expect(period.start).toBe(at(`${day}T00:00Z`))
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00Z', 25],
    ['America/Santiago', '2026-09-06T12:00Z', 23],
    ['America/Havana', '2026-11-01T12:00Z', 25]
  ])('a day of %s at %s has %i hours', (name, now, hours) => {
    process.env['TZ'] = name
    const { start, end } = dayAt(at(now))
    expect((end - start) / 3_600_000).toBe(hours)
    expect(dayAt(start)).toEqual(dayAt(end - 1))
    expect(dayAt(end).start).toBe(end)
  })

  it('ends with a wake in the next hour, of each peer at its own time, and the same again', () => {
    const end = at('2026-12-01T00:00Z')
    const times = Array.from({ length: 50 }, (_, peer) => wakeAt({ end }, `peer ${peer}`) - end)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...times)).toBeLessThan(3_600_000)
    expect(new Set(times.map(time => Math.floor(time / 600_000))).size).toBe(6)
    expect(wakeAt({ end }, 'peer 7')).toBe(end + (times[7] ?? 0))
    expect(wakeAt({ end: end + 1 }, 'peer 7')).not.toBe(end + 1 + (times[7] ?? 0))
  })
})
