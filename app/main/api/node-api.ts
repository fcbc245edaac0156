import type {
  AddressInfo,
  Api,
  AutoTlsInfo,
  BudgetInfo,
  CircuitInfo,
  HistoryExport,
  HistoryRecord,
  HistoryRequest,
  IdentityBackup,
  LadderInfo,
  LadderSummary,
  LogLine,
  MappingInfo,
  MetricInfo,
  ModeInfo,
  Networks,
  OverloadInfo,
  PeerInfo,
  PeriodStats,
  QuotaInfo,
  Rates,
  RefusalInfo,
  ReservationInfo,
  SelfTestInfo,
  SettingsChanged,
  SettingsCheck,
  SettingsInfo,
  Status,
  StorageInfo,
  TlsInfo,
  Totals,
  ViaInfo
} from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'
import { parsePeerRate, type Settings } from '../../shared/settings.ts'
import { writeQuantity } from '../../shared/units.ts'
import type { Counters } from '../observe/counters.ts'
import { exportData } from './export.ts'
import { settingThatLifts } from './refusal-settings.ts'

/** What runs in the node; absent while it is asleep. */
export interface RunningNode {
  readonly addresses: { announced: string[] }
  addressStates(): AddressInfo[]
  readonly mapping: MappingInfo
  readonly autoTls: AutoTlsInfo | undefined
  readonly overload?: OverloadInfo | undefined
  readonly inspector: {
    reservations(): ReservationInfo[]
    circuits(): CircuitInfo[]
    circuit(id: number): CircuitInfo | undefined
    peers(): PeerInfo[]
  }
  readonly relay: { circuits: { close(id: number): boolean } }
}

/** What the Api tells of and acts on: the parts of the app, each by what is used of it. */
export interface NodeApiSources {
  version: string
  peerId: () => string
  profile: () => string
  startedAt: Date
  node: () => RunningNode | undefined
  activity: () => Pick<Status, 'reservations' | 'circuits' | 'connections' | 'dhtPeers'>
  settings: {
    running(): Settings
    describe(): SettingsInfo
    check(values: Readonly<Record<string, unknown>>): SettingsCheck
    change(values: Readonly<Record<string, unknown>>): SettingsChanged
    reload(): SettingsChanged
  }
  modes: {
    info: () => ModeInfo
    pause(seconds: number | undefined): Promise<void>
    resume(): Promise<void>
    restart(): Promise<void>
    /** Begins to stop the node. */
    drain(seconds: number | undefined): void
  }
  figures: {
    readonly counters: Pick<Counters, 'peersServed' | 'relayedConnections'>
    refusals(seconds: number | undefined): Omit<RefusalInfo, 'setting'>[]
    deleteHistory(): Promise<void>
    readonly rates: Rates
    readonly totals: Totals
    readonly quota: QuotaInfo
    /** Since when the totals count. */
    readonly since: string
    history(request: HistoryRequest): Promise<HistoryRecord[]>
    period(since: string): Promise<PeriodStats>
    exportHistory(): Promise<HistoryExport>
    readonly metrics: { json(): Promise<MetricInfo[]> }
  }
  budget: () => BudgetInfo
  networks: () => Networks
  reachability: {
    readonly summary: LadderSummary
    ladder(): Promise<LadderInfo>
    selfTest(): Promise<SelfTestInfo>
    verifyVia(address: string): Promise<ViaInfo>
  }
  storage: () => Promise<StorageInfo>
  identity: {
    export(passphrase: string): Promise<IdentityBackup>
    import(text: string, passphrase: string): Promise<{ peerId: string }>
  }
  logs: (lines: number | undefined) => LogLine[]
  lastEventId: () => string
  urls: () => { publicUrls: string[]; metricsUrls: string[] }
  tls: () => TlsInfo
  warnings: () => string[]
}

