import { describe, expect, it } from 'vitest'
import { showHistory, showMetrics, showStats, quotaText } from '../../../app/main/cli/operate/show-figures.ts'
import {
  REFUSAL_TEXTS,
  showCircuits,
  showPeers,
  showRefusals,
  showReservations,
  showSettings
} from '../../../app/main/cli/operate/show-lists.ts'
import { budgetRows } from '../../../app/main/cli/operate/show-budget.ts'
import { modeText, showStatus } from '../../../app/main/cli/operate/show-status.ts'
import { localDay, localMinute, localTime } from '../../../app/main/cli/operate/text.ts'
import { REFUSALS } from '../../../app/main/relay/circuit/admission.ts'
import { noBudget } from '../../support/budget.ts'
import type {
  Amounts,
  CircuitInfo,
  HistoryRecord,
  MetricInfo,
  PeerInfo,
  RefusalInfo,
  ReservationInfo,
  SettingInfo,
  Status
} from '../../../app/shared/api.ts'

const ONE = '12D3KooWDYk8s79BMZpqMoTzRxwvH8Syh2oj2qbGc3LZc7sATbfX'
const TWO = '12D3KooWL27G4ZosHY5YL9y5F6dDxGWrWGLR4Qupv6WPfLAnCjfU'
const NODE = '12D3KooWER1UqhbiKvTZ9E4zDDe5dbNX5ss4zuVFmAw8GXq3LbGe'
const now = Date.parse('2026-11-21T12:00:00Z')
const MiB = 1024 ** 2
const GiB = 1024 ** 3

const reservation: ReservationInfo = {
  peer: ONE,
  since: '2026-11-21T11:00:00Z',
  expiresAt: '2026-11-21T12:30:00Z',
  ip: '2001:db8:1234:5678:9abc:def0:1234:5678',
  transport: 'quic',
  agent: 'js-libp2p/3.3.11 UserAgent=Mozilla/5.0 (X11; Linux x86_64)',
  circuits: 3
}
const circuit: CircuitInfo = {
  id: 123,
  source: ONE,
  target: TWO,
  since: '2026-11-21T11:59:00Z',
  seconds: 3540.4,
  bytes: { toTarget: 99.9 * MiB, toSource: 512 },
  rate: { toTarget: 1_200_000, toSource: 300 }
}
const peer: PeerInfo = {
  peer: TWO,
  connections: [
    {
      address: `/ip4/203.0.113.7/tcp/1/p2p/${TWO}`,
      transport: 'tcp',
      direction: 'inbound',
      since: '2026-11-21T11:59:00Z'
    },
    {
      address: '/ip4/203.0.113.7/udp/2/quic-v1',
      transport: 'quic',
      direction: 'outbound',
      since: '2026-11-21T11:59:30Z'
    }
  ],
  agent: 'go-libp2p',
  reserved: true,
  circuits: 2,
  bytes: { sent: 5 * MiB, received: 3 * MiB },
  limitBytesPerSecond: 50_000
}
const refusal: RefusalInfo = {
  request: 'reserve',
  reason: 'per-ip-full',
  count: 12,
  setting: 'relay.reservations.perIp'
}
const setting: SettingInfo = {
  key: 'relay.reservations.perIp',
  value: 16,
  text: '16',
  default: 16,
  from: 'file',
  name: '/x/settings.json',
  group: 'Reservations',
  help: '',
  kind: 'limit',
  allowed: '',
  applies: 'live',
  pending: false,
  locked: false
}
const settings = { file: '/x/settings.json', settings: [setting] }
const amounts = (times: number): Amounts => ({
  bytes: { toTarget: times * GiB, toSource: times * MiB },
  traffic: { received: 3 * times * GiB, sent: 2 * times * GiB },
  circuits: 10 * times,
  refusals: { full: times, denied: 2 * times },
  uptimeSeconds: 3600 * times,
  networks: {},
  heldSeconds: {}
})
const record: HistoryRecord = { at: '2026-11-21T11:00:00Z', peers: 7, ...amounts(1) }
const both = { toTarget: 1_250_000, toSource: 1000 }
const rates = { '10s': both, '1min': both, '5min': both, '15min': both, '60min': both }
const totals = { today: amounts(1), month: amounts(20), ever: amounts(300) }
const quota = { limitBytes: 100 * GiB, usedBytes: 99.9 * GiB, resetsAt: '2026-12-01T12:00:00Z' }

