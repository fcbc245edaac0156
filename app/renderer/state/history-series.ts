import type { HistoryRecord, HistoryRequest, Rule } from '../../shared/api.ts'
import type { Series } from './live-rates.ts'

export function secondsPerRecord(step: HistoryRequest['step']): number {
  return { minute: 60, hour: 3600, day: 86_400 }[step]
}

/**
 * Rates from records of the history, `perPoint` of them averaged to one point, at its middle. Times in which the node
 * did not run have no records: there the line has a gap.
 */
export function seriesOf(records: readonly HistoryRecord[], seconds: number, perPoint: number): Series {
  const span = seconds * perPoint
  const groups = new Map<number, { toTarget: number; toSource: number }>()
  for (const { at, bytes } of records) {
    const begin = Math.floor(Date.parse(at) / 1000 / span) * span
    const sum = groups.get(begin) ?? { toTarget: 0, toSource: 0 }
    groups.set(begin, { toTarget: sum.toTarget + bytes.toTarget, toSource: sum.toSource + bytes.toSource })
  }
  const series: Series = { times: [], toTarget: [], toSource: [] }
  const point = (at: number, rate: { toTarget: number; toSource: number } | undefined): void => {
    series.times.push(at)
    series.toTarget.push(rate === undefined ? null : rate.toTarget / span)
    series.toSource.push(rate === undefined ? null : rate.toSource / span)
  }
  let last: number | undefined
  for (const [begin, sum] of [...groups].sort(([a], [b]) => a - b)) {
    if (last !== undefined && begin - last > span) point(last + span, undefined)
    point(begin + span / 2, sum)
    last = begin
  }
  return series
}

/** For how long each rule of the budget held the node in that time, the longest first. */
export function heldBy(records: readonly HistoryRecord[]): [rule: Rule, seconds: number][] {
  const sums = new Map<Rule, number>()
  for (const { heldSeconds } of records) {
    for (const [rule, seconds] of Object.entries(heldSeconds) as [Rule, number][])
      sums.set(rule, (sums.get(rule) ?? 0) + seconds)
  }
  return [...sums].sort(([, a], [, b]) => b - a)
}
