import { readFileSync } from 'node:fs'
import { Registry, register } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createCounters } from '../../../app/main/observe/counters.ts'
import { createBus } from '../../../app/main/observe/events.ts'
import { createMetrics, definitions } from '../../../app/main/observe/metrics.ts'
import type { Gauges } from '../../../app/main/observe/metrics-definition.ts'
import { Rates } from '../../../app/main/observe/rates.ts'
import type { MetricInfo } from '../../../app/shared/api.ts'
import { docsPath, metricsDocs } from '../../support/metrics-docs.ts'
import { noBudget } from '../../support/budget.ts'

const GAUGES: Gauges = {
  mode: 'open',
  reservations: { held: 3, limit: 128 },
  circuits: { running: 2, limit: 0 },
  connections: { peers: 5, byTransport: { tcp: 4, 'quic-v1': 2 } },
  dhtPeers: 17,
  traffic: { received: 1000, sent: 2000 },
  quota: { limitBytes: 100_000, usedBytes: 3000 },
  networks: [],
  heldSeconds: noBudget.heldSeconds,
  historyWritable: true,
  addresses: { listening: 2, verified: 1 },
  certificates: { files: 1_800_000_000 }
}

function start(gauges: Partial<Gauges> = {}) {
  const bus = createBus()
  const counters = createCounters(bus)
  let now = 0
  const rates = new Rates({ counters, clock: () => now })
  const refusalReasons = ['full', 'denied']
  const metrics = createMetrics(
    { counters, rates, gauges: () => ({ ...GAUGES, ...gauges }) },
    { version: '1.2.3', refusalReasons }
  )
  const lines = async (name: string): Promise<string[]> =>
    (await metrics.text()).split('\n').filter(line => line.startsWith(name))
  return {
    bus,
    metrics,
    lines,
    wait: (milliseconds: number) => void (now += milliseconds),
    [Symbol.dispose]: () => metrics.close()
  }
}

const pair = { source: '12D3KooWsource', target: '12D3KooWtarget' }
const closed = (seconds: number) => ({
  id: 1,
  ...pair,
  reason: 'closed' as const,
  bytesToTarget: 1,
  bytesToSource: 2,
  seconds
})
const denied = { peer: pair.source, ip: '192.0.2.1' }
const granted = { ...denied, seconds: 3600 }

describe('networks', () => {
  it('have their bytes, circuits, DHT and records, by name', async () => {
    const network = { name: 'Chat "one"', dhtSize: 12, recordsProvided: 20 }
    const served = { peers: 3, reservations: 4, circuits: 5, bytes: { toTarget: 6, toSource: 7 } }
    using node = start({ networks: [{ ...network, served }] })
    const label = 'network="Chat \\"one\\""'
    expect((await node.lines('waystation_network_')).sort()).toEqual([
      `waystation_network_circuits_total{${label}} 5`,
      `waystation_network_dht_table_size{${label}} 12`,
      `waystation_network_records_provided{${label}} 20`,
      `waystation_network_relayed_bytes_total{${label},direction="to-source"} 7`,
      `waystation_network_relayed_bytes_total{${label},direction="to-target"} 6`
    ])
  })
})