const status: Status = {
  version: '0.1.0',
  pid: 42,
  peerId: NODE,
  profile: 'home',
  startedAt: '2026-11-21T09:00:00Z',
  uptimeSeconds: 10_800,
  eventId: 'a.1',
  mode: { mode: 'open' },
  addresses: [
    {
      address: `/ip4/203.0.113.9/tcp/4001/p2p/${NODE}`,
      transport: 'tcp',
      public: true,
      state: 'unreachable',
      since: '2026-11-21T11:50:00Z',
      cause: 'three peers tried to dial it and none could'
    },
    {
      address: `/ip4/192.168.1.5/tcp/4001/p2p/${NODE}`,
      transport: 'tcp',
      public: false,
      state: 'listening',
      since: '2026-11-21T09:00:00Z'
    }
  ],
  announced: [`/ip4/192.168.1.5/tcp/4001/p2p/${NODE}`],
  reachability: {
    ...{ health: 'broken', code: 'unreachable', since: '2026-11-21T11:50:00Z' },
    cause: 'three peers tried to dial it and none could'
  },
  tls: {
    addresses: ['0.0.0.0:443', '[::]:443'],
    certificates: [
      {
        source: 'files',
        names: ['relay.example', 'www.relay.example'],
        validFrom: '2026-11-01T12:00:00Z',
        validTo: '2027-01-30T12:00:00Z',
        fingerprint: 'AB:CD'
      }
    ]
  },
  autoTls: {
    state: 'failed',
    since: '2026-11-21T11:58:00Z',
    name: '*.k51.libp2p.direct',
    validTo: '2026-11-30T12:00:00Z',
    retryAt: '2026-11-21T12:08:00Z',
    code: 'forge-refused',
    cause: 'The registration refused the name.'
  },
  mapping: {
    state: 'failed',
    since: '2026-11-21T11:58:00Z',
    cause: 'the gateway has given port 4001 to 192.168.1.77',
    code: 'conflict',
    gateway: { protocol: 'upnp', address: '192.168.1.1', externalIp: '203.0.113.9' },
    ports: [
      {
        transport: 'tcp',
        protocol: 'tcp',
        internalPort: 4001,
        state: 'failed',
        since: '2026-11-21T11:58:00Z',
        cause: 'error 718'
      },
      {
        transport: 'quic',
        protocol: 'udp',
        internalPort: 4001,
        externalPort: 4002,
        state: 'mapped',
        since: '2026-11-21T11:58:00Z'
      }
    ]
  },
  reservations: { held: 12, limit: 64 },
  circuits: { running: 3, limit: 0 },
  connections: { peers: 5, byTransport: { tcp: 4, quic: 1 } },
  dhtPeers: 20,
  peersServed: 31,
  relayedConnections: 1,
  rates,
  totals,
  budget: noBudget,
  quota,
  memory: { rssBytes: 200 * MiB, heapUsedBytes: 50 * MiB },
  publicUrls: ['http://127.0.0.1:4002', 'http://[::1]:4002'],
  metricsUrls: ['http://127.0.0.1:4010/metrics'],
  warnings: ['The history cannot be written: the disk is full. Free some space; relaying goes on meanwhile.']
}

const VIEWS = {
  status: showStatus(status, { now, width: 80 }),
  reservations: showReservations([reservation], { now, width: 80 }),
  circuits: showCircuits([circuit], { now, width: 80 }),
  peers: showPeers([peer], { now, width: 80 }),
  refusals: showRefusals([refusal], settings, { now, width: 80 }),
  settings: showSettings(settings, { now, width: 80 }),
  stats: showStats({ totals, rates, quota, since: status.startedAt }, { now, width: 80 }),
  history: showHistory([record], 'hour', { now, width: 80 })
}

describe('on a terminal of 80 columns', () => {
  it.each(Object.entries(VIEWS))('%s fits', (_, lines) => {
    expect(lines.filter(line => line.length > 80)).toEqual([])
  })

  it.each(['reservations', 'circuits', 'peers'] as const)('%s has ids that can be typed back', name => {
    expect(VIEWS[name][1]).toMatch(/12D3…(sATbfX|AnCjfU)/)
  })
})

