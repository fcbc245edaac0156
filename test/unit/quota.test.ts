import { expect, it } from 'vitest'
import { isUsedUp, nextMonth, quotaInfo } from '../../app/main/quota.ts'

it.each([
  ['the middle of a month', [2026, 10, 21, 13, 5], [2026, 11, 1]],
  ['the last moment of a year', [2026, 11, 31, 23, 59, 59, 999], [2027, 0, 1]],
  ['the first moment of a month', [2026, 1, 1], [2026, 2, 1]]
] as const)('begins anew after %s', (_what, now, next) => {
  const local = (parts: readonly number[]): number => new Date(...(parts as [number, number])).getTime()
  expect(nextMonth(local(now))).toBe(local(next))
})

it('counts both directions, and is used up at its last byte', () => {
  const info = quotaInfo(1000, { received: 600, sent: 399 }, 0)
  expect(info).toMatchObject({ limitBytes: 1000, usedBytes: 999 })
  expect(isUsedUp(info)).toBe(false)
  expect(isUsedUp({ ...info, usedBytes: 1000 })).toBe(true)
})

it('is never used up where there is none', () => {
  expect(isUsedUp(quotaInfo(0, { received: 1e15, sent: 0 }, 0))).toBe(false)
})
