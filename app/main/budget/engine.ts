import type { PowerState, Rule, RuleState, Traffic } from '../../shared/api.ts'
import type { Settings } from '../../shared/settings.ts'
import { dayAt, monthAt, type Period } from './periods.ts'
import { judgePower } from './power-rules.ts'
import { countedBytes, Quota, type QuotaHold } from './quota.ts'
import { Schedule } from './schedule.ts'

/** Why the node may not work now. `until` in milliseconds since 1970; undefined: nobody knows. */
export interface Hold {
  rule: Rule
  until: number | undefined
}

export interface EngineFacts {
  now: number
  settings: Settings
  power: PowerState
  peerId: string
  /** All the node's traffic since the beginning of that day, `2026-07-30`. */
  trafficSince: (day: string) => Traffic
  /** That of the last seconds, in bytes a second. */
  trafficRate: Traffic
  /** What comes even if all circuits end now, of the bytes that quotas count. */
  inFlightBytes: number
}

export interface Verdict {
  rules: RuleState[]
  hold: Hold | undefined
  /** What still runs is to end now, or a quota would not be kept. */
  spent: boolean
  /** Bytes that may be used before the rules are to be looked at again. */
  bytesLeft: number
  /** Of the quota whose last part is being shared out and that has the least left: how large that part is. */
  bytesToShare: number | undefined
}

/** What is known of quotas after a restart. */
export type QuotaHolds = Partial<Record<'quota-day' | 'quota-month', QuotaHold>>

interface Judged extends RuleState {
  holdsUntil?: number | undefined
  spent?: boolean
  left?: number
  toShare?: number
}

const iso = (ms: number): string => new Date(ms).toISOString()

/**
 * Judges all rules of the budget. It has no clock and no memory but this: which quotas hold, so that one does not let go
 * because traffic has become less, and which other rules do.
 */
export class BudgetEngine {
  readonly #quotas: Record<'quota-day' | 'quota-month', Quota>
  #schedule: { items: readonly string[]; schedule: Schedule } | undefined
  #held: ReadonlySet<Rule> = new Set()

  constructor(holds: QuotaHolds = {}) {
    this.#quotas = {
      'quota-month': new Quota(holds['quota-month']),
      'quota-day': new Quota(holds['quota-day'])
    }
  }

  /** To be remembered over a restart. */
  get holds(): QuotaHolds {
    const { 'quota-month': month, 'quota-day': day } = this.#quotas
    return {
      ...(month.hold !== undefined && { 'quota-month': month.hold }),
      ...(day.hold !== undefined && { 'quota-day': day.hold })
    }
  }

  judge(facts: EngineFacts): Verdict {
    const judged = [...this.#judgeQuotas(facts), ...this.#judgeSchedule(facts), ...this.#judgePower(facts)]
    this.#held = new Set(judged.filter(({ state }) => state === 'holding').map(({ rule }) => rule))
    const sharing = judged
      .filter(({ state }) => state === 'soft')
      .sort((a, b) => (a.left ?? 0) - (b.left ?? 0))
    return {
      rules: judged.map(({ holdsUntil: _, spent: _spent, left: _left, toShare: _toShare, ...rule }) => rule),
      hold: longest(judged),
      spent: judged.some(({ spent }) => spent === true),
      bytesLeft: Math.min(...judged.map(({ left }) => left ?? Infinity)),
      bytesToShare: sharing[0]?.toShare
    }
  }

  #judgeQuotas(facts: EngineFacts): Judged[] {
    const { now, settings } = facts
    const month = monthAt(now, settings['quota.monthStartsOn'])
    return [
      ...this.#judgeQuota('quota-month', month, settings['quota.bytesPerMonth'], facts),
      ...this.#judgeQuota('quota-day', dayAt(now), settings['quota.bytesPerDay'], facts)
    ]
  }

  #judgeQuota(
    rule: 'quota-day' | 'quota-month',
    period: Period,
    limitBytes: number,
    { now, settings, peerId, trafficSince, trafficRate, inFlightBytes }: EngineFacts
  ): Judged[] {
    const counts = settings['quota.counts']
    const softPercent = settings['quota.softPercent']
    // Where there is no quota, nobody need add up a month.
    const usedBytes = limitBytes === 0 ? 0 : countedBytes(trafficSince(period.day), counts)
    const finishingBytes = countedBytes(trafficRate, counts) * settings['shutdown.timeoutSeconds']
    const used = { usedBytes, limitBytes, finishingBytes, inFlightBytes }
    const { state, until, spent, leftBytes } = this.#quotas[rule].judge({
      now,
      period,
      softPercent,
      peerId,
      ...used
    })
    if (limitBytes === 0) return []
    return [
      {
        rule,
        state,
        ...(until !== undefined && { until: iso(until), holdsUntil: until }),
        ...{ usedBytes, limitBytes, resetsAt: iso(period.end), spent },
        left: leftBytes,
        toShare: (limitBytes * (100 - softPercent)) / 100
      }
    ]
  }

  #judgeSchedule({ now, settings }: EngineFacts): Judged[] {
    const items = settings['schedule.hours']
    if (items.length === 0) return []
    if (this.#schedule?.items !== items) this.#schedule = { items, schedule: new Schedule(items) }
    const { open, changesAt } = this.#schedule.schedule.at(now)
    const until = changesAt === undefined ? {} : { until: iso(changesAt), holdsUntil: changesAt }
    return [{ rule: 'schedule', state: open ? 'free' : 'holding', ...until }]
  }

  #judgePower({ settings, power }: EngineFacts): Judged[] {
    return judgePower(settings, power, this.#held).map(({ rule, holds }) => ({
      rule,
      state: holds ? 'holding' : 'free'
    }))
  }
}

/** The rule that holds longest, as far as is known: what one knows the end of goes before what may end any moment. */
function longest(judged: readonly Judged[]): Hold | undefined {
  let hold: Hold | undefined
  for (const { rule, state, holdsUntil: until } of judged) {
    if (state === 'holding' && (hold === undefined || (until ?? 0) > (hold.until ?? 0)))
      hold = { rule, until }
  }
  return hold
}
