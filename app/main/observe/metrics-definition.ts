import type {
  AddressState,
  CertificateInfo,
  NetworkInfo,
  NodeMode,
  QuotaInfo,
  Rates,
  Rule,
  Status,
  Traffic
} from '../../shared/api.ts'
import type { Counters, Durations } from './counters.ts'
import type { DelayFigures } from './event-loop-delay.ts'

/** What the node's parts say at the moment of a scrape. Nothing in it names a peer or an address. */
export interface Gauges {
  mode: NodeMode
  /** Limits: 0 is none. */
  reservations: Status['reservations']
  circuits: Status['circuits']
  connections: Status['connections']
  dhtPeers: number
  /** All of the node's traffic since the start. */
  traffic: Traffic
  quota: Pick<QuotaInfo, 'limitBytes' | 'usedBytes'>
  /** Those of the settings. */
  networks: readonly Pick<NetworkInfo, 'name' | 'dhtSize' | 'recordsProvided' | 'served'>[]
  /** How long each rule of the budget has held the node since the start. */
  heldSeconds: Record<Rule, number>
  /** Whether the history is being written. */
  historyWritable: boolean
  /** How many addresses the node has, by state. */
  addresses: Partial<Record<AddressState, number>>
  /** When the certificates of tls.port end, in seconds since 1970, by where they come from. */
  certificates: Partial<Record<CertificateInfo['source'], number>>
}

export interface ProcessFigures {
  residentBytes: number
  heapUsedBytes: number
  /** User and system time. */
  cpuSeconds: number
  /** Since 1970. */
  startTimeSeconds: number
  uptimeSeconds: number
  eventLoop: DelayFigures
}

/** All that metrics are made of. */
export interface Figures {
  version: string
  /** Why requests can be refused. */
  refusalReasons: readonly string[]
  counters: Counters
  rates: Rates
  gauges: Gauges
  process: ProcessFigures
}

export interface Value {
  labels?: Record<string, string>
  value: number
}

/** A metric, with what docs/metrics.md says of it. */
export interface Definition {
  name: string
  type: 'counter' | 'gauge'
  /** A sentence without its full stop. */
  help: string
  /** What each label can be. */
  labels?: Record<string, string>
  values: (figures: Figures) => Value[]
}

export interface HistogramDefinition {
  name: string
  type: 'histogram'
  help: string
  labels?: undefined
  bounds: readonly number[]
  durations: (figures: Figures) => Durations
}

/** One value for each entry, under a label. */
export function byLabel(label: string, counts: Partial<Record<string, number>>): Value[] {
  return Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value: value ?? 0 }))
}

export const one = (value: number): Value[] => [{ value }]
export const sum = (counts: Partial<Record<string, number>>): number =>
  Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0)
