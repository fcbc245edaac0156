import { isIPv4 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isPublicIp } from '../../net/ip.ts'
import { ipOfAddress, transportOf } from '../addresses.ts'
import { keyOf } from './mapped-addresses.ts'
import type { WantedPort } from './state.ts'

/** Which ports a router is asked for: of those that are listened on, each of each address once. */
export type Wanted = WantedPort & { ip: string; address: Multiaddr }

/** At private IPv4 addresses: to be forwarded. */
export function wantedPorts(listening: readonly Multiaddr[]): Wanted[] {
  return listened(listening).filter(({ ip }) => isIPv4(ip) && !isPublicIp(ip) && !NOT_LOCAL.test(ip))
}

/** At public IPv6 addresses: to be let in. */
export function wantedPinholes(listening: readonly Multiaddr[]): Wanted[] {
  return listened(listening).filter(({ ip }) => ip.includes(':') && isPublicIp(ip))
}

function listened(addresses: readonly Multiaddr[]): Wanted[] {
  const all = addresses.flatMap(address => wantedAt(address) ?? [])
  return [...new Map(all.map(port => [`${port.ip} ${keyOf(port)}`, port])).values()]
}

const TRANSPORTS: Record<string, WantedPort['transport']> = {
  tcp: 'tcp',
  'quic-v1': 'quic',
  ws: 'ws',
  wss: 'ws',
  'webrtc-direct': 'webrtcDirect'
}

/** Loopback and link-local. */
const NOT_LOCAL = /^(127|169\.254)\./

/** The port of an address that is listened on; undefined if it is none of a transport. */
function wantedAt(address: Multiaddr): Wanted | undefined {
  const ip = ipOfAddress(address)
  const transport = TRANSPORTS[transportOf(address)]
  if (ip === undefined || transport === undefined) return undefined
  const protocol = transport === 'quic' || transport === 'webrtcDirect' ? 'udp' : 'tcp'
  const port = address.getComponents().find(({ name }) => name === protocol)?.value
  return { transport, protocol, internalPort: Number(port), ip, address }
}
