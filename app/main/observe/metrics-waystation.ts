import type { AddressState, NodeMode } from '../../shared/api.ts'
import type { CircuitEnd, ReservationEnd, WebSocketEnd } from './events.ts'
import { byLabel, one, type Definition, type Value } from './metrics-definition.ts'

// Every label value there can be is there from the start, at 0: a counter that appears with its first event hides
// that event from Prometheus' rate().
const MODES = { off: 0, open: 0, paused: 0, draining: 0, held: 0 } satisfies Record<NodeMode, 0>
const ADDRESSES = {
  listening: 0,
  mapped: 0,
  verified: 0,
  unreachable: 0,
  given: 0
} satisfies Record<AddressState, 0>
const TRANSPORTS = { tcp: 0, 'quic-v1': 0, ws: 0, wss: 0, 'webrtc-direct': 0, other: 0 }
const RESERVATION_ENDS = { 'peer-gone': 0, denied: 0, drained: 0, stopped: 0 } satisfies Record<
  ReservationEnd,
  0
>
const CIRCUIT_ENDS = {
  closed: 0,
  reset: 0,
  'reader-behind': 0,
  bytes: 0,
  duration: 0,
  drained: 0,
  quota: 0,
  schedule: 0,
  power: 0,
  'peer-gone': 0,
  denied: 0,
  operator: 0,
  stopped: 0
} satisfies Record<CircuitEnd, 0>
const WEBSOCKET_ENDS = {
  'handshake-timeout': 0,
  'bad-request': 0,
  protocol: 0,
  'too-big': 0,
  idle: 0
} satisfies Record<WebSocketEnd, 0>

const REQUESTS = ['reserve', 'connect'] as const
const list = (counts: object): string => Object.keys(counts).join(', ')
const DIRECTION = { direction: 'to-target (from dialer to listener), to-source (back)' }

/** What the relay does. */
const relay: readonly Definition[] = [
  {
    name: 'waystation_relayed_bytes_total',
    type: 'counter',
    help: 'Bytes relayed',
    labels: DIRECTION,
    values: ({ counters }) =>
      byLabel('direction', { 'to-target': counters.bytesToTarget, 'to-source': counters.bytesToSource })
  },
  {
    name: 'waystation_relayed_bytes_per_second',
    type: 'gauge',
    help: 'Bytes relayed a second over the last 10 s, 1, 5, 15 and 60 minutes, or since the start if that is less',
    labels: { window: '10s, 1min, 5min, 15min, 60min', ...DIRECTION },
    values: ({ rates }) =>
      Object.entries(rates).flatMap(([window, { toTarget, toSource }]): Value[] => [
        { labels: { window, direction: 'to-target' }, value: toTarget },
        { labels: { window, direction: 'to-source' }, value: toSource }
      ])
  },
  {
    name: 'waystation_refusals_total',
    type: 'counter',
    help: 'Refused requests; the reasons are the words of the log and of `waystation refusals`',
    labels: { request: 'reserve, connect', reason: 'see below' },
    values: ({ counters, refusalReasons }) => {
      const none = Object.fromEntries(refusalReasons.map(reason => [reason, 0]))
      return REQUESTS.flatMap(request =>
        byLabel('reason', { ...none, ...counters.refusalsOf[request] }).map(({ labels, value }) => ({
          labels: { request, ...labels },
          value
        }))
      )
    }
  },
  {
    name: 'waystation_reservations_ended_total',
    type: 'counter',
    help: 'Reservations that ended, by why',
    labels: { reason: `expired, ${list(RESERVATION_ENDS)}` },
    values: ({ counters: { reservations } }) =>
      byLabel('reason', { expired: reservations.expired, ...RESERVATION_ENDS, ...reservations.ended })
  },
  {
    name: 'waystation_circuits_ended_total',
    type: 'counter',
    help: 'Circuits that ended, by why',
    labels: { reason: list(CIRCUIT_ENDS) },
    values: ({ counters }) => byLabel('reason', { ...CIRCUIT_ENDS, ...counters.circuitEnds })
  },
  {
    name: 'waystation_relayed_connections_total',
    type: 'counter',
    help: 'Circuits that were made',
    values: ({ counters }) => one(counters.relayedConnections)
  },
  {
    name: 'waystation_peers_served_total',
    type: 'counter',
    help: 'Different peers that were connected; an estimate within 0.3 % beyond 262144',
    values: ({ counters }) => one(counters.peersServed)
  },
  {
    name: 'waystation_reservations',
    type: 'gauge',
    help: 'Reservations held',
    values: ({ gauges }) => one(gauges.reservations.held)
  },
  {
    name: 'waystation_reservations_limit',
    type: 'gauge',
    help: 'Reservations that may be held at once; 0 is no limit',
    values: ({ gauges }) => one(gauges.reservations.limit)
  },
  {
    name: 'waystation_circuits',
    type: 'gauge',
    help: 'Circuits that run or ask their target',
    values: ({ gauges }) => one(gauges.circuits.running)
  },
  {
    name: 'waystation_circuits_limit',
    type: 'gauge',
    help: 'Circuits that may run at once; 0 is no limit',
    values: ({ gauges }) => one(gauges.circuits.limit)
  }
]

