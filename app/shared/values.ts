import { AppError } from './errors.ts'
import { parseNetwork } from './network-link.ts'
import { fieldOf, flagOf, type Field, type Key, type Settings } from './settings.ts'
import { parseQuantity, parseWhole, writeQuantity } from './units.ts'

/**
 * One value at a time: from text (a flag, an environment variable) or JSON (the settings file, the API) to
 * what the node uses, and back to text for people. Text is only rewritten here; `field.schema` (zod) alone
 * decides what is valid.
 */

/** What an unreadable value becomes on its way to the schema, which refuses it. */
const UNREADABLE = undefined

/**
 * Reads a value given as text or JSON. `where` says where it was given (`--tcp-port`, a file), for the message.
 * Throws `bad-setting` with the setting's key in `details.setting`.
 */
export function parseValue<K extends Key>(key: K, given: unknown, where?: string): Settings[K] {
  const field = fieldOf(key)
  const result = field.schema.safeParse(read(field, given))
  if (result.success) return result.data as Settings[K]
  throw new AppError('bad-setting', refusal(key, field, given, where), {
    setting: key,
    given: show(given),
    allowed: field.allowed,
    where
  })
}

/** A value as a person would write it; `parseValue` reads it back as the same value. */
export function formatValue(key: Key, value: unknown): string {
  const field = fieldOf(key)
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    return field.kind === 'networks' ? JSON.stringify(value) : value.join(', ')
  }
  if (typeof value !== 'number') return String(value)
  if (value === 0 && field.zeroIsUnlimited) return 'unlimited'
  const { kind } = field
  return kind === 'bytes' || kind === 'rate' || kind === 'seconds'
    ? writeQuantity(value, kind)
    : String(value)
}

function read(field: Field<unknown>, given: unknown): unknown {
  switch (field.kind) {
    case 'boolean':
      return readBoolean(given)
    case 'list':
      return readList(given)
    case 'networks':
      return readNetworks(given)
    case 'choice':
      return typeof given === 'string' ? given.trim().toLowerCase() : given
    case 'text':
    case 'path':
      return given
    default:
      return typeof given === 'string' ? readNumber(field, given) : given
  }
}

function readNumber(field: Field<unknown>, text: string): number | undefined {
  if (field.zeroIsUnlimited && /^\s*(unlimited|none)\s*$/i.test(text)) return 0
  const { kind } = field
  return kind === 'bytes' || kind === 'rate' || kind === 'seconds'
    ? parseQuantity(text, kind)
    : parseWhole(text)
}

const TRUE = new Set(['true', 'yes', 'on', '1'])
const FALSE = new Set(['false', 'no', 'off', '0'])

/** Whether a word after a switch (`--ws-enabled off`) is its value. */
export function isBooleanWord(word: string): boolean {
  return TRUE.has(word.toLowerCase()) || FALSE.has(word.toLowerCase())
}

function readBoolean(given: unknown): unknown {
  if (typeof given === 'boolean') return given
  if (typeof given !== 'string' && typeof given !== 'number') return UNREADABLE
  const word = String(given).trim().toLowerCase()
  if (TRUE.has(word)) return true
  return FALSE.has(word) ? false : UNREADABLE
}

function readList(given: unknown): unknown {
  if (typeof given !== 'string') return given
  const text = given.trim()
  if (/^(off|none|)$/i.test(text)) return []
  if (!text.startsWith('[')) {
    const items = text.split(',').map(item => item.trim())
    return items.filter(item => item !== '')
  }
  try {
    return JSON.parse(text)
  } catch {
    return UNREADABLE
  }
}

