import type { PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { base36 } from 'multiformats/bases/base36'
import { isPublicIp } from '../../net/ip.ts'
import { ipOfAddress, transportOf } from '../addresses.ts'

/** The domain of one node, below that of the forge: every name in it resolves to the IP address it begins with. */
export function domainOf(peerId: PeerId, forgeDomain: string): string {
  return `${base36.encode(peerId.toCID().bytes)}.${forgeDomain}`
}

/** `203-0-113-7.k51….libp2p.direct`; IPv6 addresses are written with dashes too, and a label begins with none. */
export function nameOf(ip: string, domain: string): string {
  const dashed = ip.replaceAll(/[.:]/g, '-')
  return `${dashed.replace(/^-/, '0-').replace(/-$/, '-0')}.${domain}`
}

/** An address as it is announced, and as it is asked about. */
export interface Named {
  address: Multiaddr
  /** Servers dial back to IP addresses only, and TLS needs the name all the same. */
  ask?: Multiaddr
}

/** Puts the name into an address of secure WebSocket at a public IP address; `domain` is undefined as long as there is no certificate. */
export function named(address: Multiaddr, domain: string | undefined): Named {
  const ip = ipOfAddress(address)
  if (domain === undefined || ip === undefined || !isPublicIp(ip) || transportOf(address) !== 'wss')
    return { address }
  const parts = address.getComponents()
  const [first] = parts
  const port = parts.find(part => part.name === 'tcp')?.value
  if (port === undefined || parts.some(part => part.name === 'sni')) return { address }
  const name = nameOf(ip, domain)
  const family = first?.name === 'ip6' ? 'ip6' : 'ip4'
  return {
    address: multiaddr(`/dns${family.slice(2)}/${name}/tcp/${port}/tls/ws`),
    ask: multiaddr(`/${family}/${ip}/tcp/${port}/tls/sni/${name}/ws`)
  }
}