/** The node around it. */
const node: readonly Definition[] = [
  {
    name: 'waystation_mode',
    type: 'gauge',
    help: 'The mode of the node is the one with 1',
    labels: { mode: list(MODES) },
    values: ({ gauges }) => byLabel('mode', { ...MODES, [gauges.mode]: 1 })
  },
  {
    name: 'waystation_connections',
    type: 'gauge',
    help: 'Open connections',
    labels: { transport: list(TRANSPORTS) },
    values: ({ gauges }) => byLabel('transport', { ...TRANSPORTS, ...gauges.connections.byTransport })
  },
  {
    name: 'waystation_websocket_ended_total',
    type: 'counter',
    help: 'WebSockets that the node ended, and connections to their port that became none, by why',
    labels: { reason: list(WEBSOCKET_ENDS) },
    values: ({ counters }) => byLabel('reason', { ...WEBSOCKET_ENDS, ...counters.webSocketEnds })
  },
  {
    name: 'waystation_connected_peers',
    type: 'gauge',
    help: 'Peers with a connection',
    values: ({ gauges }) => one(gauges.connections.peers)
  },
  {
    name: 'waystation_dht_table_size',
    type: 'gauge',
    help: 'Peers in the routing table of the DHT',
    values: ({ gauges }) => one(gauges.dhtPeers)
  },
  {
    name: 'waystation_addresses',
    type: 'gauge',
    help: 'Addresses of this node',
    labels: { state: list(ADDRESSES) },
    values: ({ gauges }) => byLabel('state', { ...ADDRESSES, ...gauges.addresses })
  },
  {
    name: 'waystation_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate that is served at tls.port ends, in seconds since 1970; missing where there is none',
    labels: { source: 'files (tls.cert), auto-tls (ws.autoTls)' },
    values: ({ gauges }) => byLabel('source', gauges.certificates)
  },
  {
    name: 'waystation_traffic_bytes_total',
    type: 'counter',
    help: 'Bytes of all traffic of the node, relayed or not',
    labels: { direction: 'received, sent' },
    values: ({ gauges }) => byLabel('direction', { ...gauges.traffic })
  },
  {
    name: 'waystation_quota_limit_bytes',
    type: 'gauge',
    help: 'Bytes of traffic that the node may have in a month; 0 is no limit',
    values: ({ gauges }) => one(gauges.quota.limitBytes)
  },
  {
    name: 'waystation_quota_used_bytes',
    type: 'gauge',
    help: 'Bytes of traffic in this month, counted as quota.counts says',
    values: ({ gauges }) => one(gauges.quota.usedBytes)
  },
  {
    name: 'waystation_held_seconds_total',
    type: 'counter',
    help: 'How long a rule of the budget held the node; of several, the one that holds longest',
    labels: { rule: 'quota-month, quota-day, schedule, battery, battery-level, metered, full-screen' },
    values: ({ gauges }) => byLabel('rule', gauges.heldSeconds)
  },
  {
    name: 'waystation_history_writable',
    type: 'gauge',
    help: 'Whether the history is being written: 0 if its disk is full or its store is broken',
    values: ({ gauges }) => one(gauges.historyWritable ? 1 : 0)
  }
]

/** The process it runs in. */
const ownProcess: readonly Definition[] = [
  {
    name: 'waystation_build_info',
    type: 'gauge',
    help: 'What runs; always 1',
    labels: { version: 'of Waystation', node_version: 'of Node' },
    values: ({ version }) => [{ labels: { version, node_version: process.version }, value: 1 }]
  },
  {
    name: 'waystation_process_start_time_seconds',
    type: 'gauge',
    help: 'When the process was started, in seconds since 1970',
    values: figures => one(figures.process.startTimeSeconds)
  },
  {
    name: 'waystation_process_uptime_seconds',
    type: 'gauge',
    help: 'How long the process has run',
    values: figures => one(figures.process.uptimeSeconds)
  },
  {
    name: 'waystation_process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time used, user and system',
    values: figures => one(figures.process.cpuSeconds)
  },
  {
    name: 'waystation_process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process that is in RAM',
    values: figures => one(figures.process.residentBytes)
  },
  {
    name: 'waystation_process_heap_used_bytes',
    type: 'gauge',
    help: 'JavaScript heap in use',
    values: figures => one(figures.process.heapUsedBytes)
  },
  ...(['p50', 'p99', 'max'] as const).map((which): Definition => {
    const what = { p50: 'median', p99: '99th percentile', max: 'longest' }[which]
    return {
      name: `waystation_event_loop_delay_${which}_seconds`,
      type: 'gauge',
      help: `By how much timers were late in the last minute or two, ${what}`,
      values: figures => one(figures.process.eventLoop[`${which}Seconds`])
    }
  })
]

export const waystationMetrics: readonly Definition[] = [...relay, ...node, ...ownProcess]
