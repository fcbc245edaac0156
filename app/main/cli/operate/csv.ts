import type { HistoryRecord, Rule } from '../../../shared/api.ts'
import { RULE_NAMES } from './show-budget.ts'
import { plain } from './text.ts'

type Column = readonly [head: string, value: (record: HistoryRecord) => string | number]

const COLUMNS: readonly Column[] = [
  ['at', ({ at }) => at],
  ['relayed_to_target_bytes', ({ bytes }) => bytes.toTarget],
  ['relayed_to_source_bytes', ({ bytes }) => bytes.toSource],
  ['received_bytes', ({ traffic }) => traffic.received],
  ['sent_bytes', ({ traffic }) => traffic.sent],
  ['circuits', ({ circuits }) => circuits],
  ['peers', ({ peers }) => peers],
  ['refused', ({ refusals }) => Object.values(refusals).reduce((sum, count) => sum + count, 0)],
  ['up_seconds', ({ uptimeSeconds }) => uptimeSeconds],
  ...(Object.keys(RULE_NAMES) as Rule[]).map((rule): Column => [
    `held_${rule.replace('-', '_')}_seconds`,
    ({ heldSeconds }) => heldSeconds[rule] ?? 0
  ])
]

/** Lines of RFC 4180 with their heads: one for each record, in columns that are the same always but for the networks, which come last. */
export function csvOf(records: readonly HistoryRecord[]): string[] {
  const names = [...new Set(records.flatMap(({ networks }) => Object.keys(networks)))].sort()
  const columns = [...COLUMNS, ...names.flatMap(columnsOf)]
  const line = (cells: readonly (string | number)[]): string => cells.map(cellOf).join(',')
  return [
    line(columns.map(([head]) => head)),
    ...records.map(record => line(columns.map(([, value]) => value(record))))
  ]
}

function columnsOf(name: string): Column[] {
  const of = ({ networks }: HistoryRecord) => (Object.hasOwn(networks, name) ? networks[name] : undefined)
  return [
    [`network ${name} to_target_bytes`, record => of(record)?.bytes.toTarget ?? 0],
    [`network ${name} to_source_bytes`, record => of(record)?.bytes.toSource ?? 0],
    [`network ${name} circuits`, record => of(record)?.circuits ?? 0]
  ]
}

function cellOf(value: string | number): string {
  const text = plain(String(value))
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
