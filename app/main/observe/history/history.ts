import type {
  Amounts,
  HistoryExport,
  HistoryRecord,
  HistoryRequest,
  PeriodStats,
  RefusalInfo,
  Totals,
  Traffic
} from '../../../shared/api.ts'
import { addAmounts, noTally, toAmounts } from './amounts.ts'
import { Calendar, recordKeys, type Periods } from './calendar.ts'
import { MIGRATIONS, VERSION } from './migrations.ts'
import type { StoreComponents } from './open.ts'
import { PeerCounts } from './peer-counts.ts'
import { QUOTA_PREFIX, QuotaPeriods, type QuotaInForce, type RecordedPeriod } from './quota-periods.ts'
import { QuotaTraffic } from './quota-traffic.ts'
import { Records } from './records.ts'
import { Store, type Writable } from './store.ts'
import { Tallies } from './tallies.ts'
import { decodeTally, encodeTally } from './tally-text.ts'

const SINCE_KEY = 'since'
const EVER_KEY = 'ever'
const STATE_PREFIX = 'state/'
export interface HistoryOptions {
  /** Of the store itself, such as `history` in the data folder. */
  dir: string
  /** IANA name; the machine's unless given. */
  timeZone?: string
}

/**
 * What the node did, per minute for a day, per hour for 90 days, per day for ever, with its totals; and a little
 * durable state. Sums only: peers are counted in memory, under a salt that is never written.
 *
 * A moment belongs to the minute, hour, day and month that the clock says at it. If the clock is set, or the time
 * zone is another, what follows goes to the periods that are named then, also if there were such before: figures add
 * up there, and `ever` counts everything once. A clock that runs ahead only makes minutes and hours old sooner.
 *
 * After kill -9 the folder holds all that was flushed. After a power loss the last minute may be missing: only
 * the first flush of a minute waits for the disk. Records and totals are one batch, and agree in any case.
 *
 * Throws `already-running`, `history-newer`, `disk-full`, `data-folder-unusable` or `history-unusable`.
 */
export async function openHistory(components: StoreComponents, options: HistoryOptions): Promise<History> {
  const { dir, timeZone } = options
  const calendar = new Calendar(timeZone)
  const store = await Store.open(components, { dir, version: VERSION, migrations: MIGRATIONS })
  return new History({ ...components, store, calendar })
}

interface HistoryComponents extends StoreComponents {
  store: Store
  calendar: Calendar
}

/** Made by openHistory. After `close` nothing more is written. */
export class History {
  readonly #store: Store
  readonly #calendar: Calendar
  readonly #log: StoreComponents['log']
  readonly #now: () => number
  readonly #tallies: Tallies
  readonly #records: Records
  readonly #peers: PeerCounts
  readonly #quotaTraffic: QuotaTraffic
  readonly #quotaPeriods: QuotaPeriods
  /** Of the last flush. */
  #flushed: Periods | undefined

  constructor({ store, calendar, log, now }: HistoryComponents) {
    this.#store = store
    this.#calendar = calendar
    this.#log = log
    this.#now = now
    const tallies = new Tallies(store)
    const traffic = new QuotaTraffic({ store, tallies })
    this.#tallies = tallies
    this.#records = new Records({ store, calendar, now })
    this.#peers = new PeerCounts({ calendar, now })
    this.#quotaTraffic = traffic
    this.#quotaPeriods = new QuotaPeriods({ store, calendar, tallies, traffic })
    if (store.get(SINCE_KEY) === undefined) store.set(SINCE_KEY, new Date(now()).toISOString())
  }

  /** When `ever` began to count, RFC 3339. */
  get since(): string {
    return this.#store.get(SINCE_KEY) ?? new Date(this.#now()).toISOString()
  }

  /** Not while the disk is full, for one; what waits in memory follows when it can. */
  get writable(): Writable {
    return this.#store.writable
  }

