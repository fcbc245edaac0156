import type { BudgetInfo, Rule, WorstCase } from './api/budget.ts'
import type {
  BothWays,
  HistoryRecord,
  HistoryRequest,
  QuotaInfo,
  Rates,
  Stats,
  StatsRequest,
  Totals
} from './api/figures.ts'
import type { LadderInfo, LadderSummary, SelfTestInfo, ViaInfo } from './api/ladder.ts'
import type { Networks, NewNetwork } from './api/networks.ts'
import type { OverloadInfo } from './api/overload.ts'
import type { DataExport, StorageInfo } from './api/storage.ts'
import type { ErrorCode, ErrorDetails } from './errors.ts'

export type * from './api/budget.ts'
export type * from './api/figures.ts'
export type * from './api/ladder.ts'
export type * from './api/networks.ts'
export type * from './api/overload.ts'
export type * from './api/storage.ts'

/**
 * The one interface to a running node: the command line, the dashboard and the desktop window speak it, each over
 * its own carrier (HTTP, IPC, in process). Everything is JSON. Times are RFC 3339 in UTC; amounts are bytes, bytes
 * a second and seconds; a limit of 0 is none.
 */
export interface Api {
  status(): Promise<Status>
  /** Whether others get to this node, step by step, with what is in the way and what to do about it. */
  ladder(): Promise<LadderInfo>
  /** Has throw-away clients reserve and connect at this node; resolves when that is over, within a minute. */
  selfTest(): Promise<SelfTestInfo>
  /** Has a peer of one's choice dial this node (AutoNAT): a complete multiaddr. It is the only one that is contacted. */
  verifyVia(request: { address: string }): Promise<ViaInfo>
  reservations(): Promise<ReservationInfo[]>
  circuits(): Promise<CircuitInfo[]>
  peers(): Promise<PeerInfo[]>
  /** Refused requests since the start or, by the history's minutes, over that many seconds; the most frequent first. */
  refusals(request?: { seconds?: number }): Promise<RefusalInfo[]>
  settings(): Promise<SettingsInfo>
  /** Verifies a change and says what it would come to; nothing is applied. */
  checkSettings(change: SettingsChange): Promise<SettingsCheck>
  /** Verifies all of them, applies them to the running node, then writes the file; nothing if one is refused. */
  setSettings(change: SettingsChange): Promise<SettingsChanged>
  /** Reads the settings file anew and applies it. */
  reloadSettings(): Promise<SettingsChanged>
  /** Takes no new work and keeps what runs; without seconds until resumed, also over a restart. */
  pause(request?: { seconds?: number }): Promise<ModeInfo>
  resume(): Promise<ModeInfo>
  /** Ends the circuits, closes the libp2p node and opens a new one, with the settings as they are then. */
  restartNode(): Promise<ModeInfo>
  /** Takes no new work, lets circuits finish for that long (unless given: shutdown.timeoutSeconds), then stops. */
  drain(request?: { seconds?: number }): Promise<ModeInfo>
  closeCircuit(request: { id: number }): Promise<CircuitInfo>
  /** A rate of the peer's own, each direction; null: that of all peers. Kept in relay.rate.peers. */
  limitPeer(request: { peer: string; bytesPerSecond: number | null }): Promise<SettingsChanged>
  /** Peer ids, IP addresses and CIDR blocks; kept in access.deny. */
  blockPeer(request: { peer: string }): Promise<SettingsChanged>
  unblockPeer(request: { peer: string }): Promise<SettingsChanged>
  /** The networks of the settings, the node's own first: how it is in each, and what it did for it. */
  networks(): Promise<Networks>
  /** Joins a network, at once; one of the same name is replaced. Kept in `networks`. */
  addNetwork(request: NewNetwork): Promise<SettingsChanged>
  /** Leaves a network of the setting `networks`. */
  removeNetwork(request: { name: string }): Promise<SettingsChanged>
  /** With a time since when, what was done from then on, too. */
  stats(request?: StatsRequest): Promise<Stats>
  history(request: HistoryRequest): Promise<HistoryRecord[]>
  /** Takes all figures of the past off the disk and begins to count anew; the month's use of the quota stays. */
  deleteHistory(): Promise<void>
  /** What this node keeps on the disk. */
  storage(): Promise<StorageInfo>
  /** All of it but keys and secrets, to be taken elsewhere. */
  exportData(): Promise<DataExport>
  /** An encrypted backup of the identity key (an armored age file), as `waystation identity export` writes it. */
  exportIdentity(request: { passphrase: string }): Promise<IdentityBackup>
  /** Takes the key from a backup; the present one is kept beside it. It is used from the next start of the program on. */
  importIdentity(request: { text: string; passphrase: string }): Promise<{ peerId: string }>
  /** What GET /metrics gives, as JSON. */
  metrics(): Promise<MetricInfo[]>
  /** The newest lines of the log, oldest first. */
  logs(request?: { lines?: number }): Promise<LogLine[]>
}

