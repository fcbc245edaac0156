import type {
  Amounts,
  HistoryRecord,
  HistoryRequest,
  RefusalInfo,
  Totals,
  Traffic
} from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import { UniqueCount } from '../unique-count.ts'
import { addAmounts, decodeTally, encodeTally, noTally, refusalOf, toAmounts, type Tally } from './amounts.ts'
import { Calendar, minuteText, type Periods } from './calendar.ts'
import { createFingerprint } from './fingerprint.ts'
import { MIGRATIONS, VERSION } from './migrations.ts'
import type { StoreComponents } from './open.ts'
import { Store, type Writable } from './store.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MINUTES_KEPT_MS = DAY_MS
const HOURS_KEPT_MS = 90 * DAY_MS
/** Beyond, peers of a period are estimated, within about 1 %. */
const MOST_PEERS = 2 ** 15
const SINCE_KEY = 'since'
const EVER_KEY = 'ever'
const CARRY_KEY = 'quota-carry'

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
  /** Tallies by key that were changed since the store has them, as texts. */
  readonly #tallies = new Map<string, Tally>()
  /** Peers of the running minute, hour and day, by key. */
  readonly #peers = new Map<string, UniqueCount>()
  /** What #peers has for a minute, found once and not for every peer. */
  #counting: { periods: Periods; counts: UniqueCount[] } | undefined
  readonly #fingerprint = createFingerprint()
  /** Of the last flush. */
  #flushed: Periods | undefined

  constructor({ store, calendar, log, now }: HistoryComponents) {
    this.#store = store
    this.#calendar = calendar
    this.#log = log
    this.#now = now
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
      addAmounts(this.#tallyToChange(key), increments)
    }
  }

  /** Counts a peer that is connected now; again and again does no harm. After a restart these counts are low estimates. */
  peerSeen(peer: string): void {
    const fingerprint = this.#fingerprint(peer)
    for (const count of this.#runningPeers()) count.add(fingerprint)
  }

  /** Of now, with what is not flushed yet. */
  totals(): Totals {
    const { day, month } = this.#calendar.periodsAt(this.#now())
    const [today, thisMonth, ever] = [`day/${day}`, `month/${month}`, EVER_KEY].map(key =>
      toAmounts(this.#tally(key))
    ) as [Amounts, Amounts, Amounts]
    return { today, month: thisMonth, ever }
  }

  /** All traffic since the beginning of that day, `2026-07-30`, also what was forgotten meanwhile. */
  trafficSince(day: string): Traffic {
    const sum = { received: 0, sent: 0 }
    const add = ({ received, sent }: Traffic): void => {
      sum.received += received
      sum.sent += sent
    }
    const carry = this.getState(CARRY_KEY) as Carry | undefined
    if (carry !== undefined && carry.today >= day) add(carry.ofToday)
    if (carry !== undefined && carry.today > day) add(carry.before)
    const { day: today } = this.#calendar.periodsAt(this.#now())
    for (let name = day; name <= today; name = dayAfter(name)) add(this.#tally(`day/${name}`))
    return sum
  }

  /**
   * Records that begin at `from` or later and before `to`, oldest first, with the running one. Times in which the
   * node did not run have none. Throws `bad-request` if a time cannot be read.
   */
  async query({ step, from, to }: HistoryRequest): Promise<HistoryRecord[]> {
    const begin = from === undefined ? -Infinity : timeOf(from, 'from')
    const end = to === undefined ? Infinity : timeOf(to, 'to')
    this.#settle()
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

  /** Refused requests since then, in milliseconds since 1970, by the finest records that reach so far back. */
  refusalsSince(from: number): Omit<RefusalInfo, 'setting'>[] {
    this.#settle()
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

  /**
   * Forgets all figures, and takes them off the disk with the copies that lie beside it; all counts begin anew. What
   * was set by `setState`, and two sums that quotas go by, stay: the traffic since that day, and that of today.
   * @throws AppError history-unusable
   */
  async clear(quotaSince?: string): Promise<void> {
    this.#settle()
    const { day: today } = this.#calendar.periodsAt(this.#now())
    const ofToday = this.trafficSince(today)
    const all = this.trafficSince(quotaSince ?? today)
    const before = { received: all.received - ofToday.received, sent: all.sent - ofToday.sent }
    this.#store.set(`state/${CARRY_KEY}`, JSON.stringify({ today, ofToday, before } satisfies Carry))
    this.#peers.clear()
    this.#counting = undefined
    const monthKey = `month/${this.#calendar.periodsAt(this.#now()).month}`
    const { received, sent } = this.#tally(monthKey)
    for (const prefix of ['minute/', 'hour/', 'day/', 'month/', EVER_KEY]) {
      for (const [key] of [...this.#store.withPrefix(prefix)]) this.#store.set(key, undefined)
    }
    this.#store.set(monthKey, encodeTally({ ...noTally(), received, sent }))
    this.#store.set(SINCE_KEY, new Date(this.#now()).toISOString())
    await this.#store.purge()
  }

  /** A value that `setState` was given in this run or an earlier one. */
  getState(key: string): unknown {
    const text = this.#store.get(`state/${key}`)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /**
   * Keeps a JSON value; undefined forgets it. Resolves when it is on the disk: true, or false if it cannot be now
   * and follows later.
   */
  async setState(key: string, value: unknown): Promise<boolean> {
    this.#store.set(`state/${key}`, value === undefined ? undefined : JSON.stringify(value))
    return this.#store.commit({ sync: true, now: true })
  }

  /** Writes what was added, as one batch. Never throws: `writable` tells. */
  async flush(): Promise<void> {
    this.#settle()
    const periods = this.#calendar.periodsAt(this.#now())
    const last = this.#flushed
    this.#flushed = periods
    const sync = periods.minute !== last?.minute
    if (sync) this.#prune()
    // Also after a start: a node that runs by day only sees no midnight.
    if (periods.day !== last?.day) await this.#store.refresh()
    await this.#store.commit({ sync })
  }

  async close(): Promise<void> {
    this.#settle()
    if (await this.#store.close()) return
    this.#log.warn('the newest figures of the history could not be written, and are lost')
  }

  /** Milliseconds since 1970. */
  #beginOf(step: HistoryRequest['step'], key: string): number {
    const name = key.slice(step.length + 1)
    return step === 'day' ? this.#calendar.startOfDay(name) : Date.parse(name)
  }

  #tally(key: string): Tally {
    const tally = this.#tallies.get(key)
    if (tally !== undefined) return tally
    const text = this.#store.get(key)
    return text === undefined ? noTally() : decodeTally(text)
  }

  #tallyToChange(key: string): Tally {
    const tally = this.#tally(key)
    this.#tallies.set(key, tally)
    return tally
  }

  /** Those of now's minute, hour and day. */
  #runningPeers(): UniqueCount[] {
    const periods = this.#calendar.periodsAt(this.#now())
    if (this.#counting?.periods !== periods) {
      const counts = recordKeys(periods).map(key => {
        const count = this.#peers.get(key) ?? new UniqueCount({ most: MOST_PEERS })
        this.#peers.set(key, count)
        return count
      })
      this.#counting = { periods, counts }
    }
    return this.#counting.counts
  }

  /** Gives the store everything as texts. */
  #settle(): void {
    const running = recordKeys(this.#calendar.periodsAt(this.#now()))
    for (const [key, { count }] of this.#peers) {
      const tally = this.#tallyToChange(key)
      tally.peers = Math.max(tally.peers, count)
      if (!running.includes(key)) this.#peers.delete(key)
    }
    this.#counting = undefined
    for (const [key, tally] of this.#tallies) this.#store.set(key, encodeTally(tally))
    this.#tallies.clear()
  }

  #prune(): void {
    for (const [step, keptMs] of [['minute', MINUTES_KEPT_MS] as const, ['hour', HOURS_KEPT_MS] as const]) {
      const oldest = `${step}/${minuteText(this.#now() - keptMs)}`
      const old = [...this.#store.withPrefix(`${step}/`)].filter(([key]) => key < oldest)
      for (const [key] of old) this.#store.set(key, undefined)
    }
  }
}

/** What quotas go by of the time before the figures were forgotten, on that day. */
interface Carry {
  today: string
  ofToday: Traffic
  before: Traffic
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10)
}

/** Where the records of a moment are kept. */
function recordKeys({ minute, hour, day }: Periods): string[] {
  return [`minute/${minuteText(minute)}`, `hour/${minuteText(hour)}`, `day/${day}`]
}

function timeOf(text: string, name: string): number {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  const message = `"${name}" must be a time such as 2026-07-30T12:00:00Z, not ${JSON.stringify(text)}.`
  throw new AppError('bad-request', message, { field: name })
}
