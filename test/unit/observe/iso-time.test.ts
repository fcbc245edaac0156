import { expect, it } from 'vitest'
import { isoTime } from '../../../app/main/observe/iso-time.ts'

it('writes moments as Date does, whichever comes after which', () => {
  const moments = [
    0, 1, 999, 1000, 1_795_302_583_975, 1_795_302_583_007.6, 1_795_302_584_000, 5, -1, -1000, -1001
  ]
  for (let at = 1_795_302_583_000; at < 1_795_302_586_000; at += 7) moments.push(at)
  expect(moments.map(isoTime)).toEqual(moments.map(at => new Date(at).toISOString()))
})

it('throws for what is no moment, and writes the next one', () => {
  expect(() => isoTime(NaN)).toThrow(RangeError)
  expect(isoTime(1)).toBe('1970-01-01T00:00:00.001Z')
})
