import { describe, expect, it } from 'vitest'
import { CpuGovernor } from '../../../app/main/budget/cpu.ts'
import { worstCaseOf } from '../../../app/main/budget/worst-case.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'

const GB = 1e9

describe('the worst case of a month', () => {
  const worst = (settings: Partial<Settings>) => worstCaseOf({ ...defaultsOf('server'), ...settings })
  // 1 MB a second each way is two in and two out, with headers.
  const RATE = { 'relay.rate.totalBytesPerSecond': 1e6 }
  const RATE_BYTES = 4e6 * 1.08 * 31 * 86_400

  it.each<[string, Partial<Settings>, number | null, string]>([
    ['nothing', {}, null, 'nothing'],
    ['the quota of a month', { 'quota.bytesPerMonth': 100 * GB }, 100 * GB, 'quota-month'],
    ['that of a day', { 'quota.bytesPerMonth': 100 * GB, 'quota.bytesPerDay': 3 * GB }, 93 * GB, 'quota-day'],
    ['the rate', RATE, RATE_BYTES, 'rate'],
    ['the rate, where the quota is larger', { ...RATE, 'quota.bytesPerMonth': 1e15 }, RATE_BYTES, 'rate'],
    ['the rate, of bytes sent', { ...RATE, 'quota.counts': 'sent' }, RATE_BYTES / 2, 'rate'],
    [
      'the rate in half of the hours',
      { ...RATE, 'schedule.hours': ['mon-sun 0-12'] },
      RATE_BYTES / 2,
      'rate'
    ],
    [
      'the rates of all circuits',
      { 'relay.rate.perCircuitBytesPerSecond': 1e5, 'relay.circuits.total': 10 },
      RATE_BYTES,
      'rate'
    ]
  ])('is bound by %s', (_what, settings, bytesPerMonth, boundBy) => {
    expect(worst(settings)).toMatchObject({ bytesPerMonth, boundBy })
  })
})

describe('the share of the processor', () => {
  /** A machine on which a byte each way costs that many seconds, run by the governor for a while. */
  function run(limitPercent: number, secondsPerMB: number, wantedMB: number, seconds: number) {
    const governor = new CpuGovernor()
    const sum = { at: 0, cpuSeconds: 0, toTarget: 0, toSource: 0 }
    const used: number[] = []
    for (let second = 0; second < seconds; second++) {
      const bytes = Math.min(wantedMB * 1e6, governor.ceiling)
      const cpu = 0.005 + (bytes / 1e6) * secondsPerMB
      sum.at += 1000
      sum.cpuSeconds += cpu
      sum.toTarget += bytes
      used.push(cpu * 100)
      governor.sample({ ...sum, limitPercent })
    }
    return { governor, used }
  }

  it('is kept by narrowing the rate, and used', () => {
    const { used, governor } = run(20, 0.01, 50, 60)
    const late = used.slice(-30)
    const mean = late.reduce((total, each) => total + each, 0) / late.length
    expect(used[0]).toBeGreaterThan(50)
    expect(mean).toBeGreaterThan(14)
    expect(mean).toBeLessThan(21)
    expect(governor.ceiling).toBeLessThan(30e6)
  })

  it('refuses new work while above, and takes it again', () => {
    const governor = new CpuGovernor()
    const at = (second: number, cpuSeconds: number): boolean => {
      governor.sample({ at: second * 1000, cpuSeconds, toTarget: 0, toSource: 0, limitPercent: 20 })
      return governor.info.overloaded
    }
    expect(at(0, 0)).toBe(false)
    expect(at(1, 0.5)).toBe(true)
    for (let second = 2; second < 10; second++) at(second, 0.5)
    expect(governor.info.overloaded).toBe(false)
  })

  it('narrows nothing where there is no limit, or room enough', () => {
    expect(run(0, 0.01, 50, 20).governor.ceiling).toBe(Infinity)
    expect(run(80, 0.01, 50, 20).governor.ceiling).toBe(Infinity)
  })

  it('lets go once it is taken away', () => {
    const { governor } = run(10, 0.01, 50, 20)
    expect(governor.ceiling).toBeLessThan(Infinity)
    governor.sample({ at: 1e6, cpuSeconds: 20, toTarget: 0, toSource: 0, limitPercent: 0 })
    expect(governor.info).toMatchObject({ overloaded: false })
    expect(governor.ceiling).toBe(Infinity)
  })
})
