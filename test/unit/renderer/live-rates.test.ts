import { describe, expect, it } from 'vitest'
import type { HistoryRecord } from '../../../app/shared/api.ts'
import { LiveRates } from '../../../app/renderer/state/live-rates.ts'

const MINUTE_MS = 60_000
const NOW = Date.parse('2026-03-01T12:04:30Z')

function minute(at: number, toTarget: number): HistoryRecord {
  return {
    at: new Date(at).toISOString(),
    bytes: { toTarget, toSource: 0 },
    traffic: { received: 0, sent: 0 },
    circuits: 0,
    refusals: {},
    uptimeSeconds: 60,
    networks: {},
    heldSeconds: {},
    peers: 0
  }
}

describe('the rates of the last five minutes', () => {
  it('keep five minutes and no more', () => {
    const live = new LiveRates()
    for (let second = 0; second < 400; second++) {
      live.add(NOW + second * 1000, { toTarget: second, toSource: 0 })
    }

    const { times, toTarget } = live.series
    expect(times).toHaveLength(300)
    expect(toTarget[0]).toBe(100)
    expect(toTarget.at(-1)).toBe(399)
  })

  it('take a second once, the later word counts', () => {
    const live = new LiveRates()
    live.add(NOW, { toTarget: 1, toSource: 0 })
    live.add(NOW + 100, { toTarget: 2, toSource: 0 })

    expect(live.series.toTarget).toEqual([2])
  })

  it('have a gap where nobody looked', () => {
    const live = new LiveRates()
    live.add(NOW, { toTarget: 1, toSource: 0 })
    live.pause()
    live.pause()
    live.add(NOW + 10_000, { toTarget: 2, toSource: 0 })

    expect(live.series.toTarget).toEqual([1, null, 2])
  })

  it('begin with the averages of the minutes before', () => {
    const live = new LiveRates()
    live.add(NOW, { toTarget: 7, toSource: 0 })
    const whole = NOW - 30_000
    live.fill([minute(whole - MINUTE_MS, 600), minute(whole, 60)], NOW)

    // The running minute is averaged over what has passed of it.
    expect(live.series.toTarget).toEqual([10, 10, 2, 2, 7])
    expect(live.series.times).toEqual([...live.series.times].sort((a, b) => a - b))
  })

  it('tell whoever draws them, until that one goes', () => {
    const live = new LiveRates()
    let told = 0
    const stop = live.listen(() => told++)
    live.add(NOW, { toTarget: 1, toSource: 0 })
    stop()
    live.add(NOW + 1000, { toTarget: 1, toSource: 0 })

    expect(told).toBe(1)
  })
})
