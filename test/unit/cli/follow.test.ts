import { describe, expect, it } from 'vitest'
import { after, logText } from '../../../app/main/cli/operate/follow.ts'
import { localTime } from '../../../app/main/cli/operate/text.ts'
import type { LogLine } from '../../../app/shared/api.ts'

const line = (message: string, fields: Record<string, unknown> = {}): LogLine => ({
  time: '2026-11-21T12:00:00.000Z',
  level: 'info',
  message,
  fields
})

describe('log lines after one that was printed', () => {
  const lines = [line('a'), line('b'), line('c')]

  it.each([
    ['in the middle', line('b'), ['c']],
    ['at the end', line('c'), []],
    ['that the node no longer keeps', line('older'), ['a', 'b', 'c']]
  ])('%s', (_, printed, rest) => {
    expect(after(lines, JSON.stringify(printed)).map(({ message }) => message)).toEqual(rest)
  })

  it('are all of them at first', () => {
    expect(after(lines, undefined)).toEqual(lines)
  })
})

it('shows a log line with its fields', () => {
  const text = logText(
    line('listening', { profile: 'home', ports: [1, 2], why: 'two words', empty: undefined })
  )

  const time = localTime('2026-11-21T12:00:00.000Z')
  expect(text).toBe(`${time} info  listening  profile=home  ports=[1,2]  why="two words"`)
})
