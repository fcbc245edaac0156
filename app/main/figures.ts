import path from 'node:path'
import type {
  HistoryExport,
  HistoryRecord,
  HistoryRequest,
  NetworkAmounts,
  PeriodStats,
  QuotaInfo,
  QuotaPeriod,
  Rates as RatesInfo,
  RefusalInfo,
  Rule,
  Totals,
  Traffic
} from '../shared/api.ts'
import type { Settings } from '../shared/settings.ts'
import type { QuotaHolds } from './budget/engine.ts'
import { dayAt, dayOf, monthAt } from './budget/periods.ts'
import { countedBytes } from './budget/quota.ts'
import { TrafficMeter } from './net/traffic.ts'
import { createCounters, refusalList, type Counters } from './observe/counters.ts'
import type { NodeBus } from './observe/events.ts'
import { refusalKey } from './observe/history/amounts.ts'
import { openHistory, type History } from './observe/history/history.ts'
import type { RecordedPeriod } from './observe/history/quota-periods.ts'
import { startRecorder, type Counted } from './observe/history/recorder.ts'
import type { Log } from './observe/log.ts'
import type { Gauges } from './observe/metrics-definition.ts'
import { NetworkCounters } from './observe/network-counters.ts'
import { createMetrics, METRICS_CONTENT_TYPE, type Metrics } from './observe/metrics.ts'
import { Rates } from './observe/rates.ts'
import { REFUSALS } from './relay/circuit/admission.ts'

export interface FiguresComponents {
  bus: NodeBus
  log: Log
  settings: () => Settings
  /** What is so at the moment, for the metrics. */
  gauges: () => Omit<Gauges, 'traffic' | 'quota' | 'heldSeconds' | 'historyWritable'>
  /** How long each rule of the budget has held the node since the start. */
  heldSeconds: () => Record<Rule, number>
  connectedPeers: () => Iterable<string>
}

export interface FiguresOptions {
  version: string
}

/** In the data folder. */
export const HISTORY_FOLDER = 'history'
const PAUSED = 'paused'
const QUOTA_HOLDS = 'quota-holds'

/** A pause as it is kept: until that time in milliseconds since 1970, or until someone resumes. */
interface Paused {
  until?: number
}

/** All that is counted: since the start, over the last minutes, and in the history on the disk. */
export class Figures {
  readonly counters: Counters
  /** What was done for each network. */
  readonly networks: NetworkCounters
  readonly metrics: Pick<Metrics, 'contentType' | 'text' | 'json'>
  readonly traffic = new TrafficMeter({ clock: () => performance.now() })
  readonly #components: FiguresComponents
  readonly #rates: Rates
  readonly #options: FiguresOptions
  #metrics: Metrics | undefined
  #history: History | undefined
  #recorder: { record(): void } | undefined