describe('where there is room', () => {
  it.each([
    ['reservations', showReservations([reservation], { now })],
    ['circuits', showCircuits([circuit], { now })],
    ['peers', showPeers([peer], { now })]
  ])('%s has whole ids and nothing left out', (_, lines) => {
    expect(lines[1]).toMatch(new RegExp(`${ONE}|${TWO}`))
    expect(lines).toHaveLength(2)
  })

  it('a circuit has its time and bytes', () => {
    expect(showCircuits([circuit], { now })[1]).toMatch(/59 min +99\.9 MiB +512 B +1\.2 MB\/s$/)
  })

  it('a peer has its oldest time, its newest address and its limit', () => {
    const [, line] = showPeers([peer], { now })
    expect(line).toMatch(
      / 1 min +tcp in, quic out +yes +2 +5 MiB +3 MiB +50 kB\/s +\/ip4\/203\.0\.113\.7\/udp\/2/
    )
  })

  it('a reservation has the time it was held and what is left', () => {
    expect(showReservations([reservation], { now })[1]).toMatch(/ 1 h +30 min +2001:db8/)
  })

  it('a refusal has the setting that would lift it, its value, and what it means', () => {
    const [, line] = showRefusals([refusal], settings, { now })
    expect(line).toMatch(
      /12 +reserve +per-ip-full +relay\.reservations\.perIp \(now 16\) +all places of one IP/
    )
  })

  it.each(REFUSALS)('the refusal %s is explained', reason => {
    expect(REFUSAL_TEXTS[reason]).toBeDefined()
  })

  it('a setting says when it waits for a restart, and what is locked', () => {
    const changed = { ...setting, from: 'flag' as const, name: '--port', pending: true, locked: true }
    const text = showSettings({ ...settings, settings: [changed] }, { now }).join('\n')

    expect(text).toContain('flag --port, after a restart')
    expect(text).toContain('1 setting will apply after a restart.')
    expect(text).toContain('cannot be changed while the node runs')
  })

  it('history is by day or by the beginning of the hour', () => {
    expect(showHistory([record], 'hour', { now })[1]).toMatch(
      new RegExp(`^${localMinute(record.at)} +1 GiB +3 GiB +2 GiB +10 +7 +3 +1 h$`)
    )
    expect(showHistory([record], 'day', { now })[1]).toMatch(new RegExp(`^${localDay(record.at)}  `))
  })

  it('metrics are as Prometheus writes them', () => {
    const metric: MetricInfo = {
      name: 'waystation_bytes_total',
      help: '',
      type: 'histogram',
      values: [
        { labels: { direction: 'to-target' }, value: 5 },
        { labels: {}, value: 9, name: 'waystation_bytes_total_sum' }
      ]
    }
    const lines = showMetrics([metric], { now }).map(line => line.split(/ {2,}/))
    expect(lines.slice(1)).toEqual([
      ['waystation_bytes_total{direction="to-target"}', '5'],
      ['waystation_bytes_total_sum', '9']
    ])
  })
})

describe('nothing', () => {
  it.each([
    ['reservations', showReservations([], { now }), 'No peer holds a reservation now.'],
    ['circuits', showCircuits([], { now }), 'No circuits run now.'],
    ['peers', showPeers([], { now }), 'No peer is connected now.'],
    ['refusals', showRefusals([], settings, { now }), 'Nothing was refused since the node started.'],
    ['history', showHistory([], 'day', { now }), 'There is no history of that time yet.'],
    ['metrics', showMetrics([], { now }), 'The node gives no metrics.']
  ])('of %s is said in a sentence', (_, lines, sentence) => {
    expect(lines).toEqual([sentence])
  })
})