export type Method = keyof Api

/** Every answer, over any carrier. */
export type Result<T> = { ok: true; value: T } | { ok: false; error: ApiError }

export interface ApiError {
  code: ErrorCode
  message: string
  /** The setting or argument to blame. */
  field?: string
  details?: ErrorDetails
}

/**
 * `off`: relay.enabled is false, nothing listens and nothing is contacted; `open` takes work; `paused` keeps what
 * runs; `held`: a rule of the budget holds it, it finishes, then sleeps; `draining`: is about to stop.
 */
export type NodeMode = 'off' | 'open' | 'paused' | 'draining' | 'held'

export interface ModeInfo {
  mode: NodeMode
  /** Which rule holds it, where the mode is `held`. */
  rule?: Rule
  /** What the mode waits for: the end of a pause, of draining; when the rule lets go. */
  until?: string
  /** While circuits finish. */
  circuitsLeft?: number
  /** Clients that still hold a reservation, while it drains: they are sent away one by one. */
  reservationsLeft?: number
  /** The libp2p node is being opened. */
  starting?: boolean
  /** Why the libp2p node does not run although the mode asks for it; it is tried again every 30 s, and by restartNode. */
  fault?: ApiError
}

export interface Status {
  version: string
  pid: number
  peerId: string
  profile: string
  startedAt: string
  uptimeSeconds: number
  /** The newest event included in this answer: listen for those after it. */
  eventId: string
  mode: ModeInfo
  addresses: AddressInfo[]
  /** What is announced to others, complete multiaddrs. */
  announced: string[]
  mapping: MappingInfo
  /** What the ladder comes to. */
  reachability: LadderSummary
  autoTls: AutoTlsInfo
  tls: TlsInfo
  reservations: { held: number; limit: number }
  circuits: { running: number; limit: number }
  connections: { peers: number; byTransport: Record<string, number> }
  dhtPeers: number
  /** Since the start. */
  peersServed: number
  relayedConnections: number
  rates: Rates
  totals: Totals
  quota: QuotaInfo
  budget: BudgetInfo
  /** While new work is refused because there is too much of it. */
  overload?: OverloadInfo
  memory: { rssBytes: number; heapUsedBytes: number }
  /** Where the other pages are. */
  publicUrls: string[]
  metricsUrls: string[]
  /** Sentences about what the person should know: the store that cannot be written, a port in use. */
  warnings: string[]
}

/** `verified` means confirmed from outside; `mapped` alone does not. `given`: by the settings, not checked. */
export type AddressState = 'listening' | 'mapped' | 'verified' | 'unreachable' | 'given'

export interface AddressInfo {
  /** Complete multiaddr. */
  address: string
  transport: string
  /** Whether it is one of the public Internet. */
  public: boolean
  state: AddressState
  since: string
  /** Why it is unreachable, or how it was verified. */
  cause?: string
  /** Known only from peers that saw this node come from there: a router's, not this machine's own. */
  observed?: true
}

/** The port mapping of the router. `failed` and `searching` say why in `cause`. */
export interface MappingInfo {
  state: 'off' | 'searching' | 'mapped' | 'failed'
  since: string
  cause?: string
  /** Stable word for the cause: `no-gateway`, `conflict`, `refused`, `private-gateway`, `no-answer`, … */
  code?: string
  gateway?: { protocol: 'upnp' | 'nat-pmp'; address: string; externalIp?: string }
  ports: MappedPort[]
  /** IPv6 ports that the router's firewall was asked to let in; absent where it offers no pinholes, or needs none. */
  pinholes?: MappedPort[]
}

export interface MappedPort {
  transport: 'tcp' | 'quic' | 'ws' | 'webrtcDirect'
  protocol: 'tcp' | 'udp'
  internalPort: number
  externalPort?: number
  state: 'mapped' | 'failed' | 'pending'
  since: string
  cause?: string
  code?: string
}

/**
 * The certificate that `ws.autoTls` gets: `waiting` for an address that is verified or given; `registering` its name, then
 * `requesting` it from the certificate authority; `held`. `failed` is tried again. With `validTo` there is one in use.
 */
export interface AutoTlsInfo {
  state: 'off' | 'waiting' | 'registering' | 'requesting' | 'held' | 'failed'
  since: string
  /** What it is for: `*.PEER.libp2p.direct`. */
  name?: string
  validTo?: string
  renewsAt?: string
  retryAt?: string
  /** A sentence on what went wrong, a stable word for it, and what the other side said. */
  cause?: string
  code?: string
  detail?: string
}

/** The listener of HTTPS and secure WebSocket (`tls.port`). */
export interface TlsInfo {
  /** `0.0.0.0:443`, `[::]:443`; none while it is closed. */
  addresses: string[]
  /** Those that it serves; the first to one who asks for no name. */
  certificates: CertificateInfo[]
}

