import type {
  Amounts,
  HistoryRecord,
  HistoryRequest,
  MetricInfo,
  QuotaInfo,
  Rates,
  Stats,
  Totals
} from '../../../shared/api.ts'
import { formatBytes, formatDecimalBytes, formatDuration, formatRate } from '../../../shared/format.ts'
import { writeQuantity } from '../../../shared/units.ts'
import type { ViewOptions } from './show-lists.ts'
import { pairs, table } from './table.ts'
import { localDay, localMinute, localTime } from './text.ts'

const RATE_WINDOWS = ['10s', '1min', '5min', '15min', '60min'] as const
type Way = 'toTarget' | 'toSource'
const WAYS: readonly (readonly [name: string, way: Way])[] = [
  ['to listeners', 'toTarget'],
  ['to dialers', 'toSource']
]

/** Relayed bytes a second over the last 10 s to 60 min. */
export function ratesTable(rates: Rates, options: ViewOptions): string[] {
  return table<(typeof WAYS)[number]>(
    [
      { head: 'RELAYED A SECOND', text: ([name]) => name },
      ...RATE_WINDOWS.map((span, at) => ({
        head: `${at === 0 ? 'LAST ' : ''}${span.replace(/(?<=\d)(?=\D)/, ' ')}`,
        text: ([, way]: (typeof WAYS)[number]) => formatRate(rates[span][way]),
        right: true
      }))
    ],
    WAYS,
    options
  )
}

type AmountRow = readonly [name: string, text: (amounts: Amounts) => string]

const AMOUNTS: readonly AmountRow[] = [
  ['relayed to listeners', ({ bytes }) => formatBytes(bytes.toTarget)],
  ['relayed to dialers', ({ bytes }) => formatBytes(bytes.toSource)],
  ['all traffic, received', ({ traffic }) => formatBytes(traffic.received)],
  ['all traffic, sent', ({ traffic }) => formatBytes(traffic.sent)],
  ['circuits', ({ circuits }) => String(circuits)],
  ['refused', ({ refusals }) => String(sum(Object.values(refusals)))],
  ['up', ({ uptimeSeconds }) => formatDuration(Math.round(uptimeSeconds))]
]

/** Amounts beside each other, each column with its head. */
export function amountsTable(
  title: string,
  columns: readonly (readonly [head: string, amounts: Amounts])[],
  options: ViewOptions
): string[] {
  return table<AmountRow>(
    [
      { head: title, text: ([name]) => name },
      ...columns.map(([head, amounts]) => {
        return { head, text: ([, text]: AmountRow) => text(amounts), right: true }
      })
    ],
    AMOUNTS,
    options
  )
}

/** Today, this month and ever. */
export function totalsTable({ today, month, ever }: Totals, options: ViewOptions): string[] {
  const columns = [['TODAY', today] as const, ['THIS MONTH', month] as const, ['EVER', ever] as const]
  return amountsTable('TOTALS', columns, options)
}

/** `44.2 GB of 100 GB (44 %), counted anew from 2026-12-01` */
export function quotaText({ limitBytes, usedBytes, resetsAt }: QuotaInfo): string {
  if (limitBytes === 0) return `none; ${formatBytes(usedBytes)} of traffic this month`
  // Down, so that 100 % is said only of a quota that is used up.
  const percent = Math.floor((100 * usedBytes) / limitBytes)
  const limit = writeQuantity(limitBytes, 'bytes')
  const used = quotaBytes(usedBytes, limitBytes)
  return `${used} of ${limit} (${percent} %), counted anew from ${localDay(resetsAt)}`
}

/** In the units that the limit was given in. */
export function quotaBytes(bytes: number, limitBytes: number): string {
  const isBinary = writeQuantity(limitBytes, 'bytes').endsWith('iB')
  return isBinary ? formatBytes(bytes) : formatDecimalBytes(bytes)
}

export function showStats({ totals, rates, quota, since }: Stats, options: ViewOptions): string[] {
  const reasons = Object.entries(totals.ever.refusals).sort(([, a], [, b]) => b - a)
  return [
    ...totalsTable(totals, options),
    '',
    ...ratesTable(rates, options),
    '',
    ...pairs([
      ['Quota', quotaText(quota)],
      ['Counted since', localTime(since)],
      [
        'Refused',
        reasons.length === 0 ? 'nothing' : reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')
      ]
    ])
  ]
}

export function showHistory(
  records: readonly HistoryRecord[],
  step: HistoryRequest['step'],
  options: ViewOptions
): string[] {
  if (records.length === 0) return ['There is no history of that time yet.']
  const held = ({ heldSeconds }: Amounts): number => sum(Object.values(heldSeconds))
  const relayed = ({ bytes }: Amounts): string => formatBytes(bytes.toTarget + bytes.toSource)
  return table<HistoryRecord>(
    [
      {
        head: step === 'day' ? 'DAY' : 'BEGINS',
        text: ({ at }) => (step === 'day' ? localDay(at) : localMinute(at))
      },
      { head: 'RELAYED', text: relayed, right: true },
      { head: 'RECEIVED', text: ({ traffic }) => formatBytes(traffic.received), right: true },
      { head: 'SENT', text: ({ traffic }) => formatBytes(traffic.sent), right: true },
      { head: 'CIRCUITS', text: ({ circuits }) => String(circuits), right: true },
      { head: 'PEERS', text: ({ peers }) => String(peers), right: true },
      { head: 'REFUSED', text: ({ refusals }) => String(sum(Object.values(refusals))), right: true },
      {
        head: 'UP',
        text: ({ uptimeSeconds }) => formatDuration(Math.round(uptimeSeconds)),
        right: true,
        spare: 1
      },
      // Most nodes have no rule that ever holds them.
      ...(records.some(record => held(record) > 0)
        ? [
            {
              head: 'HELD',
              text: (record: HistoryRecord) => formatDuration(held(record)),
              right: true,
              spare: 2
            }
          ]
        : [])
    ],
    records,
    options
  )
}

interface MetricRow {
  name: string
  value: number
}

export function showMetrics(metrics: readonly MetricInfo[], options: ViewOptions): string[] {
  const rows = metrics.flatMap(({ name, values }) =>
    values.map(each => ({ name: `${each.name ?? name}${labelsText(each.labels)}`, value: each.value }))
  )
  if (rows.length === 0) return ['The node gives no metrics.']
  return table<MetricRow>(
    [
      { head: 'METRIC', text: ({ name }) => name },
      { head: 'VALUE', text: ({ value }) => String(value), right: true }
    ],
    rows,
    options
  )
}

function labelsText(labels: MetricInfo['values'][number]['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