  /** Counts what happened at `at`, milliseconds since 1970. In memory: `flush` writes it. */
  add(increments: Amounts, at = this.#now()): void {
    const periods = this.#calendar.periodsAt(at)
    for (const key of [...recordKeys(periods), `month/${periods.month}`, EVER_KEY]) {
      addAmounts(this.#tallies.toChange(key), increments)
    }
  }

  /** Counts a peer that is connected now; again and again does no harm. After a restart these counts are low estimates. */
  peerSeen(peer: string): void {
    this.#peers.seen(peer)
  }

  /** Keeps, in memory until the next flush, that this quota is in force now. */
  noteQuota(quota: QuotaInForce): void {
    this.#quotaPeriods.note(quota)
  }

  /** Of now, with what is not flushed yet. */
  totals(): Totals {
    const { day, month } = this.#calendar.periodsAt(this.#now())
    const [today, thisMonth, ever] = [`day/${day}`, `month/${month}`, EVER_KEY].map(key =>
      toAmounts(this.#tallies.get(key))
    ) as [Amounts, Amounts, Amounts]
    return { today, month: thisMonth, ever }
  }

  /** All traffic since the beginning of that day, `2026-07-30`, also what was forgotten meanwhile. */
  trafficSince(day: string): Traffic {
    return this.#quotaTraffic.since(day, this.#today)
  }

  /** Periods of quotas that end after that time (milliseconds since 1970), oldest first. */
  quotasSince(ms: number): RecordedPeriod[] {
    return this.#quotaPeriods.endingAfter(ms)
  }

  /**
   * Records that begin at `from` or later and before `to`, oldest first, with the running one. Times in which the
   * node did not run have none. Throws `bad-request` if a time cannot be read.
   */
  async query(request: HistoryRequest): Promise<HistoryRecord[]> {
    this.#settle()
    return this.#records.query(request)
  }

  /** All since then, in milliseconds since 1970: by minutes up to three hours back, by hours up to three days, by days. */
  async period(since: number): Promise<Omit<PeriodStats, 'quotas'>> {
    this.#settle()
    return this.#records.period(since)
  }

  /** Refused requests since then, in milliseconds since 1970, by the finest records that reach so far back. */
  refusalsSince(from: number): Omit<RefusalInfo, 'setting'>[] {
    this.#settle()
    return this.#records.refusalsSince(from)
  }

  /** Everything that is kept. */
  async export(): Promise<Omit<HistoryExport, 'quotas'> & { quotas: RecordedPeriod[] }> {
    const [minutes, hours, days] = await Promise.all([
      this.query({ step: 'minute' }),
      this.query({ step: 'hour' }),
      this.query({ step: 'day' })
    ])
    const after = (prefix: string): [name: string, text: string][] =>
      [...this.#store.withPrefix(prefix)].map(([key, text]) => [key.slice(prefix.length), text])
    return {
      since: this.since,
      totals: this.totals(),
      ...{ minutes, hours, days },
      months: Object.fromEntries(
        after('month/')
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, text]) => [name, toAmounts(decodeTally(text))])
      ),
      quotas: this.quotasSince(-Infinity),
      state: Object.fromEntries(
        after(STATE_PREFIX).map(([name, text]) => [name, JSON.parse(text) as unknown])
      )
    }
  }

  /**
   * Forgets all figures, and takes them off the disk with the copies that lie beside it; all counts begin anew. What
   * was set by `setState`, and two sums that quotas go by, stay: the traffic since that day, and that of today.
   * @throws AppError history-unusable
   */
  async clear(quotaSince?: string): Promise<void> {
    this.#settle()
    const today = this.#today
    this.#quotaTraffic.carryOver(today, quotaSince ?? today)
    this.#peers.clear()
    const monthKey = `month/${this.#calendar.periodsAt(this.#now()).month}`
    const { received, sent } = this.#tallies.get(monthKey)
    for (const prefix of ['minute/', 'hour/', 'day/', 'month/', EVER_KEY, QUOTA_PREFIX]) {
      for (const [key] of [...this.#store.withPrefix(prefix)]) this.#store.set(key, undefined)
    }
    this.#store.set(monthKey, encodeTally({ ...noTally(), received, sent }))
    this.#store.set(SINCE_KEY, new Date(this.#now()).toISOString())
    await this.#store.purge()
  }

  /** A value that `setState` was given in this run or an earlier one. */
  getState(key: string): unknown {
    const text = this.#store.get(STATE_PREFIX + key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /**
   * Keeps a JSON value; undefined forgets it. Resolves when it is on the disk: true, or false if it cannot be now
   * and follows later.
   */
  async setState(key: string, value: unknown): Promise<boolean> {
    this.#store.set(STATE_PREFIX + key, value === undefined ? undefined : JSON.stringify(value))
    return this.#store.commit({ sync: true, now: true })
  }

  /** Writes what was added, as one batch. Never throws: `writable` tells. */
  async flush(): Promise<void> {
    this.#settle()
    const periods = this.#calendar.periodsAt(this.#now())
    const last = this.#flushed
    this.#flushed = periods
    const sync = periods.minute !== last?.minute
    if (sync) this.#records.prune()
    // Also after a start: a node that runs by day only sees no midnight.
    if (periods.day !== last?.day) await this.#store.refresh()
    await this.#store.commit({ sync })
  }

  async close(): Promise<void> {
    this.#settle()
    if (await this.#store.close()) return
    this.#log.warn('the newest figures of the history could not be written, and are lost')
  }

  /** As the clock says, `2026-07-30`. */
  get #today(): string {
    return this.#calendar.periodsAt(this.#now()).day
  }

  /** Gives the store everything as texts. */
  #settle(): void {
    this.#peers.settle(this.#tallies)
    this.#tallies.settle()
  }
}
