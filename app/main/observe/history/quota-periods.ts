import type { QuotaPeriod, Traffic } from '../../../shared/api.ts'
import { dayAfter, type Calendar } from './calendar.ts'
import type { QuotaTraffic } from './quota-traffic.ts'
import type { Store } from './store.ts'
import type { Tallies } from './tallies.ts'

export const QUOTA_PREFIX = 'quota/'

/** A quota that is in force, in the period that runs. Days as `2026-07-30`; `end` is the first of the next period. */
export interface QuotaInForce extends Pick<QuotaPeriod, 'rule' | 'limitBytes' | 'counts'> {
  first: string
  end: string
}

/** As a record has it: what was used is counted by whoever knows how quotas count. */
export type RecordedPeriod = Omit<QuotaPeriod, 'usedBytes'> & { traffic: Traffic }

type Stored = Pick<QuotaInForce, 'end' | 'limitBytes' | 'counts'>

interface QuotaPeriodsComponents {
  store: Store
  calendar: Calendar
  tallies: Tallies
  traffic: QuotaTraffic
}

/**
 * Which quotas there were, period by period. Kept is only what was allowed: what was used, and for how long the quota
 * held the node, is the sum of the period's days, so that it agrees with them.
 */
export class QuotaPeriods {
  readonly #components: QuotaPeriodsComponents

  constructor(components: QuotaPeriodsComponents) {
    this.#components = components
  }

  /** Again and again does no harm; the last limit of a period is the one that stays. */
  note({ rule, first, end, limitBytes, counts }: QuotaInForce): void {
    const stored: Stored = { end, limitBytes, counts }
    this.#components.store.set(`${QUOTA_PREFIX}${rule}/${first}`, JSON.stringify(stored))
  }

  /** Those that end after that time (milliseconds since 1970), oldest first. */
  endingAfter(ms: number): RecordedPeriod[] {
    const { store, calendar } = this.#components
    const periods = [...store.withPrefix(QUOTA_PREFIX)].map(([key, text]) => {
      const [, rule, first = ''] = key.split('/') as [string, QuotaPeriod['rule'], string]
      const stored = JSON.parse(text) as Stored
      return { rule, first, stored, begin: calendar.startOfDay(first), over: calendar.startOfDay(stored.end) }
    })
    return periods
      .filter(({ over }) => over > ms)
      .sort((a, b) => a.begin - b.begin || a.over - b.over)
      .map(({ rule, first, stored: { end, limitBytes, counts }, begin, over }) => ({
        rule,
        from: new Date(begin).toISOString(),
        to: new Date(over).toISOString(),
        limitBytes,
        counts,
        traffic: this.#components.traffic.between(first, end),
        heldSeconds: this.#heldSeconds(rule, first, end)
      }))
  }

  #heldSeconds(rule: string, first: string, end: string): number {
    let seconds = 0
    for (let day = first; day < end; day = dayAfter(day)) {
      seconds += this.#components.tallies.get(`day/${day}`).held[rule] ?? 0
    }
    return seconds
  }
}