describe('the relay service', () => {
  it('has reservations as go-libp2p counts them', async () => {
    using node = start()
    for (let i = 0; i < 4; i++) node.bus.emit('reservation-accepted', granted)
    node.bus.emit('reservation-renewed', granted)
    node.bus.emit('reservation-expired', denied)
    node.bus.emit('reservation-ended', { ...denied, reason: 'peer-gone' })

    expect(await node.lines('libp2p_relaysvc_reservations_total')).toEqual([
      'libp2p_relaysvc_reservations_total{type="opened"} 4',
      'libp2p_relaysvc_reservations_total{type="renewed"} 1',
      'libp2p_relaysvc_reservations_total{type="closed"} 2'
    ])
  })

  it.each([
    [200, 'reserve', 'rejected', 'ip constraint violation'],
    [202, 'reserve', 'rejected', 'permission denied'],
    [201, 'connect', 'rejected', 'resource limit exceeded'],
    [202, 'connect', 'rejected', 'permission denied'],
    [203, 'connect', 'error', undefined],
    [204, 'connect', 'rejected', 'no reservation'],
    [400, 'connect', 'rejected', 'malformed message'],
    [401, 'connect', 'error', undefined]
  ] as const)('says of status %i to a %s: %s, %s', async (status, request, answer, reason) => {
    using node = start()
    node.bus.emit('request-denied', { ...denied, request, reason: 'full', status })
    const prefix = `libp2p_relaysvc_${request === 'reserve' ? 'reservation' : 'connection'}`

    const answers = await node.lines(`${prefix}_request_response_status_total`)
    const rejections = await node.lines(`${prefix}_rejections_total`)
    expect(answers.filter(line => !line.endsWith(' 0'))).toEqual([
      `${prefix}_request_response_status_total{status="${answer}"} 1`
    ])
    expect(rejections.filter(line => !line.endsWith(' 0'))).toEqual(
      reason === undefined ? [] : [`${prefix}_rejections_total{reason="${reason}"} 1`]
    )
  })

  it('has what was granted as ok', async () => {
    using node = start()
    node.bus.emit('reservation-accepted', granted)
    node.bus.emit('reservation-renewed', granted)
    node.bus.emit('circuit-accepted', { id: 1, ...pair })

    expect(await node.metrics.text()).toContain('reservation_request_response_status_total{status="ok"} 2')
    expect(await node.metrics.text()).toContain('connection_request_response_status_total{status="ok"} 1')
  })

  it('has circuits, and how long they lasted', async () => {
    using node = start()
    for (let i = 0; i < 3; i++) node.bus.emit('circuit-accepted', { id: i, ...pair })
    node.bus.emit('circuit-closed', closed(0.75))
    node.bus.emit('circuit-closed', closed(100_000))

    const text = await node.metrics.text()
    for (const line of [
      'libp2p_relaysvc_connections_total{type="opened"} 3',
      'libp2p_relaysvc_connections_total{type="closed"} 2',
      'libp2p_relaysvc_connection_duration_seconds_bucket{le="0.5"} 0',
      'libp2p_relaysvc_connection_duration_seconds_bucket{le="1"} 1',
      'libp2p_relaysvc_connection_duration_seconds_bucket{le="86400"} 1',
      'libp2p_relaysvc_connection_duration_seconds_bucket{le="+Inf"} 2',
      'libp2p_relaysvc_connection_duration_seconds_sum 100000.75',
      'libp2p_relaysvc_connection_duration_seconds_count 2'
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })

  it.each([
    ['open', 1],
    ['paused', 0],
    ['draining', 0],
    ['held', 0],
    ['off', 0]
  ] as const)('is %s: status %i', async (mode, status) => {
    using node = start({ mode })
    expect(await node.lines('libp2p_relaysvc_status')).toEqual([`libp2p_relaysvc_status ${status}`])
    const modes = await node.lines('waystation_mode')
    expect(modes.filter(line => line.endsWith(' 1'))).toEqual([`waystation_mode{mode="${mode}"} 1`])
    expect(modes).toHaveLength(5)
  })
})

describe('bytes', () => {
  it('are counted by direction, and each once in the sum', async () => {
    using node = start()
    node.bus.emit('bytes-relayed', { direction: 'to-target', bytes: 70 })
    node.bus.emit('bytes-relayed', { direction: 'to-source', bytes: 7 })
    node.wait(1000)

    expect(await node.lines('waystation_relayed_bytes_total')).toEqual([
      'waystation_relayed_bytes_total{direction="to-target"} 70',
      'waystation_relayed_bytes_total{direction="to-source"} 7'
    ])
    expect(await node.lines('libp2p_relaysvc_data_transferred_bytes_total')).toEqual([
      'libp2p_relaysvc_data_transferred_bytes_total 77'
    ])
    const rates = await node.lines('waystation_relayed_bytes_per_second')
    expect(rates).toHaveLength(10)
    expect(rates).toContain('waystation_relayed_bytes_per_second{window="10s",direction="to-target"} 70')
    expect(rates).toContain('waystation_relayed_bytes_per_second{window="60min",direction="to-source"} 7')
  })
})

it('has every refusal there can be from the start, and counts them by request and reason', async () => {
  using node = start()
  node.bus.emit('request-denied', { ...denied, request: 'connect', reason: 'full', status: 201 })

  expect(await node.lines('waystation_refusals_total')).toEqual([
    'waystation_refusals_total{request="reserve",reason="full"} 0',
    'waystation_refusals_total{request="reserve",reason="denied"} 0',
    'waystation_refusals_total{request="connect",reason="full"} 1',
    'waystation_refusals_total{request="connect",reason="denied"} 0'
  ])
})

it.each([
  'waystation_reservations 3',
  'waystation_reservations_limit 128',
  'waystation_circuits 2',
  'waystation_circuits_limit 0',
  'waystation_connected_peers 5',
  'waystation_connections{transport="tcp"} 4',
  'waystation_connections{transport="quic-v1"} 2',
  'waystation_connections{transport="ws"} 0',
  'waystation_dht_table_size 17',
  'waystation_addresses{state="listening"} 2',
  'waystation_addresses{state="verified"} 1',
  'waystation_addresses{state="unreachable"} 0',
  'waystation_traffic_bytes_total{direction="received"} 1000',
  'waystation_traffic_bytes_total{direction="sent"} 2000',
  'waystation_quota_limit_bytes 100000',
  'waystation_quota_used_bytes 3000',
  'waystation_history_writable 1',
  `waystation_build_info{version="1.2.3",node_version="${process.version}"} 1`
])('has %s', async line => {
  using node = start()
  expect((await node.metrics.text()).split('\n')).toContain(line)
})

it('counts nothing twice, however often it is scraped', async () => {
  using node = start()
  node.bus.emit('circuit-accepted', { id: 1, ...pair })
  node.bus.emit('circuit-closed', closed(1))
  const figures = async (): Promise<string[]> =>
    (await node.metrics.text()).split('\n').filter(line => !line.includes('_process_'))

  const [first] = await Promise.all([figures(), figures()])

  expect(await figures()).toEqual(first)
  expect(first).toContain('waystation_relayed_connections_total 1')
})

it('gives the same as JSON', async () => {
  using node = start()
  node.bus.emit('circuit-closed', closed(1))
  const metrics = await node.metrics.json()
  const find = (name: string): MetricInfo | undefined => metrics.find(metric => metric.name === name)

  expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
  expect(metrics.map(({ name, type, help }) => ({ name, type, help }))).toEqual(
    definitions.map(({ name, type, help }) => ({ name, type, help }))
  )
  expect(find('waystation_dht_table_size')?.values).toEqual([{ labels: {}, value: 17 }])
  expect(find('libp2p_relaysvc_connection_duration_seconds')?.values).toContainEqual({
    name: 'libp2p_relaysvc_connection_duration_seconds_bucket',
    labels: { le: '+Inf' },
    value: 1
  })
})

it('names no peer and no address', async () => {
  using node = start()
  node.bus.emit('peer-connected', { peer: pair.source })
  node.bus.emit('reservation-accepted', granted)
  node.bus.emit('request-denied', { ...denied, request: 'reserve', reason: 'full', status: 200 })
  node.bus.emit('circuit-accepted', { id: 1, ...pair })
  node.bus.emit('circuit-closed', closed(1))

  const text = await node.metrics.text()

  expect(text).not.toMatch(/12D3|192\.0\.2/)
})

it('has labels with the names and values that were declared', async () => {
  using node = start()
  for (const { name, values } of await node.metrics.json()) {
    const { type, labels = {} } = definitions.find(each => each.name === name) ?? { type: 'unknown' }
    const expected = type === 'histogram' ? [] : Object.keys(labels)
    for (const value of values) {
      expect(Object.keys(value.labels).filter(label => label !== 'le')).toEqual(expected)
    }
  }
})

it('keeps two nodes of one process apart, and out of the global registry', async () => {
  using first = start({ dhtPeers: 1 })
  using second = start({ dhtPeers: 2 })

  expect(await first.lines('waystation_dht_table_size')).toEqual(['waystation_dht_table_size 1'])
  expect(await second.lines('waystation_dht_table_size')).toEqual(['waystation_dht_table_size 2'])
  expect(register.getMetricsAsArray()).toEqual([])
})

it('says which format it speaks', () => {
  using node = start()
  expect(node.metrics.contentType).toBe(Registry.PROMETHEUS_CONTENT_TYPE)
})

it('has figures of the process', async () => {
  using node = start()
  const values = new Map(
    (await node.metrics.json()).map(({ name, values }) => [name, values[0]?.value ?? NaN])
  )
  const figure = (name: string): number => values.get(`waystation_process_${name}`) ?? NaN

  expect(figure('resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(figure('heap_used_bytes')).toBeGreaterThan(1_000_000)
  expect(figure('cpu_seconds_total')).toBeGreaterThan(0)
  expect(figure('start_time_seconds')).toBeCloseTo(performance.timeOrigin / 1000, 3)
  expect(figure('uptime_seconds')).toBeGreaterThan(0)
})

describe('docs/metrics.md', () => {
  it('is what npm run docs:metrics writes', async () => {
    expect(readFileSync(docsPath, 'utf8')).toBe(await metricsDocs())
  })
})
