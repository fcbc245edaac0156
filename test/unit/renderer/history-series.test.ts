import { describe, expect, it } from 'vitest'
import type { HistoryRecord } from '../../../app/shared/api.ts'
import { heldBy, secondsPerRecord, seriesOf } from '../../../app/renderer/state/history-series.ts'

const at = (text: string, toTarget: number, toSource = 0): HistoryRecord => ({
  at: `2026-03-01T${text}:00Z`,
  bytes: { toTarget, toSource },
  traffic: { received: 0, sent: 0 },
  circuits: 0,
  refusals: {},
  uptimeSeconds: 60,
  networks: {},
  heldSeconds: {},
  peers: 0
})

describe('a chart of the history', () => {
  it('shows bytes a second, at the middle of each minute', () => {
    const { times, toTarget, toSource } = seriesOf([at('10:00', 600, 60)], secondsPerRecord('minute'), 1)

    expect(times).toEqual([Date.parse('2026-03-01T10:00:30Z') / 1000])
    expect(toTarget).toEqual([10])
    expect(toSource).toEqual([1])
  })

  it('averages several minutes to one point', () => {
    const records = ['10:00', '10:01', '10:02', '10:03', '10:04'].map(time => at(time, 300))

    expect(seriesOf(records, 60, 5).toTarget).toEqual([5])
  })

  it('has a gap where the node did not run', () => {
    const series = seriesOf([at('10:00', 600), at('10:30', 600)], 60, 5)

    expect(series.toTarget).toEqual([2, null, 2])
    expect(series.times).toEqual([...series.times].sort((a, b) => a - b))
  })

  it('is empty where there is nothing', () => {
    expect(seriesOf([], 3600, 1)).toEqual({ times: [], toTarget: [], toSource: [] })
  })
})

describe('what held the node', () => {
  it('is summed rule by rule, the longest first', () => {
    const first = { ...at('10:00', 0), heldSeconds: { battery: 20, schedule: 15 } }
    const second = { ...at('10:01', 0), heldSeconds: { schedule: 15 } }

    expect(heldBy([first, at('10:02', 5), second])).toEqual([
      ['schedule', 30],
      ['battery', 20]
    ])
  })
})
