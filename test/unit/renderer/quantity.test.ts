import { expect, test } from 'vitest'
import { amountOf, readAmount, readWhole, unitsFor } from '../../../app/renderer/state/quantity.ts'

test.each([
  [100_000_000_000, 'bytes', '100', 'GB'],
  [500_000_000_000, 'bytes', '500', 'GB'],
  [1_500_000_000_000, 'bytes', '1.5', 'TB'],
  [104_857_600, 'bytes', '100', 'MiB'],
  [123_456_789, 'bytes', '123456789', 'B'],
  [1_250_000, 'rate', '10', 'Mbit/s'],
  [50_000, 'rate', '400', 'kbit/s'],
  [125_000_000, 'rate', '1', 'Gbit/s'],
  [3600, 'seconds', '1', 'h'],
  [90, 'seconds', '90', 's'],
  [0, 'rate', '0', 'Mbit/s']
] as const)('writes %d (%s) as %s %s', (value, quantity, text, unit) => {
  expect(amountOf(value, quantity, '.')).toEqual({ text, unit })
})

test.each(['bytes', 'rate', 'seconds'] as const)(
  'what is written of %s is read back as the same',
  quantity => {
    for (const value of [
      1,
      7,
      60,
      999,
      1000,
      1024,
      3601,
      65_537,
      1_000_001,
      1_250_000,
      2 ** 31,
      10 ** 12 + 1
    ]) {
      for (const decimal of ['.', ',']) {
        expect(readAmount(amountOf(value, quantity, decimal), quantity, decimal)).toBe(value)
      }
    }
  }
)

test.each([
  ['2.5', '.', 2_500_000],
  ['2,5', ',', 2_500_000],
  ['2.5', ',', 2_500_000],
  ['1,000', '.', 1_000_000_000],
  ['1.000', ',', 1_000_000_000],
  ['0.125', ',', 125_000],
  ['1 000', '.', 1_000_000_000],
  ['3 GB', '.', 3_000_000_000],
  ['3kB', '.', 3000],
  ['', '.', undefined],
  ['-1', '.', undefined],
  ['ten', '.', undefined],
  ['1.2.3', '.', undefined],
  ['3 apples', '.', undefined]
])('reads "%s" MB with the decimal sign "%s" as %s bytes', (text, decimal, value) => {
  expect(readAmount({ text, unit: 'MB' }, 'bytes', decimal)).toBe(value)
})

test('a whole number has no parts', () => {
  expect(readWhole('1,024', '.')).toBe(1024)
  expect(readWhole('64', '.')).toBe(64)
  expect(readWhole('6.5', '.')).toBeUndefined()
  expect(readWhole('x', '.')).toBeUndefined()
})

test('a unit that is not offered is there while a value is written in it', () => {
  expect(unitsFor('bytes', 'B')).toContain('B')
  expect(unitsFor('bytes', 'GB')).not.toContain('B')
})
