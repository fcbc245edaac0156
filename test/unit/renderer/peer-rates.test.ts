import { expect, it } from 'vitest'
import { amountOf, bytesPerSecondOf, peerRatesOf } from '../../../app/renderer/state/peer-rates.ts'

it('reads the rates of single peers from their setting', () => {
  expect([...peerRatesOf(['12D3KooWA=50kB/s', '12D3KooWB=10Mbit/s'])]).toEqual([
    ['12D3KooWA', 50_000],
    ['12D3KooWB', 1_250_000]
  ])
  expect(peerRatesOf(undefined).size).toBe(0)
})

it.each([
  [500, 'kbit/s', 62_500],
  [1.5, 'Mbit/s', 187_500],
  [0.1, 'kbit/s', 13]
] as const)('takes %s %s as %i bytes a second', (amount, unit, bytes) => {
  expect(bytesPerSecondOf(amount, unit)).toBe(bytes)
})

it.each([0, -1, 0.001, NaN, Infinity, null, undefined])('refuses %s as a rate', amount => {
  expect(bytesPerSecondOf(amount, 'kbit/s')).toBeUndefined()
})

it('writes a rate in Mbit/s from one on', () => {
  expect(amountOf(125_000)).toEqual({ amount: 1, unit: 'Mbit/s' })
  expect(amountOf(62_500)).toEqual({ amount: 500, unit: 'kbit/s' })
})