/** JSON of one or of several, or a link to one. */
function readNetworks(given: unknown): unknown {
  if (typeof given !== 'string') return given
  const text = given.trim()
  if (/^(off|none|)$/i.test(text)) return []
  try {
    if (!/^[[{]/.test(text)) return [parseNetwork(text)]
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : [parsed]
  } catch {
    return UNREADABLE
  }
}

function refusal(key: Key, field: Field<unknown>, given: unknown, where?: string): string {
  const source = where === undefined ? '' : ` (given by ${where})`
  const item = badItem(field, given)
  const what = item === undefined ? show(given) : `${show(given)}, because of ${show(item)}`
  return `${key}${source} cannot be ${what}. Allowed: ${field.allowed}.`
}

/** Which item of a list is to blame, when there is more than one. */
function badItem(field: Field<unknown>, given: unknown): unknown {
  const items =
    field.kind === 'list' ? readList(given) : field.kind === 'networks' ? readNetworks(given) : undefined
  if (!Array.isArray(items) || items.length < 2) return undefined
  return items.find(item => !field.schema.safeParse([item]).success)
}

/** What was given, short enough for a line of an error message. */
function show(given: unknown): string {
  const text = JSON.stringify(given) ?? String(given)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

/** Settings that are valid one by one and do not fit together. Errors stop the start, warnings do not. */
export interface Problem {
  severity: 'error' | 'warning'
  code: 'bad-setting' | 'nothing-to-listen-on'
  settings: readonly Key[]
  message: string
}

/** Checks the settings against each other. TCP and QUIC may share a number: one is a TCP port, one a UDP port. */
export function validateSettings(settings: Settings): Problem[] {
  return [
    ...sharedTcpPorts(settings),
    ...controlForOthers(settings),
    ...halfACertificate(settings),
    ...nothingToListenOn(settings),
    ...idleAnnounce(settings),
    ...announcedWithoutWebRtc(settings),
    ...tooFewConnections(settings),
    ...idleNetworks(settings)
  ]
}

const TCP_LISTENERS = [
  ['tcp.enabled', 'tcp.port'],
  ['ws.enabled', 'ws.port'],
  ['http.enabled', 'http.port'],
  ['control.enabled', 'control.port']
] as const

/** Whether tls.port opens, now or once a certificate comes. */
export function opensTls(settings: Settings): boolean {
  return settings['tls.cert'] !== '' || settings['ws.autoTls']
}

function sharedTcpPorts(settings: Settings): Problem[] {
  const tls = opensTls(settings) ? [['ws.autoTls', 'tls.port'] as const] : []
  const open = [...TCP_LISTENERS.filter(([enabled]) => settings[enabled]), ...tls].filter(
    ([, port]) => settings[port] !== 0
  )
  return open.flatMap(([, first], index) =>
    open
      .slice(index + 1)
      .filter(([, second]) => settings[first] === settings[second])
      .map(([enabled, second]) => ({
        severity: 'error' as const,
        code: 'bad-setting' as const,
        settings: [first, second],
        message:
          `${first} and ${second} are both ${settings[first]}, and one TCP port serves one of them. ` +
          `Move one (${flagOf(first)} N or ${flagOf(second)} N), or switch one off (${enabled === 'ws.autoTls' ? withoutTls(settings) : switchOff(enabled)}).`
      }))
  )
}

/** What to leave out so that tls.port stays closed. */
function withoutTls(settings: Settings): string {
  const files = settings['tls.cert'] === '' ? [] : ['leave tls.cert and tls.key out']
  return [...files, ...(settings['ws.autoTls'] ? [switchOff('ws.autoTls')] : [])].join(' and ')
}

/** An IP address that only this machine reaches itself by. */
export function isLoopbackHost(ip: string): boolean {
  const { hostname } = new URL(`http://${ip.includes(':') ? `[${ip}]` : ip}`)
  return hostname.startsWith('127.') || hostname === '[::1]'
}

/** The token, sessions and all figures would cross the network for everyone to read. */
function controlForOthers(settings: Settings): Problem[] {
  if (!settings['control.enabled']) return []
  const bad = { severity: 'error', code: 'bad-setting' } as const
  const host = settings['control.host']
  const missing = (['control.tls.certificate', 'control.tls.key'] as const).filter(
    key => settings[key] === ''
  )
  if (missing.length === 2) {
    if (isLoopbackHost(host)) return []
    const message =
      `control.host is ${host}, by which other machines reach the dashboard, and that needs TLS: give its certificate and key (PEM files) with ` +
      '--control-tls-certificate FILE and --control-tls-key FILE, or leave control.host at 127.0.0.1 and go there through an SSH tunnel.'
    return [{ ...bad, settings: ['control.host', ...missing], message }]
  }
  return missing.map(key => ({
    ...bad,
    settings: [key],
    message: `control.tls.certificate and control.tls.key go together, and ${key} is not set (${flagOf(key)} FILE).`
  }))
}

function halfACertificate(settings: Settings): Problem[] {
  const missing = (['tls.cert', 'tls.key'] as const).filter(key => settings[key] === '')
  if (missing.length !== 1) return []
  return missing.map(key => ({
    severity: 'error',
    code: 'bad-setting',
    settings: [key],
    message: `tls.cert and tls.key go together, and ${key} is not set (${flagOf(key)} FILE).`
  }))
}

const TRANSPORTS = ['tcp.enabled', 'quic.enabled', 'ws.enabled', 'webrtcDirect.enabled'] as const

function nothingToListenOn(settings: Settings): Problem[] {
  const off = { severity: 'error', code: 'nothing-to-listen-on' } as const
  const listens =
    TRANSPORTS.some(key => settings[key]) || (opensTls(settings) && settings['relay.dataPath'] === 'fast')
  if (!listens) {
    const flags = TRANSPORTS.map(flagOf).join(', ')
    const message = `${TRANSPORTS.join(', ')} are all off, so there is nothing to listen on. Switch one on (${flags}).`
    return [{ ...off, settings: TRANSPORTS, message }, ...announcedInVain(settings)]
  }
  if (settings['listen.ip4'].length > 0 || settings['listen.ip6'].length > 0) return []
  const message =
    'listen.ip4 and listen.ip6 are both empty, so there is nothing to listen on. Give an address (--listen-ip4 0.0.0.0 or --listen-ip6 ::).'
  return [{ ...off, settings: ['listen.ip4', 'listen.ip6'], message }, ...announcedInVain(settings)]
}

function announcedInVain(settings: Settings): Problem[] {
  if (settings.announceIp.length === 0) return []
  const message = `announceIp is ${settings.announceIp.join(', ')}, but no transport listens there. Switch one on, or leave announceIp out.`
  return [
    { severity: 'error', code: 'nothing-to-listen-on', settings: ['announceIp', ...TRANSPORTS], message }
  ]
}

/** An announced address of a family that nothing listens on sends every client into the void. */
function idleAnnounce(settings: Settings): Problem[] {
  const families = [
    ['IPv4', 'listen.ip4', 'listen.ip6', (ip: string): boolean => !ip.includes(':')],
    ['IPv6', 'listen.ip6', 'listen.ip4', (ip: string): boolean => ip.includes(':')]
  ] as const
  return families
    .filter(
      ([, key, other, matches]) =>
        settings[key].length === 0 && settings[other].length > 0 && settings.announceIp.some(matches)
    )
    .map(([family, key]) => ({
      severity: 'warning' as const,
      code: 'bad-setting' as const,
      settings: ['announceIp', key] as const,
      message: `announceIp holds an ${family} address, but ${key} is empty: clients cannot reach it. Set ${key}, or leave that address out.`
    }))
}

/** Who lists what is announced soon forgets the transport whose addresses nobody can write by hand. */
function announcedWithoutWebRtc(settings: Settings): Problem[] {
  const { announce, announceIp } = settings
  const isOn = settings['webrtcDirect.enabled']
  const isNamed = announce.some(address => /\/webrtc-direct(\/|$)/.test(address))
  if (announce.length === 0 || isNamed === isOn || (isOn && announceIp.length > 0)) return []
  const message = isOn
    ? `announce names no address of WebRTC-direct, so no browser learns of one. Add one without its certhash, which the node adds (/ip4/YOUR.IP/udp/${settings['webrtcDirect.port']}/webrtc-direct), or switch it off (${switchOff('webrtcDirect.enabled')}).`
    : `announce names an address of WebRTC-direct, which is off. Switch it on (${flagOf('webrtcDirect.enabled')}), or leave that address out.`
  return [
    { severity: 'warning', code: 'bad-setting', settings: ['announce', 'webrtcDirect.enabled'], message }
  ]
}

function tooFewConnections(settings: Settings): Problem[] {
  const connections = settings['connections.total']
  const reservations = settings['relay.reservations.total']
  if (connections === 0 || reservations <= connections) return []
  const message = `relay.reservations.total is ${reservations}, but connections.total lets in only ${connections} peers. Raise connections.total.`
  return [
    {
      severity: 'warning',
      code: 'bad-setting',
      settings: ['relay.reservations.total', 'connections.total'],
      message
    }
  ]
}

/** What is said of networks and cannot come true. */
function idleNetworks(settings: Settings): Problem[] {
  const warning = { severity: 'warning', code: 'bad-setting' } as const
  const { networks } = settings
  const shared = networks.filter(({ sharePercent }) => sharePercent !== undefined)
  const problems: Problem[] = []
  if (networks.length > 0 && !settings['dht.enabled']) {
    const message =
      'dht.enabled is off, so that none of the networks is joined. Switch it on, or remove the networks.'
    problems.push({ ...warning, settings: ['networks', 'dht.enabled'], message })
  }
  if (shared.length > 0 && settings['relay.rate.totalBytesPerSecond'] === 0) {
    const names = shared.map(({ name }) => name).join(', ')
    const message = `The share of ${names} is a part of relay.rate.totalBytesPerSecond, which has no limit: it limits nothing. Set that rate.`
    problems.push({ ...warning, settings: ['networks', 'relay.rate.totalBytesPerSecond'], message })
  }
  return problems
}

const switchOff = (key: Key): string => `--no-${flagOf(key).slice(2)}`
