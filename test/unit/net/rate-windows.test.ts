import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RateWindows } from '../../../app/main/net/rate-windows.ts'

function setup(perMinute: number, maxKeys?: number) {
  let now = 1_000_000
  const windows = new RateWindows({ clock: () => now }, { perMinute, maxKeys })
  const takeAll = (key: string): number => {
    let taken = 0
    while (windows.take(key)) taken++
    return taken
  }
  return { windows, takeAll, pass: (ms: number) => (now += ms) }
}

describe('RateWindows', () => {
  it("starts with a minute's worth for each key", () => {
    const { takeAll } = setup(3)
    expect([takeAll('a'), takeAll('b'), takeAll('a')]).toEqual([3, 3, 0])
  })

  it('fills evenly, not at the full minute', () => {
    const { windows, takeAll, pass } = setup(3)
    takeAll('a')
    pass(19_999)
    expect(windows.take('a')).toBe(false)
    pass(1)
    expect(windows.take('a')).toBe(true)
    expect(windows.take('a')).toBe(false)
  })

  it('loses nothing to rounding when it is asked every millisecond', () => {
    const { windows, takeAll, pass } = setup(7)
    takeAll('a')
    let taken = 0
    for (let ms = 0; ms < 60_000; ms++) {
      pass(1)
      if (windows.take('a')) taken++
    }
    expect(taken).toBe(7)
  })

  it("holds no more than a minute's worth", () => {
    const { takeAll, pass } = setup(5)
    takeAll('a')
    pass(3_600_000)
    expect(takeAll('a')).toBe(5)
  })

  it('never lets more through than a minute and the time that passed allow', () => {
    const steps = fc.array(
      fc.record({ ms: fc.integer({ min: 0, max: 30_000 }), asks: fc.integer({ min: 0, max: 20 }) })
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (perMinute, each) => {
        const { windows, pass } = setup(perMinute)
        let taken = 0
        let passed = 0
        for (const { ms, asks } of each) {
          pass(ms)
          passed += ms
          for (let ask = 0; ask < asks; ask++) if (windows.take('a')) taken++
        }
        expect(taken).toBeLessThanOrEqual(perMinute + Math.floor((passed * perMinute) / 60_000))
      })
    )
  })

  it('peek says whether one is left, takes none and remembers no one', () => {
    const { windows, pass } = setup(1)
    expect([windows.peek('a'), windows.peek('a'), windows.size]).toEqual([true, true, 0])
    windows.take('a')
    expect(windows.peek('a')).toBe(false)
    pass(60_000)
    expect(windows.peek('a')).toBe(true)
  })

  it('0 is unlimited and remembers no one', () => {
    const { windows } = setup(0)
    for (let ask = 0; ask < 1000; ask++) expect(windows.take('a')).toBe(true)
    expect([windows.peek('a'), windows.size]).toEqual([true, 0])
  })

  it('a clock that is set back gives nothing and takes nothing', () => {
    const { windows, pass } = setup(2)
    windows.take('a')
    pass(-600_000)
    expect([windows.take('a'), windows.take('a')]).toEqual([true, false])
    pass(30_000)
    expect(windows.take('a')).toBe(true)
  })
})

describe('RateWindows while the limit changes', () => {
  it('a lower limit cuts what was saved up', () => {
    const { windows, takeAll } = setup(100)
    windows.take('a')
    windows.setPerMinute(2)
    expect([takeAll('a'), takeAll('new'), windows.perMinute]).toEqual([2, 2, 2])
  })

  it('a higher limit fills faster from then on, and makes no gift for the time before', () => {
    const { windows, takeAll, pass } = setup(2)
    takeAll('a')
    pass(30_000)
    windows.setPerMinute(60)
    expect(takeAll('a')).toBe(1)
    pass(2000)
    expect(takeAll('a')).toBe(2)
  })

  it('lifting it lets everyone through, setting it again starts afresh', () => {
    const { windows, takeAll } = setup(1)
    takeAll('a')
    windows.setPerMinute(0)
    expect(windows.take('a')).toBe(true)
    windows.setPerMinute(1)
    expect(takeAll('a')).toBe(1)
  })
})

describe("RateWindows' memory", () => {
  it('sweep forgets who is full again and keeps who is not', () => {
    const { windows, takeAll, pass } = setup(10)
    windows.take('once')
    takeAll('greedy')
    pass(6000)
    windows.sweep()
    expect(windows.size).toBe(1)
    expect(takeAll('greedy')).toBe(1)
  })

  it('gets small again by itself', () => {
    const { windows, pass } = setup(10)
    for (let key = 0; key < 1000; key++) windows.take(`old-${key}`)
    pass(60_000)
    for (let key = 0; key < 600; key++) windows.take('new')
    expect(windows.size).toBe(1)
  })

  it('never holds more than the cap, and forgets who was longest unused', () => {
    const { windows, takeAll } = setup(2, 3)
    for (const key of ['a', 'b', 'c']) takeAll(key)
    windows.take('a')
    windows.take('d')
    expect(windows.size).toBe(3)
    expect([windows.peek('a'), windows.peek('b'), windows.peek('c')]).toEqual([false, true, false])
  })

  it('is quick with 100,000 keys', () => {
    const { windows, pass } = setup(30)
    const begun = performance.now()
    for (let round = 0; round < 5; round++) {
      for (let key = 0; key < 100_000; key++) windows.take(`key-${key}`)
      pass(1000)
    }
    expect(windows.size).toBe(100_000)
    // Half a million takes; a tenth of that bound here. It catches a take that is O(n).
    expect(performance.now() - begun).toBeLessThan(5000)
  })
})
