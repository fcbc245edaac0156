import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import { flagOf, type Key, type Settings } from '../../shared/settings.ts'
import { opensTls } from '../../shared/values.ts'
import { transportOf } from './addresses.ts'

/** A transport that a person can switch on, off and move. */
export type Listener = 'tcp' | 'quic' | 'ws' | 'webrtcDirect'

const SUFFIX: Record<Listener, string> = {
  tcp: 'tcp/PORT',
  quic: 'udp/PORT/quic-v1',
  ws: 'tcp/PORT/ws',
  // The transport adds the hash of its certificate.
  webrtcDirect: 'udp/PORT/webrtc-direct'
}
const NAME: Record<Listener, string> = {
  tcp: 'TCP',
  quic: 'QUIC (UDP)',
  ws: 'WebSocket',
  webrtcDirect: 'WebRTC-direct (UDP)'
}
const LISTENERS = Object.keys(SUFFIX) as Listener[]

/** The multiaddrs that the settings ask to listen on. */
export function listenAddresses(settings: Settings): Multiaddr[] {
  return LISTENERS.filter(listener => settings[`${listener}.enabled`]).flatMap(listener =>
    hostsOf(settings).map(host => multiaddr(`${host}/${suffixOf(listener, settings[`${listener}.port`])}`))
  )
}

/** Those of secure WebSocket, whose listener is not libp2p's: they are open when there is a certificate. */
export function secureAddresses(settings: Settings): Multiaddr[] {
  if (!opensTls(settings) || settings['relay.dataPath'] !== 'fast') return []
  return hostsOf(settings).map(host => multiaddr(`${host}/tcp/${settings['tls.port']}/tls/ws`))
}

function hostsOf(settings: Settings): string[] {
  return [
    ...settings['listen.ip4'].map(ip => `/ip4/${ip}`),
    ...settings['listen.ip6'].map(ip => `/ip6/${ip}`)
  ]
}

/** Every open port at each of the given public IP addresses (setting `announceIp`). */
export function announcedAt(ips: readonly string[], listening: readonly Multiaddr[]): Multiaddr[] {
  const places = listening.map(placeOf).filter(place => place !== undefined)
  const texts = ips.flatMap(ip => {
    const family = ip.includes(':') ? 'ip6' : 'ip4'
    return places.filter(place => place.family === family).map(({ suffix }) => `/${family}/${ip}/${suffix}`)
  })
  return [...new Set(texts)].map(text => multiaddr(text))
}

/** What stands behind the IP address of an address that we listen on: the port, and the hash of a certificate. */
function placeOf(address: Multiaddr): { family: string | undefined; suffix: string } | undefined {
  if (transportOf(address) === 'other') return undefined
  const [host, ...parts] = address
    .getComponents()
    .filter(part => part.name !== 'ip6zone' && part.name !== 'p2p')
  const suffix = parts.flatMap(({ name, value }) => (value === undefined ? [name] : [name, value]))
  return { family: host?.name, suffix: suffix.join('/') }
}

/**
 * Every open port at a domain name (setting `announceHost`), by IPv4 where something listens on that. But for
 * WebRTC-direct, whose clients need an IP address.
 */
export function announcedAtHost(name: string, listening: readonly Multiaddr[]): Multiaddr[] {
  if (name === '') return []
  const byPort = new Map<string, 'dns4' | 'dns6'>()
  for (const address of listening) {
    const place = transportOf(address) === 'webrtc-direct' ? undefined : placeOf(address)
    if (place?.family === 'ip4') byPort.set(place.suffix, 'dns4')
    else if (place !== undefined && !byPort.has(place.suffix)) byPort.set(place.suffix, 'dns6')
  }
  return [...byPort].map(([suffix, dns]) => multiaddr(`/${dns}/${name}/${suffix}`))
}

export interface ListenFailure {
  address: Multiaddr
  error: unknown
}

/**
 * What failed listeners mean: sentences for the log, as long as something listens and the person did not ask
 * for the transport by flag. @throws AppError port-in-use, port-forbidden, address-unusable
 */
export function judgeFailures(
  failures: readonly ListenFailure[],
  listening: number,
  askedFor: ReadonlySet<string>
): string[] {
  const errors = failures.map(failure => ({ ...describeFailure(failure), failure }))
  const fatal = errors.find(({ failure, noSuchFamily }) => {
    const listener = listenerOf(failure.address)
    return listener !== undefined && askedFor.has(listener) && !noSuchFamily
  })
  const first = errors[0]
  if (fatal !== undefined) throw fatal.error
  if (listening === 0 && first !== undefined) throw first.error
  return [...new Set(errors.map(({ error }) => error.message))]
}

/** What stands in the way of a listener, and whether that is only that the machine has no IPv6. */
export function describeFailure({ address, error }: ListenFailure): {
  error: AppError
  noSuchFamily: boolean
} {
  if (error instanceof AppError) return { error, noSuchFamily: false }
  const listener = listenerOf(address) ?? 'tcp'
  const parts = address.getComponents()
  const ip = parts[0]?.value ?? ''
  const family = parts[0]?.name === 'ip6' ? 'ip6' : 'ip4'
  const port = parts.find(part => part.name === 'tcp' || part.name === 'udp')?.value ?? ''
  const code = systemCode(error)
  const portSetting: Key = `${listener}.port`
  const off = `--no-${flagOf(`${listener}.enabled`).slice(2)}`
  const portDetails = { setting: portSetting, port: Number(port), address: address.toString() }
  if (code === 'EADDRINUSE') {
    const what = `${NAME[listener]} port ${port} on ${ip} is in use by another program (setting ${portSetting}).`
    const mend = `Choose another with ${flagOf(portSetting)}, or go without by ${off}.`
    return { error: new AppError('port-in-use', `${what} ${mend}`, portDetails, error), noSuchFamily: false }
  }
  if (code === 'EACCES') {
    const what = `${NAME[listener]} port ${port} may not be opened by this user (setting ${portSetting}).`
    const mend = `Choose one above 1023 with ${flagOf(portSetting)}, or go without by ${off}.`
    return {
      error: new AppError('port-forbidden', `${what} ${mend}`, portDetails, error),
      noSuchFamily: false
    }
  }
  const details = { setting: `listen.${family}`, address: address.toString() }
  const noSuchFamily = (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL') && ip === '::'
  const what = noSuchFamily
    ? `This machine has no IPv6: ${NAME[listener]} goes without it (setting listen.ip6; --listen-ip6 off says so).`
    : `${NAME[listener]} cannot listen on ${ip} (setting listen.${family}): ${reason(code, error)}.`
  return { error: new AppError('address-unusable', what, details, error), noSuchFamily }
}

function reason(code: string | undefined, error: unknown): string {
  return code === 'EADDRNOTAVAIL' ? 'this machine has no such address' : messageOf(error)
}

/** Which of the transports it is an address of. */
export function listenerOf(address: Multiaddr): Listener | undefined {
  const transport = transportOf(address)
  if (transport === 'quic-v1') return 'quic'
  if (transport === 'webrtc-direct') return 'webrtcDirect'
  return transport === 'tcp' || transport === 'ws' ? transport : undefined
}

function suffixOf(listener: Listener, port: number | string): string {
  return SUFFIX[listener].replace('PORT', String(port))
}