  constructor(components: FiguresComponents, options: FiguresOptions) {
    this.#components = components
    this.#options = options
    this.counters = createCounters(components.bus)
    this.networks = new NetworkCounters(components.bus)
    this.#rates = new Rates({ counters: this.counters, clock: () => performance.now() })
    // Only a running node has metrics to give; until then there is nobody who could ask.
    const metrics = (): Metrics => required(this.#metrics)
    this.metrics = {
      contentType: METRICS_CONTENT_TYPE,
      text: async () => metrics().text(),
      json: async () => metrics().json()
    }
  }

  /**
   * Begins to count, and opens the history in the data folder. The returned function ends both.
   * @throws AppError already-running, history-newer, disk-full, data-folder-unusable, history-unusable
   */
  async start(dataDir: string): Promise<() => Promise<void>> {
    const { bus, log, connectedPeers } = this.#components
    const now = (): number => Date.now()
    const clock = (): number => performance.now()
    const history = await openHistory({ log, now }, { dir: path.join(dataDir, HISTORY_FOLDER) })
    this.#history = history
    this.traffic.start()
    const recorder = startRecorder({ history, read: () => this.#counted(), connectedPeers, clock, now })
    this.#recorder = recorder
    this.#noteQuotas()
    const forgetPeers = bus.on('peer-connected', ({ peer }) => history.peerSeen(peer))
    const metrics = createMetrics(
      { counters: this.counters, rates: this.#rates, gauges: () => this.#gauges() },
      { version: this.#options.version, refusalReasons: REFUSALS }
    )
    this.#metrics = metrics
    return async () => {
      metrics.close()
      forgetPeers()
      this.traffic.stop()
      await recorder.stop()
      await history.close()
    }
  }

  /** Once a second. */
  tick(): void {
    this.#rates.sample()
    this.#noteQuotas()
  }

  get rates(): RatesInfo {
    return this.#rates.current()
  }

  /** Exact, up to this moment. */
  get totals(): Totals {
    this.#recorder?.record()
    return required(this.#history).totals()
  }

  /** Since when `totals.ever` counts, RFC 3339. */
  get since(): string {
    return required(this.#history).since
  }

  get quota(): QuotaInfo {
    const settings = this.#components.settings()
    const month = monthAt(Date.now(), settings['quota.monthStartsOn'])
    return {
      limitBytes: settings['quota.bytesPerMonth'],
      usedBytes: countedBytes(this.trafficSince(month.day), settings['quota.counts']),
      resetsAt: new Date(month.end).toISOString()
    }
  }

  /** All traffic since the beginning of that day, up to this moment. */
  trafficSince(day: string): Traffic {
    this.#recorder?.record()
    return required(this.#history).trafficSince(day)
  }

  async history(request: HistoryRequest): Promise<HistoryRecord[]> {
    this.#recorder?.record()
    return required(this.#history).query(request)
  }

  /** What was done since then, RFC 3339. */
  async period(since: string): Promise<PeriodStats> {
    this.#recorder?.record()
    const history = required(this.#history)
    const period = await history.period(Date.parse(since))
    return { ...period, quotas: history.quotasSince(Date.parse(period.from)).map(withUse) }
  }

  /** All of the history. */
  async exportHistory(): Promise<HistoryExport> {
    this.#recorder?.record()
    const all = await required(this.#history).export()
    return { ...all, quotas: all.quotas.map(withUse) }
  }

  /** Refused requests since the start or, by the history, over that many seconds; the most frequent first. */
  refusals(seconds?: number): Omit<RefusalInfo, 'setting'>[] {
    if (seconds === undefined) return refusalList(this.counters)
    this.#recorder?.record()
    return required(this.#history).refusalsSince(Date.now() - seconds * 1000)
  }

  /** Forgets the past, on the disk too; what is counted since the start, and the quota's month, stay. */
  async deleteHistory(): Promise<void> {
    // What has happened until now belongs to it.
    this.#recorder?.record()
    const month = monthAt(Date.now(), this.#components.settings()['quota.monthStartsOn'])
    await required(this.#history).clear(month.day)
    this.#noteQuotas()
  }

  /** Sentences about what cannot be written. */
  get warnings(): string[] {
    const writable = this.#history?.writable
    return writable === undefined || writable.ok
      ? []
      : [`The history is not written: ${writable.reason}. What is missing follows once it can be.`]
  }

  /** Keeps a pause over a restart; undefined: there is none. On the disk when it resolves, unless that is full. */
  async rememberPause(paused: Paused | undefined): Promise<void> {
    await required(this.#history).setState(PAUSED, paused)
  }

  get rememberedPause(): Paused | undefined {
    const value = required(this.#history).getState(PAUSED)
    return typeof value === 'object' && value !== null ? value : undefined
  }

  /** Keeps over a restart which quotas hold. */
  rememberHolds(holds: QuotaHolds): void {
    void required(this.#history).setState(QUOTA_HOLDS, holds)
  }

  get rememberedHolds(): QuotaHolds | undefined {
    const value = required(this.#history).getState(QUOTA_HOLDS)
    return typeof value === 'object' && value !== null ? value : undefined
  }

  #counted(): Counted {
    const { bytesToTarget, bytesToSource, relayedConnections } = this.counters
    const refusals = refusalList(this.counters).map(
      ({ request, reason, count }) => [refusalKey(request, reason), count] as const
    )
    return {
      bytes: { toTarget: bytesToTarget, toSource: bytesToSource },
      traffic: this.traffic.totals(),
      circuits: relayedConnections,
      refusals: Object.fromEntries(refusals),
      networks: this.#relayedByNetwork(),
      heldSeconds: this.#components.heldSeconds()
    }
  }

  #relayedByNetwork(): Record<string, NetworkAmounts> {
    const networks = this.networks.names.map(name => {
      const { bytes, circuits } = this.networks.of(name)
      return [name, { bytes, circuits }] as const
    })
    return Object.fromEntries(networks)
  }

  /** The history is to tell which quotas there were. */
  #noteQuotas(): void {
    const settings = this.#components.settings()
    const now = Date.now()
    const counts = settings['quota.counts']
    const quotas = [
      ['quota-month', settings['quota.bytesPerMonth'], monthAt(now, settings['quota.monthStartsOn'])],
      ['quota-day', settings['quota.bytesPerDay'], dayAt(now)]
    ] as const
    for (const [rule, limitBytes, { day, end }] of quotas) {
      if (limitBytes > 0) this.#history?.noteQuota({ rule, first: day, end: dayOf(end), limitBytes, counts })
    }
  }

  #gauges(): Gauges {
    const { limitBytes, usedBytes } = this.quota
    return {
      ...this.#components.gauges(),
      traffic: this.traffic.totals(),
      quota: { limitBytes, usedBytes },
      heldSeconds: this.#components.heldSeconds(),
      historyWritable: this.#history?.writable.ok ?? false
    }
  }
}

function withUse({ traffic, ...period }: RecordedPeriod): QuotaPeriod {
  return { ...period, usedBytes: countedBytes(traffic, period.counts) }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the figures were not started')
  return value
}
