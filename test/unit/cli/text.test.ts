import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  counted,
  jsonText,
  limitText,
  localDay,
  localMinute,
  localTime,
  plain,
  timeSince,
  timeUntil,
  wrap
} from '../../../app/main/cli/operate/text.ts'

describe('times', () => {
  const zone = process.env['TZ']
  beforeAll(() => (process.env['TZ'] = 'Asia/Kathmandu'))
  afterAll(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  it('are those of the reader', () => {
    const time = '2026-11-21T22:17:26.500Z'
    expect(localTime(time)).toBe('2026-11-22 04:02:26')
    expect(localMinute(time)).toBe('2026-11-22 04:02')
    expect(localDay(time)).toBe('2026-11-22')
  })
})

describe('spans', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')

  it('are counted from and to now', () => {
    expect(timeSince('2026-11-21T11:58:30Z', now)).toBe('1 min 30 s')
    expect(timeUntil('2026-11-21T13:00:00Z', now)).toBe('1 h')
  })

  it('are never negative', () => {
    expect(timeSince('2026-11-21T12:00:05Z', now)).toBe('0 s')
    expect(timeUntil('2026-11-21T11:00:00Z', now)).toBe('0 s')
  })
})

describe('what strangers sent', () => {
  const hostile = ['a\x1b[2Jb', 'a\x9b31mb', 'a\rb', 'a\u202eb', 'a\u2028b', 'a\u{e0041}b']

  it.each(hostile)('%j moves nothing on a terminal', text => {
    expect(plain(text)).toMatch(/^a\ufffd.*b$/)
    expect(plain(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })

  it.each(hostile)('%j is the same text in JSON, escaped', text => {
    const json = jsonText({ text }, 2)

    expect(JSON.parse(json)).toEqual({ text })
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})

it('counts', () => {
  expect([counted(0, 'circuit'), counted(1, 'circuit'), counted(2, 'box', 'boxes')]).toEqual([
    '0 circuits',
    '1 circuit',
    '2 boxes'
  ])
  expect([limitText(0), limitText(5)]).toEqual(['unlimited', '5'])
})

it('wraps words, and leaves longer ones whole', () => {
  expect(wrap('one two three fourteenletters', 11, 2)).toEqual(['  one two', '  three', '  fourteenletters'])
  expect(wrap('one two')).toEqual(['one two'])
})
