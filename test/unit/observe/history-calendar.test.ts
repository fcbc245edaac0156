import { describe, expect, it } from 'vitest'
import { Calendar, minuteText } from '../../../app/main/observe/history/calendar.ts'

describe('the hour of a moment', () => {
  it.each([
    ['a full zone', 'Europe/Berlin', '2026-07-30T12:34:56Z', '2026-07-30T12:00Z'],
    ['a half-hour zone', 'Asia/Kolkata', '2026-07-30T12:34:56Z', '2026-07-30T12:30Z'],
    ['a zone of three quarters', 'Asia/Kathmandu', '2026-07-30T12:34:56Z', '2026-07-30T12:15Z'],
    ['the first of two hours named 2', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T00:00Z'],
    ['the second of two hours named 2', 'Europe/Berlin', '2026-10-25T01:30:00Z', '2026-10-25T01:00Z'],
    ['a clock from before 1970', 'America/New_York', '1969-12-31T23:59:00Z', '1969-12-31T23:00Z']
  ])('begins where the local clock shows a full one: %s', (_, zone, at, hour) => {
    expect(minuteText(new Calendar(zone).periodsAt(Date.parse(at)).hour)).toBe(hour)
  })
})

describe('the day and month of a moment', () => {
  it.each([
    ['UTC', '2026-07-31T23:59:59.999Z', '2026-07-31', '2026-07'],
    ['UTC', '2026-08-01T00:00:00Z', '2026-08-01', '2026-08'],
    ['Europe/Berlin', '2026-07-31T22:00:00Z', '2026-08-01', '2026-08'],
    ['America/Los_Angeles', '2027-01-01T07:59:59Z', '2026-12-31', '2026-12'],
    ['Pacific/Kiritimati', '2026-12-31T10:00:00Z', '2027-01-01', '2027-01']
  ])('are those of the wall clock: %s at %s', (zone, at, day, month) => {
    expect(new Calendar(zone).periodsAt(Date.parse(at))).toMatchObject({ day, month })
  })

  it('are told apart although asked about one after the other', () => {
    const calendar = new Calendar('UTC')
    const days = ['2026-07-30T23:59:59Z', '2026-07-31T00:00:00Z', '2026-07-30T23:59:59Z'].map(
      at => calendar.periodsAt(Date.parse(at)).day
    )
    expect(days).toEqual(['2026-07-30', '2026-07-31', '2026-07-30'])
  })
})

describe('the beginning of a day', () => {
  it.each([
    ['of any other', 'Europe/Berlin', '2026-07-30', '2026-07-29T22:00Z'],
    ['of 23 hours', 'Europe/Berlin', '2026-03-29', '2026-03-28T23:00Z'],
    ['of 25 hours', 'Europe/Berlin', '2026-10-25', '2026-10-24T22:00Z'],
    ['without a midnight', 'Africa/Cairo', '2026-04-24', '2026-04-23T22:00Z'],
    ['with two midnights', 'America/Havana', '2026-11-01', '2026-11-01T04:00Z'],
    ['far in the east', 'Pacific/Kiritimati', '2026-07-30', '2026-07-29T10:00Z'],
    ['far in the west', 'Pacific/Niue', '2026-07-30', '2026-07-30T11:00Z']
  ])('%s: %s %s', (_, zone, day, begin) => {
    const calendar = new Calendar(zone)
    const start = calendar.startOfDay(day)
    expect(minuteText(start)).toBe(begin)
    expect(calendar.periodsAt(start).day).toBe(day)
    expect(calendar.periodsAt(start - 1).day).not.toBe(day)
  })

  it('is the machine zone\u2019s unless one is given', () => {
    const local = new Date(2026, 6, 30)
    expect(new Calendar().startOfDay('2026-07-30')).toBe(local.getTime())
  })
})
