import { describe, expect, it } from 'vitest'
import type { BothWays, Rates as RatesInfo } from '../../../app/shared/api.ts'
import { Rates } from '../../../app/main/observe/rates.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Rates over counters and a clock that the test moves. */
class Bench {
  now = 5_000_000
  readonly counters = { bytesToTarget: 0, bytesToSource: 0 }
  readonly rates = new Rates({ counters: this.counters, clock: () => this.now })

  /** Relays so many bytes a second each way for that long, with a sample every `tick` milliseconds. */
  run(milliseconds: number, each: BothWays, tick: number | (() => number) = SECOND): this {
    for (let left = milliseconds; left > 0;) {
      const step = Math.min(left, typeof tick === 'number' ? tick : tick())
      left -= step
      this.now += step
      this.counters.bytesToTarget += (each.toTarget * step) / SECOND
      this.counters.bytesToSource += (each.toSource * step) / SECOND
      this.rates.sample()
    }
    return this
  }

  toTarget(): Record<keyof RatesInfo, number> {
    const { rates } = this
    const current = Object.entries(rates.current()).map(([window, { toTarget }]) => [window, toTarget])
    return Object.fromEntries(current) as Record<keyof RatesInfo, number>
  }
}

const idle = { toTarget: 0, toSource: 0 }
const busy = { toTarget: 6000, toSource: 600 }
const same = <Value>(value: Value): Record<keyof RatesInfo, Value> => ({
  '10s': value,
  '1min': value,
  '5min': value,
  '15min': value,
  '60min': value
})

it('gives steady traffic the same rate in every window, each direction by itself', () => {
  expect(new Bench().run(2 * HOUR, busy).rates.current()).toEqual(same(busy))
})

it('is zero before anything was relayed', () => {
  expect(new Bench().rates.current()).toEqual(same(idle))
})

describe('each window', () => {
  it.each([
    ['5 s', 5 * SECOND, { '10s': 3000, '1min': 500, '5min': 100, '15min': 33, '60min': 8 }],
    ['30 s', 30 * SECOND, { '10s': 6000, '1min': 3000, '5min': 600, '15min': 200, '60min': 50 }],
    ['3 min', 3 * MINUTE, { '10s': 6000, '1min': 6000, '5min': 3600, '15min': 1200, '60min': 300 }],
    ['9 min', 9 * MINUTE, { '10s': 6000, '1min': 6000, '5min': 6000, '15min': 3600, '60min': 900 }]
  ])('takes its share of %s of traffic after an hour without', (_, milliseconds, expected) => {
    expect(new Bench().run(HOUR, idle).run(milliseconds, busy).toTarget()).toEqual(expected)
  })

  it('forgets what is older than it is long', () => {
    const bench = new Bench()
      .run(HOUR, idle)
      .run(MINUTE, busy)
      .run(12 * MINUTE, idle)

    expect(bench.toTarget()).toEqual({ '10s': 0, '1min': 0, '5min': 0, '15min': 400, '60min': 100 })
    expect(bench.run(48 * MINUTE, idle).toTarget()).toEqual(same(0))
  })
})

describe('just after the start', () => {
  it('is over the time that has passed', () => {
    expect(new Bench().run(4 * SECOND, busy).toTarget()).toEqual(same(6000))
    expect(
      new Bench()
        .run(2 * MINUTE, busy)
        .run(2 * MINUTE, idle)
        .toTarget()
    ).toEqual({
      ...same(3000),
      '10s': 0,
      '1min': 0
    })
  })

  it('is over a second at least, so that the first bytes are no flood', () => {
    const bench = new Bench()
    bench.now += 2
    bench.counters.bytesToTarget += 100

    expect(bench.toTarget()).toEqual(same(100))
  })

  it('does not count what was relayed before it', () => {
    const counters = { bytesToTarget: 10_000_000, bytesToSource: 0 }
    let now = 0
    const rates = new Rates({ counters, clock: () => now })
    now = SECOND

    expect(rates.current()).toEqual(same(idle))
  })
})

describe('ticks', () => {
  it('are not waited for: a figure is as new as the question', () => {
    const bench = new Bench().run(HOUR, idle)
    bench.now += 500
    bench.counters.bytesToTarget += 1000

    expect(bench.toTarget()['10s']).toBe(100)
  })

  it.each([
    ['early', 990],
    ['late', 1700],
    ['many', 10],
    ['rare', 25_000],
    ['rarer than a window', 7 * MINUTE]
  ])('may be %s', (_, tick) => {
    expect(new Bench().run(2 * HOUR, busy, tick).rates.current()).toEqual(same(busy))
  })

  it('may come at any time', () => {
    let turn = 0
    const tick = (): number => [3, 4000, 900, 61_000, 1, 1, 12_345][turn++ % 7] ?? 1

    expect(new Bench().run(3 * HOUR, busy, tick).rates.current()).toEqual(same(busy))
  })
})

describe('a clock', () => {
  it('that goes on while the machine sleeps makes the sleep a time without traffic', () => {
    const bench = new Bench().run(HOUR, busy)
    bench.now += 30 * MINUTE

    expect(bench.toTarget()).toMatchObject({ '10s': 0, '1min': 0, '5min': 0, '15min': 0, '60min': 3000 })
    const after = bench.run(30 * SECOND, busy).toTarget()
    expect(after['10s']).toBe(6000)
    // What came between waking up and the first tick may be taken for older: a second of it.
    expect(after['1min']).toBeGreaterThanOrEqual((29 / 60) * 6000)
    expect(after['1min']).toBeLessThanOrEqual((30 / 60) * 6000)
  })

  it('that goes on through a sleep of days leaves nothing of what was before', () => {
    const bench = new Bench().run(HOUR, busy)
    bench.now += 48 * HOUR

    expect(bench.toTarget()).toEqual(same(0))
    bench.rates.sample()
    expect(bench.run(6 * MINUTE, busy).toTarget()).toEqual({ ...same(6000), '15min': 2400, '60min': 600 })
  })

  it('that goes back is waited for, and no rate is below zero or beyond measure', () => {
    const bench = new Bench().run(HOUR, busy)
    bench.now -= 10 * SECOND
    const during = bench.run(5 * SECOND, busy).rates.current()
    const after = bench.run(HOUR + MINUTE, busy).rates.current()

    for (const { toTarget, toSource } of Object.values(during)) {
      expect(toTarget).toBeGreaterThanOrEqual(6000)
      expect(toTarget).toBeLessThanOrEqual(9000)
      expect(toSource).toBeLessThanOrEqual(900)
    }
    expect(after).toEqual(same(busy))
  })
})
