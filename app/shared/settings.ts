import { z } from 'zod'
import type { NetworkSetting } from './network-link.ts'
import { NETWORKS_ALLOWED, networksSchema } from './networks.ts'
import { parseQuantity } from './units.ts'
import { isWeekHours } from './week-hours.ts'

/**
 * The settings schema: one line a setting. Types, defaults, validation, `--flags`, `WAYSTATION_…` environment
 * variables, `--print-settings`, docs/settings.md and (later) the settings form are derived from it.
 *
 * Values are kept in one unit each: bytes, bytes a second, seconds. Text in other units ("100 MiB",
 * "10 Mbit/s", "1h") is accepted wherever a value is given. For limits, 0 means unlimited.
 */

export const PROFILES = ['home', 'server', 'introducer'] as const
export type Profile = (typeof PROFILES)[number]

/** Which program was started: it decides the profile and a few defaults. */
export type Entry = 'headless' | 'desktop'

/** `live`: applies within a second while the node runs. `restart`: when what it is about is opened anew. */
type Applies = 'live' | 'restart'

/** What is to be opened anew: the libp2p node with the public HTTP pages, or the whole program. */
export type Restart = 'node' | 'program'

type When = 'live' | Restart

/** How a value is written, parsed and shown. */
export type Kind =
  | 'limit'
  | 'bytes'
  | 'rate'
  | 'seconds'
  | 'port'
  | 'boolean'
  | 'text'
  | 'list'
  | 'choice'
  | 'path'
  | 'networks'

export interface Field<T> {
  kind: Kind
  group: string
  help: string
  applies: Applies
  /** Where `applies` is `restart`. */
  restart?: Restart
  schema: z.ZodType<T>
  /** One default for all profiles, or one each. */
  default: T | Record<Profile, T>
  /** The default in the desktop app, if it is another there. */
  desktopDefault?: T
  /** Zero means unlimited, and the word `unlimited` may be given. */
  zeroIsUnlimited: boolean
  /** What may be given, for error messages and docs: "1 to 65535". */
  allowed: string
  choices?: readonly string[]
}

type Defaults<T> = T | Record<Profile, T>

interface NumberOptions {
  min?: number
  max?: number
  unlimited?: boolean
}

let group = ''
const section = (name: string): object => {
  group = name
  return {}
}

const applying = (when: When): Pick<Field<unknown>, 'applies' | 'restart'> =>
  when === 'live' ? { applies: 'live' } : { applies: 'restart', restart: when }

function number(
  kind: Kind,
  value: Defaults<number>,
  when: When,
  help: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, unlimited = false }: NumberOptions = {}
): Field<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
  return {
    kind,
    group,
    help,
    ...applying(when),
    default: value,
    zeroIsUnlimited: unlimited,
    allowed: `a whole number, ${range}${unlimited ? ' (0 or "unlimited": no limit)' : ''}${examples[kind] ?? ''}`,
    schema: z.int().min(min).max(max)
  }
}

const examples: Partial<Record<Kind, string>> = {
  bytes: ', in bytes or with a unit: 100MiB, 128KiB, 1GB',
  rate: ', in bytes a second or with a unit: 1.25MB/s, 50kB/s, 10Mbit/s',
  seconds: ', in seconds or with a unit: 90s, 2min, 1h, 7d'
}

const limit = (value: Defaults<number>, help: string): Field<number> =>
  number('limit', value, 'live', help, { unlimited: true, max: 1_000_000 })
const bytes = (value: Defaults<number>, help: string): Field<number> =>
  number('bytes', value, 'live', help, { unlimited: true })
const rate = (value: Defaults<number>, help: string): Field<number> =>
  number('rate', value, 'live', help, { unlimited: true })
const seconds = (value: Defaults<number>, help: string, options: NumberOptions = {}): Field<number> =>
  number('seconds', value, 'live', help, { max: 315_360_000, ...options })
