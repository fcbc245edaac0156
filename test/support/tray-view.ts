import type { Health, Status } from '../../app/shared/api.ts'
import type { TrayView } from '../../app/main/desktop/tray-state.ts'
import { noBudget } from './budget.ts'

const NOTHING = {
  bytes: { toTarget: 0, toSource: 0 },
  traffic: { received: 0, sent: 0 },
  circuits: 0,
  refusals: {},
  uptimeSeconds: 0,
  networks: {},
  heldSeconds: {}
}
const NO_RATE = { toTarget: 0, toSource: 0 }

/** The status of a node that is open and idle, with what a test changes of it. */
export function statusWith(change: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    pid: 1,
    peerId: '12D3KooWtest',
    profile: 'home',
    startedAt: '2026-11-21T10:00:00Z',
    uptimeSeconds: 60,
    eventId: 'run.1',
    mode: { mode: 'open' },
    addresses: [],
    announced: [],
    mapping: { state: 'off', since: '2026-11-21T10:00:00Z', ports: [] },
    reachability: {
      ...{ health: 'no-demand', code: 'no-demand', since: '2026-11-21T10:00:00Z' },
      cause: 'All is well, and nobody has asked for anything yet.'
    },
    tls: { addresses: [], certificates: [] },
    autoTls: { state: 'off', since: '2026-11-21T10:00:00Z' },
    reservations: { held: 0, limit: 64 },
    circuits: { running: 0, limit: 32 },
    connections: { peers: 0, byTransport: {} },
    dhtPeers: 0,
    peersServed: 0,
    relayedConnections: 0,
    rates: { '10s': NO_RATE, '1min': NO_RATE, '5min': NO_RATE, '15min': NO_RATE, '60min': NO_RATE },
    totals: { today: NOTHING, month: NOTHING, ever: NOTHING },
    quota: { limitBytes: 0, usedBytes: 0, resetsAt: '2026-12-01T00:00:00Z' },
    budget: noBudget,
    memory: { rssBytes: 1, heapUsedBytes: 1 },
    publicUrls: [],
    metricsUrls: [],
    warnings: [],
    ...change
  }
}

export function viewWith(status: Partial<Status> = {}, rest: Partial<TrayView> = {}): TrayView {
  return {
    node: 'running',
    status: statusWith(status),
    startAtLogin: { supported: true, on: false },
    update: { state: 'off' },
    ...rest
  }
}

export const reached = (health: Health): Pick<Status, 'reachability'> => ({
  reachability: { health, code: health, cause: '', since: '2026-11-21T10:00:00Z' }
})

export const relayedToday = (bytes: number, circuits: number): Pick<Status, 'totals'> => ({
  totals: {
    today: { ...NOTHING, bytes: { toTarget: bytes, toSource: 0 }, circuits },
    month: NOTHING,
    ever: NOTHING
  }
})

export const everRelayed = (circuits: number): Pick<Status, 'totals'> => ({
  totals: { today: NOTHING, month: NOTHING, ever: { ...NOTHING, circuits } }
})
