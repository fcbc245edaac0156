import type { ApiEvent, LogLine } from '../../shared/api.ts'

/** Enough to look back some hours on a quiet node and some minutes on a busy one. */
export const MOST_ENTRIES = 4000

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Level = (typeof LEVELS)[number]

export const EVENT_KINDS = ['reservations', 'circuits', 'refusals', 'peers', 'addresses', 'node'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** A line of the list, of the log or of the events. */
export interface Entry {
  id: number
  at: string
  /** The level of a log line, the kind of an event; `gap` where events are missing. */
  tag: Level | EventKind | 'gap'
  text: string
}

/** A log line's fields after its message, as on a terminal: `circuit closed  reason=bytes seconds=12` */
export function lineText({ message, fields }: LogLine): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`)
  return [message, parts.join(' ')].filter(Boolean).join('  ')
}

const fieldText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Whether a line is at least as grave. A level of its own counts as grave, so that nothing goes unseen. */
export function isAtLeast(level: string, least: Level): boolean {
  const at = LEVELS.findIndex(each => each === level)
  return at === -1 || at >= LEVELS.indexOf(least)
}

/**
 * The newest lines that the node keeps, joined with those that were known and those that came while they were read:
 * each once, oldest first.
 */
export function joinLines(
  known: readonly LogLine[],
  newest: readonly LogLine[],
  meanwhile: readonly LogLine[]
): LogLine[] {
  const inNewest = new Set(newest.map(line => JSON.stringify(line)))
  const isNew = (line: LogLine): boolean => !inNewest.has(JSON.stringify(line))
  return [...known.filter(isNew), ...newest, ...meanwhile.filter(isNew)]
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    .slice(-MOST_ENTRIES)
}

const KINDS: Partial<Record<ApiEvent['name'], EventKind>> = {
  'reservation-accepted': 'reservations',
  'reservation-renewed': 'reservations',
  'reservation-expired': 'reservations',
  'reservation-ended': 'reservations',
  'circuit-accepted': 'circuits',
  'circuit-closed': 'circuits',
  'request-denied': 'refusals',
  'peer-connected': 'peers',
  'peer-disconnected': 'peers',
  'address-changed': 'addresses',
  'mapping-changed': 'addresses',
  'auto-tls-changed': 'addresses',
  'mode-changed': 'node',
  'settings-changed': 'node'
}

/** What the event is about; undefined for what is no event of its own: ticks, and lines of the log. */
export function kindOf(name: ApiEvent['name']): EventKind | undefined {
  return KINDS[name]
}