const port = (value: number, when: When, help: string): Field<number> =>
  number('port', value, when, `${help} (0: any free port)`, { max: 65_535 })

function boolean(value: Defaults<boolean>, when: When, help: string): Field<boolean> {
  return {
    kind: 'boolean',
    group,
    help,
    ...applying(when),
    default: value,
    zeroIsUnlimited: false,
    allowed: 'true or false',
    schema: z.boolean()
  }
}

function text(
  value: string,
  when: When,
  help: string,
  pattern: RegExp | z.ZodType<string>,
  allowed: string
): Field<string> {
  return {
    kind: 'text',
    group,
    help,
    ...applying(when),
    default: value,
    zeroIsUnlimited: false,
    allowed,
    schema: pattern instanceof RegExp ? z.string().regex(pattern) : pattern
  }
}

function path(when: When, help: string): Field<string> {
  return { ...text('', when, help, /^[^\0]*$/, 'a path of a file, or empty'), kind: 'path' }
}

function list(
  value: string[],
  when: When,
  help: string,
  allowed: string,
  item: z.ZodType<string>
): Field<string[]> {
  return {
    kind: 'list',
    group,
    help,
    ...applying(when),
    default: value,
    zeroIsUnlimited: false,
    allowed: `${allowed}; several by commas`,
    schema: z.array(item)
  }
}

function choice<const C extends readonly string[]>(
  choices: C,
  value: C[number],
  when: When,
  help: string
): Field<C[number]> {
  return {
    kind: 'choice',
    group,
    help,
    ...applying(when),
    default: value,
    zeroIsUnlimited: false,
    allowed: choices.join(', '),
    choices,
    schema: z.enum(choices)
  }
}

function networks(when: When, help: string): Field<NetworkSetting[]> {
  return {
    kind: 'networks',
    group,
    help,
    ...applying(when),
    default: [],
    zeroIsUnlimited: false,
    allowed: NETWORKS_ALLOWED,
    schema: networksSchema(ACCESS_RULE)
  }
}

