import type { Amounts, NetworkAmounts, PeriodStats, QuotaPeriod, Rule } from '../../../shared/api.ts'
import { formatBytes, formatDuration } from '../../../shared/format.ts'
import { RULE_NAMES } from './show-budget.ts'
import { amountsTable, quotaBytes, showHistory } from './show-figures.ts'
import type { ViewOptions } from './show-lists.ts'
import { pairs, table } from './table.ts'
import { localDay, localMinute } from './text.ts'

const BY = { minute: 'minutes', hour: 'hours', day: 'days' } as const

/** What was done since then: the sums, networks, quotas, and what the sums are made of. */
export function showPeriod(period: PeriodStats, options: ViewOptions): string[] {
  const { step, from, amounts, records, quotas } = period
  const time = step === 'day' ? localDay(from) : localMinute(from)
  const reasons = Object.entries(amounts.refusals).sort(([, a], [, b]) => b - a)
  return [
    ...amountsTable(`SINCE ${time}`, [['', amounts]], options),
    '',
    ...pairs([
      ['Held', heldText(amounts)],
      ['Refused', reasons.length === 0 ? 'nothing' : reasons.map(each => each.join(' ')).join(', ')]
    ]),
    ...section(networksTable(amounts, options)),
    ...section(quotasTable(quotas, options)),
    ...(records.length === 0 ? [] : ['', `By ${BY[step]}:`, ...showHistory(records, step, options)])
  ]
}

const section = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines])

/** `5 h 20 min: schedule 5 h, on battery 20 min` */
function heldText({ heldSeconds }: Amounts): string {
  const rules = (Object.entries(heldSeconds) as [Rule, number][]).sort(([, a], [, b]) => b - a)
  if (rules.length === 0) return 'never'
  const all = rules.reduce((sum, [, seconds]) => sum + seconds, 0)
  const each = rules.map(([rule, seconds]) => `${RULE_NAMES[rule].toLowerCase()} ${formatDuration(seconds)}`)
  return `${formatDuration(all)}: ${each.join(', ')}`
}

type NetworkRow = readonly [name: string, amounts: NetworkAmounts]

function networksTable(amounts: Amounts, options: ViewOptions): string[] {
  const networks = Object.entries(amounts.networks)
  if (networks.length === 0) return []
  return table<NetworkRow>(
    [
      { head: 'NETWORK', text: ([name]) => name, least: 12 },
      { head: 'CIRCUITS', text: ([, { circuits }]) => String(circuits), right: true },
      { head: 'TO LISTENERS', text: ([, { bytes }]) => formatBytes(bytes.toTarget), right: true },
      { head: 'TO DIALERS', text: ([, { bytes }]) => formatBytes(bytes.toSource), right: true }
    ],
    [...networks, ['other', restOf(amounts)]],
    options
  )
}

/** Of peers that are in none of them. */
function restOf({ bytes, circuits, networks }: Amounts): NetworkAmounts {
  const rest = { bytes: { ...bytes }, circuits }
  for (const network of Object.values(networks)) {
    rest.bytes.toTarget -= network.bytes.toTarget
    rest.bytes.toSource -= network.bytes.toSource
    rest.circuits -= network.circuits
  }
  return rest
}

function quotasTable(quotas: readonly QuotaPeriod[], options: ViewOptions): string[] {
  if (quotas.length === 0) return []
  return table<QuotaPeriod>(
    [
      { head: 'QUOTA', text: ({ rule }) => (rule === 'quota-month' ? 'month' : 'day') },
      { head: 'FROM', text: ({ from }) => localDay(from) },
      { head: 'USED', text: ({ usedBytes, limitBytes }) => quotaBytes(usedBytes, limitBytes), right: true },
      { head: 'OF', text: ({ limitBytes }) => quotaBytes(limitBytes, limitBytes), right: true },
      { head: 'COUNTED', text: ({ counts }) => counts, spare: 1 },
      { head: 'HELD', text: ({ heldSeconds }) => formatDuration(heldSeconds), right: true }
    ],
    quotas,
    options
  )
}
