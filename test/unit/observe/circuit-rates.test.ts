import { expect, it } from 'vitest'
import { CircuitRates } from '../../../app/main/observe/circuit-rates.ts'

const at = (toTarget: number) => ({ id: 1, bytes: { toTarget, toSource: 0 } })

it('has the rate of the last ten seconds', () => {
  const rates = new CircuitRates()
  // 100 bytes a second for a minute, then nothing for five seconds.
  for (let second = 0; second <= 60; second++) rates.sample(second * 1000, [at(second * 100)])
  expect(rates.rateOf(60_000, 0, at(6000))).toEqual({ toTarget: 100, toSource: 0 })
  for (let second = 61; second <= 65; second++) rates.sample(second * 1000, [at(6000)])
  expect(rates.rateOf(65_000, 0, at(6000)).toTarget).toBe(50)
})

it('has the rate over its life for a young circuit, of a second at least', () => {
  const rates = new CircuitRates()
  expect(rates.rateOf(1100, 1000, at(500)).toTarget).toBe(500)
  rates.sample(1500, [at(500)])
  expect(rates.rateOf(5000, 1000, at(2000)).toTarget).toBe(500)
})

it('forgets circuits that have ended', () => {
  const rates = new CircuitRates()
  rates.sample(0, [at(0)])
  rates.sample(1000, [])
  rates.sample(20_000, [at(1000)])
  expect(rates.rateOf(20_000, 0, at(1000)).toTarget).toBe(0)
})