describe('status', () => {
  const text = showStatus(status, { now }).join('\n')

  it.each([
    ['a warning', /Warnings\n {2}The history cannot be written/],
    [
      'an unreachable address and its cause',
      /203\.0\.113\.9\/tcp\/4001\S+ +unreachable +10 min +no\n {6}three peers tried/
    ],
    ['what is announced', /192\.168\.1\.5\/tcp\/4001\S+ +listening +3 h +yes/],
    [
      'the mapping and its cause',
      /Port mapping +failed by UPnP at 192\.168\.1\.1 \(external IP 203\.0\.113\.9\), for 2 min\n {2}the gateway has given/
    ],
    [
      'each port and its cause',
      / {2}tcp: TCP 4001, failed\n {6}error 718\n {2}quic: UDP 4001 as 4002, mapped/
    ],
    [
      'the certificate, what became of its renewal, and until when there is one',
      /Certificate +failed, for 2 min, tried again at 2026-11-21 \d\d:08:00\n +held until 2026-11-30 \S+\n {2}\*\.k51\.libp2p\.direct\n {2}The registration refused/
    ],
    ['reservations against their limit', /Reservations +12 of 64/],
    ['circuits without a limit', /Circuits +3 of unlimited/],
    [
      'a quota that is nearly used up as not used up',
      /Quota +99\.9 GiB of 100 GiB \(99 %\), counted anew from 2026-12-01/
    ],
    ['peers by transport', /Peers +5 connected \(tcp 4, quic 1\), 20 known to the DHT/],
    ['every page', /Public pages +http:\/\/127\.0\.0\.1:4002\n +http:\/\/\[::1\]:4002/]
  ])('has %s', (_, pattern) => {
    expect(text).toMatch(pattern)
  })

  it('lists what is announced where states are not known', () => {
    const lines = showStatus({ ...status, addresses: [] }, { now })
    expect(lines.find(line => line.includes('192.168.1.5'))).toMatch(/yes$/)
  })

  it.each([
    [{ state: 'off' }, 'Certificate  off (setting ws.autoTls)'],
    [{ state: 'held', validTo: '2026-12-01T12:00:00Z' }, /^Certificate +held until 2026-12-01 \d\d:00:00$/],
    [{ state: 'requesting' }, /^Certificate +asking for the certificate, for 3 h$/]
  ] as const)('says of the certificate that it is %o', (info, line) => {
    const autoTls = { since: '2026-11-21T09:00:00Z', name: '*.k51.d', ...info }
    const lines = showStatus({ ...status, autoTls }, { now })
    expect(lines.find(each => each.startsWith('Certificate'))).toMatch(line)
  })

  it('says that nothing listens', () => {
    const lines = showStatus({ ...status, addresses: [], announced: [] }, { now })
    expect(lines).toContain('  none: nothing listens now')
  })
})

describe('the mode', () => {
  const until = '2026-11-21T13:00:00Z'
  const then = `${localTime(until)}, in 1 h`

  it.each([
    [{ mode: 'open' as const }, 'open: takes new work'],
    [{ mode: 'open' as const, starting: true }, 'open: it is being opened'],
    [
      { mode: 'off' as const, circuitsLeft: 0 },
      'off: relay.enabled is false, nothing listens (`waystation set relay.enabled=true` switches it on)'
    ],
    [
      { mode: 'off' as const, circuitsLeft: 2 },
      'off: relay.enabled is false, 2 circuits left for a few seconds'
    ],
    [{ mode: 'paused' as const }, 'paused: takes no new work, until it is resumed (`waystation resume`)'],
    [{ mode: 'paused' as const, until }, `paused: takes no new work, until ${then}`],
    [
      { mode: 'draining' as const, until, circuitsLeft: 1 },
      `draining: 1 circuit left, then it stops; at the latest ${then}`
    ],
    [
      { mode: 'draining' as const, until, circuitsLeft: 2, reservationsLeft: 1 },
      `draining: 2 circuits and 1 reserved client left, then it stops; at the latest ${then}`
    ],
    [
      { mode: 'held' as const, rule: 'quota-month' as const, until },
      `held: the month's quota is used up; asleep until ${then}`
    ],
    [
      { mode: 'held' as const, rule: 'quota-month' as const, until, circuitsLeft: 2 },
      `held: the month's quota is used up, 2 circuits left; asleep until ${then}`
    ],
    [
      { mode: 'held' as const, rule: 'battery' as const },
      'held: this machine runs on its battery; asleep until it is back on the mains'
    ]
  ])('%j says why', (mode, text) => {
    expect(modeText(mode, now)).toBe(text)
  })
})

it('says of a rule where the system does not tell what it goes by', () => {
  const rules = [
    { rule: 'metered' as const, state: 'free' as const, untold: true as const },
    { rule: 'battery' as const, state: 'free' as const }
  ]
  expect(budgetRows({ ...noBudget, rules }, now)).toEqual([
    ['Metered', 'never sleeps: this system does not say whether the connection is metered'],
    ['On battery', 'works']
  ])
})

it.each([
  [100e9, 44.2e9, '44.2 GB of 100 GB (44 %)'],
  [2 ** 40, 2 ** 30, '1 GiB of 1 TiB (0 %)'],
  [1e9, 1e9, '1 GB of 1 GB (100 %)']
])('tells what is used of a quota in its own units: %s', (limitBytes, usedBytes, text) => {
  expect(quotaText({ limitBytes, usedBytes, resetsAt: '2026-12-01T12:00:00Z' })).toContain(text)
})
