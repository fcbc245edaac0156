import { expect, it } from 'vitest'
import { WAYS } from '../soak/protocol.ts'
import { report } from '../soak/report.ts'
import { runSoak } from '../soak/run.ts'
import { slopeOf } from '../soak/slope.ts'
import { missing } from '../support/needs.ts'

const onLinux = process.platform === 'linux'

it('fits a slope and its error to what was sampled', () => {
  const noise = [3, -1, -4, 1, 5, -2, -5, 4, -3, 2]
  const points = Array.from({ length: 100 }, (_, i) => ({
    seconds: 6 * i,
    value: 50 + i / 10 + (noise[i % 10] ?? 0)
  }))
  const slope = slopeOf(points)
  expect(slope?.perHour).toBeCloseTo(60, 5)
  expect(slope?.growth).toBeCloseTo(9.9, 5)
  expect(slope?.error).toBeLessThan(1)
  expect(slopeOf(points.slice(0, 2))).toBeUndefined()
})

it.skipIf(missing('Linux, for its /proc,', onLinux))(
  'clients that come, transfer, vanish and come back leave no slot, circuit or handle behind',
  async () => {
    const result = await runSoak({
      seconds: 30,
      workers: 2,
      clients: 6,
      entry: 'app/main/cli.ts',
      flags: [],
      graceSeconds: 90,
      signal: new AbortController().signal
    })
    const told = report(result)
    expect(result.leftovers, told).toEqual([])
    expect(result.faults).toEqual([])
    expect(result.tally.corrupt, told).toBe(0)
    expect(result.tally.completed, told).toBeGreaterThan(0)
    for (const way of WAYS) expect(result.tally.byWay[way], told).toBeGreaterThan(0)
  },
  240_000
)