export interface CertificateInfo {
  /** `files`: tls.cert and tls.key; `auto-tls`: ws.autoTls. */
  source: 'files' | 'auto-tls'
  /** Host names and IP addresses. */
  names: string[]
  validFrom: string
  validTo: string
  /** SHA-256: `AB:CD:…` */
  fingerprint: string
}

export interface ReservationInfo {
  peer: string
  since: string
  expiresAt: string
  /** Where the peer's newest connection comes from; undefined if it has none. */
  ip?: string
  transport?: string
  agent?: string
  circuits: number
}

export interface CircuitInfo {
  id: number
  source: string
  target: string
  since: string
  seconds: number
  bytes: BothWays
  /** Over the last 10 s. */
  rate: BothWays
  /** The network it belongs to, if it does. */
  network?: string
}

export interface PeerInfo {
  peer: string
  connections: { address: string; transport: string; direction: 'inbound' | 'outbound'; since: string }[]
  agent?: string
  reserved: boolean
  circuits: number
  /** Relayed for it while it was connected. */
  bytes: { sent: number; received: number }
  /** The rate of its own, in bytes a second. */
  limitBytesPerSecond?: number
}

export interface RefusalInfo {
  request: 'reserve' | 'connect'
  reason: string
  count: number
  /** The setting that would lift it, if one would. */
  setting?: string
}

export interface SettingInfo {
  key: string
  value: unknown
  /** As a person would write it. */
  text: string
  default: unknown
  /** The default of each profile, where they differ. */
  profileDefaults?: Record<string, unknown>
  from: 'flag' | 'environment' | 'file' | 'default'
  /** The flag, variable or file that set it. */
  name?: string
  group: string
  help: string
  kind: string
  allowed: string
  /** Where 0 means that there is no limit. */
  zeroIsUnlimited?: boolean
  choices?: readonly string[]
  applies: 'live' | 'restart'
  /** Differs from what the node runs with, until it is restarted. */
  pending: boolean
  /** What it takes to apply a change, where `applies` is `restart`. */
  restart?: 'node' | 'program'
  /** Set by flag or environment: the file cannot change it. */
  locked: boolean
}

export interface SettingsInfo {
  file: string
  settings: SettingInfo[]
}

export interface SettingsChange {
  /** Values by key, as JSON or as text ("50kB/s"); null takes the key out of the file. */
  values: Record<string, unknown>
}

export interface SettingsCheck {
  /** Why the change would be refused, a sentence for each setting to blame; none: it would be taken. */
  problems: ApiError[]
  warnings: string[]
  /** Keys that would apply only at a restart. */
  needsRestart: string[]
  /** What the settings would allow in a month; none where they cannot be loaded. */
  worstCase?: WorstCase
}

export interface SettingsChanged {
  applied: string[]
  needsRestart: string[]
  /** What applies the rest: a new libp2p node (restartNode), or a start of the program. */
  restart?: 'node' | 'program'
  /** False if the file could not be written: what was applied then lasts until the node stops. */
  saved: boolean
  warnings: string[]
}

export interface IdentityBackup {
  /** A name to keep it under: `waystation-w7Xb2q.age`. */
  fileName: string
  text: string
}

export interface MetricInfo {
  name: string
  help: string
  type: string
  values: { labels: Record<string, string | number>; value: number; name?: string }[]
}

export interface LogLine {
  time: string
  level: string
  message: string
  fields: Record<string, unknown>
}

/**
 * What `GET /api/events` sends, by name. Ids are resumable: a client that comes back with its last id gets what
 * it missed, or `missed-events` if that is no longer known (then a new snapshot is needed).
 */
export interface ApiEvents {
  'reservation-accepted': { peer: string; seconds: number }
  'reservation-renewed': { peer: string; seconds: number }
  'reservation-expired': { peer: string }
  'reservation-ended': { peer: string; reason: string }
  'circuit-accepted': { id: number; source: string; target: string; network?: string }
  'circuit-closed': {
    id: number
    source: string
    target: string
    reason: string
    bytes: BothWays
    seconds: number
  }
  'request-denied': { request: 'reserve' | 'connect'; reason: string; peer: string }
  'peer-connected': { peer: string }
  'peer-disconnected': { peer: string }
  'mode-changed': ModeInfo
  'settings-changed': SettingsChanged
  'address-changed': AddressInfo
  'mapping-changed': MappingInfo
  'auto-tls-changed': AutoTlsInfo
  /** Every second while someone listens. */
  tick: {
    rates: Rates
    circuits: number
    reservations: number
    peers: number
    bytes: BothWays
    mode: ModeInfo
  }
  log: LogLine
  'missed-events': { eventId: string }
}

export type EventName = keyof ApiEvents

/** One event with its id. */
export type ApiEvent = {
  [Name in EventName]: { id: string; name: Name; at: string; value: ApiEvents[Name] }
}[EventName]
