import type { HistoryRecord, HistoryRequest, PeriodStats, RefusalInfo } from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import { refusalOf, sumOf, toAmounts } from './amounts.ts'
import { minuteText, type Calendar } from './calendar.ts'
import type { Store } from './store.ts'
import { decodeTally } from './tally-text.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MINUTES_KEPT_MS = DAY_MS
const HOURS_KEPT_MS = 90 * DAY_MS
/** Up to which age a time is shown by minutes, then by hours: tables of them can still be read. */
const BY_MINUTE_MS = 3 * HOUR_MS
const BY_HOUR_MS = 3 * DAY_MS

interface RecordsComponents {
  store: Store
  calendar: Calendar
  /** Milliseconds since 1970. */
  now: () => number
}

/** The records of minutes, hours and days, as the store has them. */
export class Records {
  readonly #store: Store
  readonly #calendar: Calendar
  readonly #now: () => number

  constructor({ store, calendar, now }: RecordsComponents) {
    this.#store = store
    this.#calendar = calendar
    this.#now = now
  }

  /** Oldest first, with the running one. @throws AppError bad-request */
  query({ step, from, to }: HistoryRequest): HistoryRecord[] {
    const begin = from === undefined ? -Infinity : timeOf(from, 'from')
    const end = to === undefined ? Infinity : timeOf(to, 'to')
    const records = [...this.#store.withPrefix(`${step}/`)].map(([key, text]) => {
      return { at: this.#beginOf(step, key), text }
    })
    return records
      .filter(({ at }) => at >= begin && at < end)
      .sort((a, b) => a.at - b.at)
      .map(({ at, text }) => {
        const tally = decodeTally(text)
        return { at: new Date(at).toISOString(), ...toAmounts(tally), peers: tally.peers }
      })
  }

  /** All since then, in milliseconds since 1970. */
  period(since: number): Omit<PeriodStats, 'quotas'> {
    const now = this.#now()
    const age = now - since
    const step = age <= BY_MINUTE_MS ? 'minute' : age <= BY_HOUR_MS ? 'hour' : 'day'
    const { minute, hour, day } = this.#calendar.periodsAt(Math.max(0, since))
    const begin = { minute, hour, day: this.#calendar.startOfDay(day) }[step]
    const from = new Date(begin).toISOString()
    const records = this.query({ step, from })
    return { step, from, to: new Date(now).toISOString(), amounts: sumOf(records), records }
  }

  /** By the finest records that reach so far back. */
  refusalsSince(from: number): Omit<RefusalInfo, 'setting'>[] {
    const age = this.#now() - from
    const [step, length] =
      age <= MINUTES_KEPT_MS
        ? (['minute', MINUTE_MS] as const)
        : age <= HOURS_KEPT_MS
          ? (['hour', HOUR_MS] as const)
          : (['day', DAY_MS] as const)
    const counts: Record<string, number> = {}
    for (const [key, text] of this.#store.withPrefix(`${step}/`)) {
      if (this.#beginOf(step, key) + length <= from) continue
      for (const [refusal, count] of Object.entries(decodeTally(text).refusals)) {
        counts[refusal] = (counts[refusal] ?? 0) + count
      }
    }
    return Object.entries(counts)
      .map(([refusal, count]) => ({ ...refusalOf(refusal), count }))
      .sort((a, b) => b.count - a.count)
  }

  /** Deletes minutes and hours that are too old. */
  prune(): void {
    for (const [step, keptMs] of [['minute', MINUTES_KEPT_MS] as const, ['hour', HOURS_KEPT_MS] as const]) {
      const oldest = `${step}/${minuteText(this.#now() - keptMs)}`
      const old = [...this.#store.withPrefix(`${step}/`)].filter(([key]) => key < oldest)
      for (const [key] of old) this.#store.set(key, undefined)
    }
  }

  /** Milliseconds since 1970. */
  #beginOf(step: HistoryRequest['step'], key: string): number {
    const name = key.slice(step.length + 1)
    return step === 'day' ? this.#calendar.startOfDay(name) : Date.parse(name)
  }
}

function timeOf(text: string, name: string): number {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  const message = `"${name}" must be a time such as 2026-07-30T12:00:00Z, not ${JSON.stringify(text)}.`
  throw new AppError('bad-request', message, { field: name })
}