const IPV4 = z.ipv4()
const IPV6 = z.ipv6()
const MULTIADDR = z.string().regex(/^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/]+(\/[^/]+)*$/)
const PEER_ID = z.string().regex(/^((12D3Koo|Qm|16Uiu2)[1-9A-Za-z]+|(bafz|k51)[0-9a-z]+)$/)
const ACCESS_RULE = z.union([PEER_ID, z.cidrv4(), z.cidrv6(), IPV4, IPV6])
const PEER_RATE = z.string().refine(item => parsePeerRate(item) !== undefined)
const WEEK_HOURS = z.string().refine(isWeekHours)
const LISTEN_ADDRESS = z.string().refine(value => value === '' || parseListenAddress(value) !== undefined)
const PROTOCOL_NAME = /^\/[\x21-\x7e]{1,120}$/
const DOMAIN =
  /^(?=.{1,253}$)([0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z][0-9A-Za-z-]*[0-9A-Za-z]$/
const DOMAIN_OR_NONE = new RegExp(`^$|${DOMAIN.source}`)
const HTTPS_URL = z.url({ protocol: /^https$/ })
const MiB = 1024 * 1024

// One line a setting, however long: they are read in columns.
// prettier-ignore
export const fields = {
  ...section('Node'),
  'relay.enabled': { ...boolean(true, 'live', 'Relay for others; off: the node listens nowhere and contacts nobody. Off in the desktop app until you opt in'), desktopDefault: false },
  profile: choice(PROFILES, 'server', 'live', 'Which set of defaults applies: home for a desktop, server for a server, introducer for a relay that only introduces browsers to each other'),

  ...section('Listening'),
  'listen.ip4': list(['0.0.0.0'], 'node', 'IPv4 addresses to listen on', 'IPv4 addresses, or "off"', IPV4),
  'listen.ip6': list(['::'], 'node', 'IPv6 addresses to listen on', 'IPv6 addresses, or "off"', IPV6),
  'tcp.enabled': boolean(true, 'node', 'Listen on TCP'),
  'tcp.port': port(4001, 'node', 'TCP port'),
  'quic.enabled': boolean(true, 'node', 'Listen on QUIC v1'),
  'quic.port': port(4001, 'node', 'UDP port of QUIC v1'),
  'ws.enabled': boolean(true, 'node', 'Listen on WebSocket'),
  'ws.port': port(4003, 'node', 'TCP port of WebSocket'),
  'ws.maxMessageBytes': number('bytes', 16 * MiB, 'node', 'Longest WebSocket message that is taken', { min: 65_536, max: 1024 * MiB }),
  'ws.idleSeconds': seconds(60, 'How long a WebSocket may be silent until it is pinged; as long again without an answer ends it', { min: 5, max: 3600 }),
  'ws.autoTls': boolean(false, 'node', 'Get a certificate for secure WebSocket under autoTls.domain, and renew it, once the node is reachable from outside; tells autoTls.forge and autoTls.acme its peer id and addresses'),
  'autoTls.domain': text('libp2p.direct', 'node', 'Domain under which ws.autoTls gets its name', DOMAIN, 'a domain name'),
  'autoTls.forge': text('https://registration.libp2p.direct', 'node', 'Where ws.autoTls registers its name', HTTPS_URL, 'an https:// URL'),
  'autoTls.acme': text('https://acme-v02.api.letsencrypt.org/directory', 'node', 'Directory of the certificate authority that ws.autoTls asks', HTTPS_URL, 'an https:// URL'),
  'webrtcDirect.enabled': boolean(true, 'node', 'Listen on WebRTC-direct, by which browsers connect without a certificate of an authority'),
  'webrtcDirect.port': port(4004, 'node', 'UDP port of WebRTC-direct'),
  'tls.port': port(443, 'node', 'TCP port of HTTPS and secure WebSocket, open once there is a certificate (tls.cert, ws.autoTls)'),
  'tls.cert': path('node', 'File with the certificate chain (PEM) of tls.port; read again when it changes'),
  'tls.key': path('node', 'File with the private key (PEM) of tls.cert'),
  'tls.minVersion': choice(['1.3', '1.2'], '1.3', 'node', 'Oldest version of TLS that is spoken at tls.port'),
  'http.enabled': boolean(true, 'node', 'Serve the public HTTP pages (identity, health)'),
  'http.port': port(4002, 'node', 'TCP port of the public HTTP pages'),
  'http.requestsPerIpPerMinute': limit(240, 'Public HTTP requests accepted from one IP address (IPv6: one /56) a minute'),
  'control.enabled': boolean(true, 'program', 'Serve the dashboard and the control API, which the waystation commands use'),
  'control.port': port(4010, 'program', 'TCP port of the dashboard and the control API'),
  'control.host': text('127.0.0.1', 'program', 'IP address of the dashboard and the control API; another than this machine\'s own (127.0.0.1, ::1) needs control.tls', z.union([IPV4, IPV6]), 'an IP address'),
  'control.tls.certificate': path('program', 'File with the certificate chain (PEM) for the dashboard and the control API'),
  'control.tls.key': path('program', 'File with the private key (PEM) of control.tls.certificate'),
  'metrics.listen': text('', 'program', 'Address of a listener for Prometheus beside the control API, without a token (empty: none)', LISTEN_ADDRESS, 'IP:PORT, such as 127.0.0.1:9464 or [::1]:9464, or empty'),
  upnp: boolean({ home: true, server: false, introducer: false }, 'live', 'Ask the router to forward the ports, by UPnP or NAT-PMP'),
  announce: list([], 'node', 'Multiaddrs to announce instead of those found out; to those of WebRTC-direct the node adds its certhash', 'multiaddrs such as /ip4/203.0.113.7/tcp/4001', MULTIADDR),
  announceIp: list([], 'node', 'Public IP addresses of this machine, for servers behind one-to-one NAT: announced with every open port, beside what announce says or is found out', 'IP addresses', z.union([IPV4, IPV6])),
  announceHost: text('', 'node', 'Domain name of this machine: announced with every open port, beside what announce says or is found out', DOMAIN_OR_NONE, 'a domain name, or empty'),
  trustedProxies: list([], 'node', 'Reverse proxies in front of this node: from these alone the address of a client is taken, by X-Forwarded-For or the PROXY protocol', 'IP addresses or CIDR blocks', z.union([z.cidrv4(), z.cidrv6(), IPV4, IPV6])),
  'connections.total': limit({ home: 512, server: 4096, introducer: 4096 }, 'Most connections at once, whatever the other limits would need'),

  ...section('Reservations'),
  'relay.reservations.total': limit({ home: 64, server: 1024, introducer: 1024 }, 'Reservations at once'),
  'relay.reservations.perIp': limit({ home: 4, server: 16, introducer: 64 }, 'Reservations at once from one IPv4 address or one IPv6 /56'),
  'relay.reservations.ttlSeconds': seconds(3600, 'How long a reservation lasts unless renewed', { min: 1 }),

  ...section('Circuits'),
  'relay.circuits.total': limit({ home: 32, server: 512, introducer: 16 }, 'Circuits at once'),
  'relay.circuits.perPeer': limit({ home: 4, server: 16, introducer: 4 }, 'Circuits at once of one peer, as source or target'),
  'relay.circuits.durationSeconds': seconds({ home: 3600, server: 3600, introducer: 120 }, 'How long a circuit may last', { unlimited: true }),
  'relay.circuits.bytesEachWay': bytes({ home: 100 * MiB, server: 100 * MiB, introducer: MiB }, 'How much a circuit may carry in each direction'),
  'relay.circuits.bufferBytes': number('bytes', 2 * MiB, 'node', 'Memory one circuit may hold in each direction while its reader is slow', { min: 1_048_576, max: 64 * MiB }),
  'relay.selfTest': boolean(true, 'live', 'Test the node once after it has opened: a throw-away client reserves on it, and another one reaches that through it, both on this machine'),
  'relay.dataPath': choice(['fast', 'upstream'], 'fast', 'node', "How TCP and WebSocket connections are encrypted and multiplexed: by the node's own code (fast), or by js-libp2p's (upstream: slower, the way out should the other fail with a client)"),

  ...section('Rates'),
  'relay.rate.totalBytesPerSecond': rate({ home: 1_250_000, server: 0, introducer: 0 }, 'Rate of all circuits together, in each direction'),
  'relay.rate.perPeerBytesPerSecond': rate(0, "Rate of all circuits of one peer together, in each direction"),
  'relay.rate.perCircuitBytesPerSecond': rate(0, 'Rate of one circuit, in each direction'),

  'relay.rate.peers': list([], 'live', 'Rates of single peers, instead of relay.rate.perPeerBytesPerSecond', 'PEER=RATE, such as 12D3KooW…=50kB/s', PEER_RATE),

  ...section('Quota'),
  'quota.bytesPerMonth': bytes({ home: 100_000_000_000, server: 0, introducer: 0 }, 'All traffic of the node in a month, counted as quota.counts says; as it is used up circuits finish and the node sleeps until the next month'),
  'quota.bytesPerDay': bytes(0, 'All traffic of the node in a day, counted as quota.counts says; as it is used up circuits finish and the node sleeps until the next day'),
  'quota.counts': choice(['both', 'sent', 'received', 'larger'], 'both', 'live', 'Which bytes the quotas count, as your provider does: both directions together, those sent, those received, or the larger of the two'),
  'quota.monthStartsOn': number('limit', 1, 'live', 'Day of the month on which the month of the quota begins; where a month is shorter, its last day', { min: 1, max: 31 }),
  'quota.softPercent': number('limit', 80, 'live', 'From this percent of a quota on a peer that has had more than its fair share of the rest gets no new circuits (100: never)', { min: 1, max: 100 }),

  ...section('Schedule and power'),
  'schedule.hours': list([], 'live', 'Hours of the week in which the node works, by the clock of this machine; outside them circuits finish and it sleeps (empty: always)', 'days and hours such as "mon-fri 22-7" or "sat,sun 0-24"', WEEK_HOURS),
  'power.holdOnBattery': { ...boolean(false, 'live', 'Sleep while this machine runs on its battery'), desktopDefault: true },
  'power.batteryBelowPercent': number('limit', 0, 'live', 'Sleep while the battery is below this percent and does not charge (0: never)', { max: 100 }),
  'power.holdOnMetered': { ...boolean(false, 'live', 'Sleep while the connection is metered, where the system says so'), desktopDefault: true },
  'power.fullScreenPrograms': list([], 'live', 'Sleep while one of these programs fills the screen, where the system tells', 'names of programs such as doom or vlc.exe', z.string().regex(/^[^\0]{1,200}$/)),
  'cpu.sharePercent': number('limit', 0, 'live', 'Share of one processor core the node may use, in percent: its rate is narrowed to stay within, and new work refused while it is above (0: no limit)', { max: 100 }),

  ...section('Admission'),
  'relay.attempts.perPeerPerMinute': limit(30, 'New reservations and connects that one peer may ask for a minute'),
  'relay.attempts.perIpPerMinute': limit({ home: 60, server: 120, introducer: 120 }, 'New reservations and connects that one IPv4 address or IPv6 /56 may ask for a minute'),
  'overload.eventLoopDelayMs': number('limit', { home: 300, server: 500, introducer: 500 }, 'live', 'New work is refused while the node comes to its work later than this, in milliseconds (0: no limit)', { max: 60_000 }),
  'overload.memoryBytes': bytes({ home: 1024 * MiB, server: 3072 * MiB, introducer: 1024 * MiB }, 'New work is refused while the process holds more memory than this'),
  'access.allow': list([], 'live', 'If not empty, only these may reserve and connect', 'peer ids, IP addresses or CIDR blocks', ACCESS_RULE),
  'access.deny': list([], 'live', 'These may neither reserve nor connect', 'peer ids, IP addresses or CIDR blocks', ACCESS_RULE),

  ...section('DHT and peers'),
  'dht.enabled': boolean(true, 'node', 'Run the Kademlia DHT server'),
  'dht.protocol': text('/ipfs/kad/1.0.0', 'node', 'DHT protocol name', PROTOCOL_NAME, 'a protocol name that begins with /'),
  'dht.bootstrap': list([], 'node', 'Peers to join the DHT through; none: nothing is contacted unasked', 'multiaddrs that end in /p2p/PEER', MULTIADDR.regex(/\/p2p\/[^/]+$/)),
  'dht.queryTimeoutSeconds': number('seconds', 60, 'node', 'How long a DHT query may take', { min: 1, max: 600 }),
  'dht.clientAddresses': choice(['all', 'announced', 'relayed-only', 'none'], 'announced', 'live', 'Which addresses of a connected client the DHT answers give out: all (announced, and that of its connection), announced, relayed-only (through relays alone: no IP address of a client is given out), none'),

  ...section('Networks'),
  networks: networks('live', 'The networks of peers that this node serves beside that of dht.protocol: it joins the DHT of each, is found there as a relay, and may give each a part of the rate'),

  ...section('Identity'),
  'identity.protocolVersion': text('/waystation/relay/1.0.0', 'node', 'Protocol version that identify and the identity page give', /^[\x21-\x7e]{1,120}$/, 'up to 120 visible characters'),
  'identity.agentVersion': text('', 'node', 'Agent version that identify and the identity page give (empty: waystation/VERSION)', /^[\x20-\x7e]{0,120}$/, 'up to 120 visible characters'),

  ...section('Stopping'),
  'shutdown.timeoutSeconds': seconds(30, 'How long running circuits may go on after the node was asked to stop', { max: 86_400 }),

  ...section('Desktop app'),
  'updates.check': boolean(false, 'live', 'Look for a new version of the desktop app once a day'),
  'notify.firstCircuit': boolean(true, 'live', 'Tell when the first circuit ever was relayed'),
  'notify.mapping': boolean(true, 'live', 'Tell when the router refuses to forward the ports'),
  'notify.quota': boolean(true, 'live', 'Tell when the quota of the month is used up'),
  'notify.update': boolean(true, 'live', 'Tell when a new version is ready to be installed'),

  ...section('Log'),
  'log.level': choice(['silent', 'error', 'warn', 'info', 'debug', 'trace'], 'info', 'live', 'What is logged'),
  'log.format': choice(['auto', 'pretty', 'json'], 'auto', 'program', 'How log lines look; auto: pretty on a terminal, JSON elsewhere'),
  'log.addresses': boolean(false, 'live', 'Log lines may hold IP addresses'),
  'log.peers': boolean(false, 'live', 'Log lines about circuits may name the peers')
}

/** `127.0.0.1:9464`, `[::1]:9464` as IP address and port; undefined if it is none. */
export function parseListenAddress(value: string): { host: string; port: number } | undefined {
  const [, ip6, ip4 = '', digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? []
  const port = Number(digits)
  const valid = ip6 === undefined ? IPV4.safeParse(ip4).success : IPV6.safeParse(ip6).success
  return valid && port <= 65_535 ? { host: ip6 ?? ip4, port } : undefined
}

/** An item of `relay.rate.peers` as its peer and its rate in bytes a second; undefined if it is none. */
export function parsePeerRate(item: string): { peer: string; bytesPerSecond: number } | undefined {
  const [peer = '', rate = '', ...more] = item.split('=')
  const bytesPerSecond = parseQuantity(rate, 'rate')
  if (more.length > 0 || !PEER_ID.safeParse(peer).success || !bytesPerSecond) return undefined
  return { peer, bytesPerSecond }
}

export type Key = keyof typeof fields
type ValueOf<F> = F extends Field<infer T> ? T : never
export type Settings = { readonly [K in Key]: ValueOf<(typeof fields)[K]> }
export const keys = Object.keys(fields) as Key[]

export function isKey(name: string): name is Key {
  return Object.hasOwn(fields, name)
}

/** The field of a key, seen without its value's type. */
export function fieldOf(key: Key): Field<unknown> {
  return fields[key]
}

/** All defaults of a profile. */
export function defaultsOf(profile: Profile, entry: Entry = 'headless'): Settings {
  const entries = keys.map(key => [key, key === 'profile' ? profile : defaultOf(key, profile, entry)])
  return Object.fromEntries(entries) as Settings
}

/** A field's default in a profile. */
export function defaultOf(key: Key, profile: Profile, entry: Entry = 'headless'): unknown {
  const { default: value, desktopDefault } = fieldOf(key)
  if (entry === 'desktop' && desktopDefault !== undefined) return desktopDefault
  const perProfile = typeof value === 'object' && value !== null && !Array.isArray(value)
  return perProfile ? (value as Record<Profile, unknown>)[profile] : value
}

const kebab = (word: string): string => word.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

/** `relay.reservations.perIp` -> `--relay-reservations-per-ip` */
export function flagOf(key: Key): string {
  return `--${key.split('.').map(kebab).join('-')}`
}

/** `relay.reservations.perIp` -> `WAYSTATION_RELAY_RESERVATIONS_PER_IP` */
export function environmentNameOf(key: Key): string {
  return `WAYSTATION_${flagOf(key).slice(2).replaceAll('-', '_').toUpperCase()}`
}
