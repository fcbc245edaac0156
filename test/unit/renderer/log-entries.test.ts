import { expect, test } from 'vitest'
import {
  isAtLeast,
  joinLines,
  kindOf,
  lineText,
  MOST_ENTRIES
} from '../../../app/renderer/state/log-entries.ts'
import { fieldsByWhat } from '../../../app/renderer/text/storage.ts'
import type { LogLine } from '../../../app/shared/api.ts'

const line = (second: number, message = `line ${second}`): LogLine => ({
  time: new Date(second * 1000).toISOString(),
  level: 'info',
  message,
  fields: {}
})

test('a line is its message and its fields', () => {
  expect(
    lineText({ ...line(1, 'circuit closed'), fields: { reason: 'bytes', seconds: 12, ports: [1] } })
  ).toBe('circuit closed  reason=bytes seconds=12 ports=[1]')
  expect(lineText(line(1, 'ready'))).toBe('ready')
})

test('a level lets graver ones through, and those it does not know', () => {
  expect(isAtLeast('warn', 'info')).toBe(true)
  expect(isAtLeast('debug', 'info')).toBe(false)
  expect(isAtLeast('audit', 'error')).toBe(true)
})

test('lines that are read anew are joined with those that were known and those that came meanwhile, each once', () => {
  const joined = joinLines([line(1), line(2)], [line(2), line(3)], [line(3), line(4)])
  expect(joined.map(({ message }) => message)).toEqual(['line 1', 'line 2', 'line 3', 'line 4'])
})

test('no more lines are kept than the list can bear', () => {
  const many = Array.from({ length: MOST_ENTRIES + 5 }, (_, at) => line(at))
  const joined = joinLines(many, [], [])
  expect(joined).toHaveLength(MOST_ENTRIES)
  expect(joined.at(-1)).toEqual(many.at(-1))
})

test('ticks and log lines are no events of the list', () => {
  expect(kindOf('tick')).toBeUndefined()
  expect(kindOf('log')).toBeUndefined()
  expect(kindOf('circuit-closed')).toBe('circuits')
})

test('stored fields are put together by what they count', () => {
  expect(fieldsByWhat(['bytes sent, in each day', 'zoom', 'bytes sent, in each month'])).toEqual([
    { what: 'bytes sent', periods: ['each day', 'each month'] },
    { what: 'zoom', periods: [] }
  ])
})

test('a stored setting is called by its name', () => {
  expect(fieldsByWhat(['quota.bytesPerMonth'])).toEqual([{ what: 'Data a month', periods: [] }])
})
