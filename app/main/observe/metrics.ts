import type { Counter, Gauge, Metric, Registry } from 'prom-client'
import type { MetricInfo, Rates } from '../../shared/api.ts'
import type { Counters } from './counters.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import type {
  Definition,
  Figures,
  Gauges,
  HistogramDefinition,
  ProcessFigures
} from './metrics-definition.ts'
import { relayServiceMetrics } from './metrics-relaysvc.ts'
import { networkMetrics } from './metrics-networks.ts'
import { waystationMetrics } from './metrics-waystation.ts'

export interface MetricsComponents {
  counters: Counters
  rates: { current(): Rates }
  /** Current figures; asked once a scrape. What it throws, the scrape throws. */
  gauges: () => Gauges
}

export interface MetricsOptions {
  version: string
  /** Every reason a request can be refused for. */
  refusalReasons: readonly string[]
}

export interface Metrics {
  contentType: string
  /** The text format that Prometheus reads. */
  text(): Promise<string>
  json(): Promise<MetricInfo[]>
  /** Ends the measuring of the event loop. */
  close(): void
}

/** Of Prometheus' text format. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All metrics, as docs/metrics.md lists them. */
export const definitions: readonly (Definition | HistogramDefinition)[] = [
  ...relayServiceMetrics,
  ...waystationMetrics,
  ...networkMetrics
]

/**
 * The node's figures for Prometheus. Begins to measure the event loop; everything else is read when someone asks.
 * Labels have a fixed set of values and name no peer and no address.
 */
export function createMetrics(
  { counters, rates, gauges }: MetricsComponents,
  { version, refusalReasons }: MetricsOptions
): Metrics {
  const delay = new EventLoopDelay()
  const close = delay.start()
  let figures: Figures | undefined
  let registry: Promise<Registry> | undefined

  /** The registry, about to be read: its metrics take their values at once, from these figures. */
  const look = async (): Promise<Registry> => {
    const made = await (registry ??= createRegistry(() => figures))
    figures = {
      version,
      refusalReasons,
      counters,
      rates: rates.current(),
      gauges: gauges(),
      process: processFigures(delay)
    }
    return made
  }
  return {
    contentType: METRICS_CONTENT_TYPE,
    text: async () => (await look()).metrics(),
    json: async () => (await (await look()).getMetricsAsJSON()).map(toInfo),
    close
  }
}

function processFigures(delay: EventLoopDelay): ProcessFigures {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    cpuSeconds: (user + system) / 1e6,
    startTimeSeconds: performance.timeOrigin / 1000,
    uptimeSeconds: process.uptime(),
    eventLoop: delay.current()
  }
}

/**
 * A registry of its own, never prom-client's global one: a process may run several nodes. Loaded at the first scrape,
 * since prom-client costs 60 ms and 20 MB that a node which nobody scrapes can do without.
 */
async function createRegistry(figures: () => Figures | undefined): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  for (const definition of definitions) {
    if (definition.type === 'histogram') {
      registry.registerMetric(histogram(definition, figures))
      continue
    }
    const { name, help, type, labels = {}, values } = definition
    const labelNames = Object.keys(labels)
    const collect = function (this: Counter | Gauge): void {
      const now = figures()
      this.reset()
      for (const { labels = {}, value } of now === undefined ? [] : values(now)) this.inc(labels, value)
    }
    new (type === 'counter' ? Counter : Gauge)({ name, help, labelNames, registers, collect })
  }
  return registry
}

/**
 * What a registry asks of a metric, with the buckets that were counted already: prom-client's own Histogram takes
 * single observations only.
 */
function histogram(
  { name, help, bounds, durations }: HistogramDefinition,
  figures: () => Figures | undefined
): Metric {
  const get = async (): Promise<PlainMetric> => {
    const now = figures()
    if (now === undefined) return { name, help, type: 'histogram', values: [] }
    const { buckets, count, sum } = durations(now)
    let upTo = 0
    const values = bounds.map((le, index) => {
      upTo += buckets[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { le }, value: upTo }
    })
    return {
      name,
      help,
      type: 'histogram',
      values: [
        ...values,
        { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
        { metricName: `${name}_sum`, labels: {}, value: sum },
        { metricName: `${name}_count`, labels: {}, value: count }
      ]
    }
  }
  return { name, get } as unknown as Metric
}

interface PlainMetric {
  name: string
  help: string
  type: string
  values: { labels: Partial<Record<string, string | number>>; value: number; metricName?: string }[]
}

function toInfo(metric: unknown): MetricInfo {
  const { name, help, type, values } = metric as PlainMetric
  return {
    name,
    help,
    type,
    values: values.map(({ labels, value, metricName }) => ({
      labels: labels as Record<string, string | number>,
      value,
      ...(metricName !== undefined && { name: metricName })
    }))
  }
}