/** The Api of a running node. */
export function createNodeApi(sources: NodeApiSources): Api {
  const { settings, modes } = sources
  const running = (): RunningNode => {
    const node = sources.node()
    if (node !== undefined) return node
    throw new AppError(
      'not-running',
      'The node is asleep: nothing runs in it now. `waystation status` says why.'
    )
  }
  return {
    status: async () => statusOf(sources),
    ladder: async () => sources.reachability.ladder(),
    selfTest: async () => sources.reachability.selfTest(),
    verifyVia: async ({ address }) => sources.reachability.verifyVia(address),
    reservations: async () => sources.node()?.inspector.reservations() ?? [],
    circuits: async () => sources.node()?.inspector.circuits() ?? [],
    peers: async () => sources.node()?.inspector.peers() ?? [],
    refusals: async ({ seconds } = {}) => sources.figures.refusals(seconds).map(withSetting),
    settings: async () => settings.describe(),
    checkSettings: async ({ values }) => settings.check(values),
    setSettings: async ({ values }) => settings.change(values),
    reloadSettings: async () => settings.reload(),
    pause: async ({ seconds } = {}) => {
      await modes.pause(seconds)
      return modes.info()
    },
    resume: async () => {
      await modes.resume()
      return modes.info()
    },
    restartNode: async () => {
      await modes.restart()
      return modes.info()
    },
    drain: async ({ seconds } = {}) => {
      modes.drain(seconds)
      return modes.info()
    },
    closeCircuit: async ({ id }) => {
      const node = running()
      const circuit = node.inspector.circuit(id)
      if (circuit === undefined || !node.relay.circuits.close(id)) {
        throw new AppError('unknown-circuit', `There is no circuit ${id}; it may have ended.`, {
          field: 'id'
        })
      }
      return circuit
    },
    limitPeer: async ({ peer, bytesPerSecond }) => {
      const others = settings.running()['relay.rate.peers'].filter(item => parsePeerRate(item)?.peer !== peer)
      const item =
        bytesPerSecond === null ? [] : [`${peer}=${writeQuantity(bytesPerSecond, 'rate').replace(' ', '')}`]
      return settings.change({ 'relay.rate.peers': [...others, ...item] })
    },
    blockPeer: async ({ peer }) => {
      const denied = settings.running()['access.deny'].filter(item => item !== peer)
      return settings.change({ 'access.deny': [...denied, peer] })
    },
    unblockPeer: async ({ peer }) => {
      const denied = settings.running()['access.deny']
      if (!denied.includes(peer)) {
        throw new AppError('unknown-peer', `${peer} is not blocked by name (access.deny).`, { field: 'peer' })
      }
      return settings.change({ 'access.deny': denied.filter(item => item !== peer) })
    },
    networks: async () => sources.networks(),
    addNetwork: async network => {
      const name = network.name.trim()
      const others = settings.running().networks.filter(each => each.name !== name)
      return settings.change({ networks: [...others, network] })
    },
    removeNetwork: async ({ name }) => {
      const { networks } = settings.running()
      const others = networks.filter(each => each.name !== name)
      if (others.length < networks.length) return settings.change({ networks: others })
      const isOwn = sources.networks().networks.some(each => each.own && each.name === name)
      throw new AppError(
        'unknown-network',
        isOwn
          ? `${name} is the node's own network: dht.bootstrap says by whom it is joined, dht.enabled whether it runs at all.`
          : `There is no network "${name}"; \`waystation networks\` lists them.`,
        { field: 'name' }
      )
    },
    stats: async ({ since: asked } = {}) => {
      const { totals, rates, quota, since } = sources.figures
      const all = { totals, rates, quota, since }
      return asked === undefined ? all : { ...all, period: await sources.figures.period(asked) }
    },
    history: async request => sources.figures.history(request),
    deleteHistory: async () => sources.figures.deleteHistory(),
    storage: async () => sources.storage(),
    exportData: async () => exportData(sources),
    exportIdentity: async ({ passphrase }) => sources.identity.export(passphrase),
    importIdentity: async ({ text, passphrase }) => sources.identity.import(text, passphrase),
    metrics: async () => sources.figures.metrics.json(),
    logs: async ({ lines } = {}) => sources.logs(lines)
  }
}

function statusOf(sources: NodeApiSources): Awaited<ReturnType<Api['status']>> {
  const node = sources.node()
  const { reservations, circuits, connections, dhtPeers } = sources.activity()
  const { figures } = sources
  const { rss, heapUsed } = process.memoryUsage()
  return {
    version: sources.version,
    pid: process.pid,
    peerId: sources.peerId(),
    profile: sources.profile(),
    startedAt: sources.startedAt.toISOString(),
    uptimeSeconds: Math.round(process.uptime()),
    eventId: sources.lastEventId(),
    mode: sources.modes.info(),
    addresses: node?.addressStates() ?? [],
    announced: node?.addresses.announced ?? [],
    mapping: node?.mapping ?? { state: 'off', since: sources.startedAt.toISOString(), ports: [] },
    reachability: sources.reachability.summary,
    tls: sources.tls(),
    autoTls: node?.autoTls ?? { state: 'off', since: sources.startedAt.toISOString() },
    reservations,
    circuits,
    connections,
    dhtPeers,
    peersServed: figures.counters.peersServed,
    relayedConnections: figures.counters.relayedConnections,
    rates: figures.rates,
    totals: figures.totals,
    quota: figures.quota,
    budget: sources.budget(),
    ...(node?.overload !== undefined && { overload: node.overload }),
    memory: { rssBytes: rss, heapUsedBytes: heapUsed },
    ...sources.urls(),
    warnings: sources.warnings()
  }
}

function withSetting(refusal: Omit<RefusalInfo, 'setting'>): RefusalInfo {
  const setting = settingThatLifts(refusal.request, refusal.reason)
  return setting === undefined ? refusal : { ...refusal, setting }
}
