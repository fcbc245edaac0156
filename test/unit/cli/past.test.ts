import { describe, expect, it } from 'vitest'
import type { HistoryRecord, PeriodStats } from '../../../app/shared/api.ts'
import { csvOf } from '../../../app/main/cli/operate/csv.ts'
import { showHistory } from '../../../app/main/cli/operate/show-figures.ts'
import { showPeriod } from '../../../app/main/cli/operate/show-period.ts'
import { localDay } from '../../../app/main/cli/operate/text.ts'
import { amountsOf } from '../../support/history.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const record: HistoryRecord = { at: '2026-11-20T12:00:00Z', peers: 7, ...amountsOf(1) }
const idle: HistoryRecord = { at: '2026-11-21T12:00:00Z', peers: 0, ...amountsOf(0), refusals: {} }
const period: PeriodStats = {
  step: 'day',
  from: '2026-11-20T12:00:00Z',
  to: '2026-11-21T12:00:00Z',
  amounts: amountsOf(3600),
  records: [record, idle],
  quotas: [
    {
      ...{ rule: 'quota-month', from: '2026-11-05T12:00:00Z', to: '2026-12-05T12:00:00Z' },
      ...{ limitBytes: 1e9, usedBytes: 5e8, counts: 'both', heldSeconds: 7200 }
    }
  ]
}

describe('a period, for people', () => {
  const lines = showPeriod(period, { now, width: 80 })
  const text = lines.join('\n')

  it('fits 80 columns', () => {
    expect(lines.filter(line => line.length > 80)).toEqual([])
  })

  it('says since when, by which rules the node was held, and what was refused', () => {
    expect(lines[0]).toMatch(new RegExp(`^SINCE ${localDay(period.from)}`))
    expect(text).toMatch(/Held +1 d 1 h: on battery 13 h, schedule 12 h/)
    expect(text).toMatch(/Refused +total-full 25200, per-ip-full 21600/)
  })

  it('has the networks, with what was of none', () => {
    const inNone = {
      ...period,
      amounts: { ...amountsOf(1), bytes: { toTarget: 10, toSource: 10 }, circuits: 20 }
    }
    const rows = showPeriod(inNone, { now }).map(line => line.split(/ {2,}/))
    expect(rows).toContainEqual(['chat', '11', '9 B', '10 B'])
    expect(rows).toContainEqual(['other', '9', '1 B', '0 B'])
  })

  it('has the quotas in the units that they were given in', () => {
    expect(text).toMatch(/month +2026-11-05 +500 MB +1(\.00)? GB +both +2 h/)
  })

  it('has no table of networks or quotas where there were none, and says so of rules', () => {
    const nothing = showPeriod(
      { ...period, amounts: { ...amountsOf(0), refusals: {} }, quotas: [] },
      { now }
    ).join('\n')
    expect(nothing).not.toMatch(/NETWORK|QUOTA/)
    expect(nothing).toMatch(/Held +never\nRefused +nothing/)
  })
})

it('the history has a column of how long the node was held only where it was', () => {
  expect(showHistory([record, idle], 'hour', { now })[0]).toMatch(/UP +HELD$/)
  expect(showHistory([idle], 'hour', { now })[0]).toMatch(/UP$/)
})

describe('CSV', () => {
  it('has heads, a line for each record, and networks last', () => {
    expect(csvOf([record, idle])).toEqual([
      'at,relayed_to_target_bytes,relayed_to_source_bytes,received_bytes,sent_bytes,circuits,peers,refused,up_seconds,' +
        'held_quota_month_seconds,held_quota_day_seconds,held_schedule_seconds,held_battery_seconds,' +
        'held_battery_level_seconds,held_metered_seconds,held_full_screen_seconds,' +
        'network chat to_target_bytes,network chat to_source_bytes,network chat circuits',
      '2026-11-20T12:00:00Z,1,2,3,4,5,7,13,8,0,0,12,13,0,0,0,9,10,11',
      '2026-11-21T12:00:00Z,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0'
    ])
  })

  it('quotes names of networks that have commas or quotes', () => {
    const networks = { 'a, "b"': { bytes: { toTarget: 1, toSource: 2 }, circuits: 3 } }
    expect(csvOf([{ ...idle, networks }])[0]).toContain(',"network a, ""b"" circuits"')
  })

  it('has its heads also where there is nothing', () => {
    expect(csvOf([])).toHaveLength(1)
  })
})
