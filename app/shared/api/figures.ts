import type { Rule } from './budget.ts'

/** Bytes or bytes a second of relayed traffic: from dialers to listeners, and back. */
export interface BothWays {
  toTarget: number
  toSource: number
}

/** Bytes of all the node's traffic, relayed or not, as they pass the network interface. */
export interface Traffic {
  received: number
  sent: number
}

/** Relayed bytes a second over the last 10 s, 1, 5, 15 and 60 minutes. */
export type Rates = Record<'10s' | '1min' | '5min' | '15min' | '60min', BothWays>

export interface QuotaInfo {
  /** 0: none. */
  limitBytes: number
  /** Counted as quota.counts says. */
  usedBytes: number
  /** When the count begins anew: the next day of quota.monthStartsOn, local time. */
  resetsAt: string
}

/** What was done in a time. `bytes` are relayed ones, `traffic` all of the node's. */
export interface Amounts {
  bytes: BothWays
  traffic: Traffic
  circuits: number
  refusals: Record<string, number>
  uptimeSeconds: number
  /** Of what was relayed, that of each network, by its name; the rest was of none. */
  networks: Record<string, NetworkAmounts>
  /** How long each rule of the budget held the node; of several at once, the one that holds longest. Whole seconds. */
  heldSeconds: Partial<Record<Rule, number>>
}

export interface NetworkAmounts {
  bytes: BothWays
  circuits: number
}

/** `today` and `month` are calendar ones of the node's time zone. */
export interface Totals {
  today: Amounts
  month: Amounts
  ever: Amounts
}

export interface Stats {
  totals: Totals
  rates: Rates
  quota: QuotaInfo
  /** Since when `ever` counts. */
  since: string
  /** What was done since the time that was asked for. */
  period?: PeriodStats
}

export interface StatsRequest {
  /** RFC 3339; the minute, hour or day that it lies in is counted whole. */
  since?: string
}

/** The sums of a time up to now, by the finest records that are not too many: minutes, hours or days. */
export interface PeriodStats {
  step: HistoryRequest['step']
  /** The beginning of the first minute, hour or day that counts. */
  from: string
  to: string
  amounts: Amounts
  /** What `amounts` is the sum of, oldest first; times in which the node did not run have none. */
  records: HistoryRecord[]
  /** The quotas' periods that had not ended before. */
  quotas: QuotaPeriod[]
}

/** A day or a month of a quota, ended or running. */
export interface QuotaPeriod {
  rule: 'quota-month' | 'quota-day'
  from: string
  /** The first moment of the next one. */
  to: string
  /** As it was last. */
  limitBytes: number
  /** Counted as `counts` says. */
  usedBytes: number
  counts: 'both' | 'sent' | 'received' | 'larger'
  /** How long it held the node, on the days of this period. */
  heldSeconds: number
}

export interface HistoryRequest {
  /** Kept: minutes for a day, hours for 90 days, days for ever. */
  step: 'minute' | 'hour' | 'day'
  from?: string
  to?: string
}

export interface HistoryRecord extends Amounts {
  /** The beginning of the minute, hour or day. */
  at: string
  /** Different peers that were connected. */
  peers: number
}

/** All of the history, oldest first. */
export interface HistoryExport {
  since: string
  totals: Totals
  minutes: HistoryRecord[]
  hours: HistoryRecord[]
  days: HistoryRecord[]
  /** By their names, `2026-07`. */
  months: Record<string, Amounts>
  quotas: QuotaPeriod[]
  /** What lasts over a restart: a pause, quotas that hold, what was used before the figures were deleted. */
  state: Record<string, unknown>
}
