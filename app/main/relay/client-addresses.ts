import { multiaddr } from '@multiformats/multiaddr'
import type { Component, Multiaddr } from '@multiformats/multiaddr'
import type { Settings } from '../../shared/settings.ts'
import { isPublicIp } from '../net/ip.ts'

/**
 * Which addresses of a peer a DHT answer gives out, and to whom: the setting `dht.clientAddresses`, as a pure
 * function. The policies are ordered: each gives out a part of what the one before it does.
 */
export type AddressPolicy = Settings['dht.clientAddresses']

/** Addresses of one peer in any answer: enough for every transport, and no way to make answers large. */
export const MAX_ADDRESSES = 16

/** How many of those may be addresses through this relay, so that they crowd out no direct one. */
const MAX_THROUGH_US = 8

/** What is known of the peer that an answer names. */
export interface Subject {
  /** Its peer id, as text. */
  id: string
  /** What it gave by identify; of a peer that is not connected, what the peer store remembers. */
  announced: readonly Multiaddr[]
  /** The remote addresses of its connections to this node, none if it is not connected. */
  connections: readonly Multiaddr[]
  /** It holds a reservation on this relay. */
  reserved: boolean
  /** This node itself, or one of the configured bootstrap peers: no client, so the policy is not about it. */
  infrastructure: boolean
}

export interface OwnAddresses {
  id: string
  addresses: readonly Multiaddr[]
}

/** At most 16 addresses, without the peer's own id at the end; none means: leave the peer out of the answer. */
export function addressesGiven(
  subject: Subject,
  policy: AddressPolicy,
  relay: OwnAddresses,
  askerIsLocal: boolean
): Multiaddr[] {
  const [direct, throughUs] = selected(subject, policy, relay)
  const allowed = (list: Multiaddr[]): Multiaddr[] =>
    unique(askerIsLocal ? list : list.filter(address => !isLocal(address)))
  const last = allowed(throughUs).slice(0, MAX_THROUGH_US)
  return unique([...allowed(direct).slice(0, MAX_ADDRESSES - last.length), ...last])
}

/** The peer's own addresses, and those through this relay. */
function selected(subject: Subject, policy: AddressPolicy, relay: OwnAddresses): [Multiaddr[], Multiaddr[]] {
  const announced = subject.announced.map(address => withoutPeer(address, subject.id))
  if (subject.infrastructure) return [announced, []]
  const others = announced.filter(address => relayOf(address) !== relay.id)
  switch (policy) {
    case 'none':
      return [[], []]
    case 'relayed-only': {
      const ips = new Set([...announced, ...subject.connections].filter(isDirect).map(hostOf))
      // Addresses through us are made from our own: what the peer says of them could be its own IP address.
      return [others.filter(address => hidesPeer(address, subject.id, ips)), throughRelay(subject, relay)]
    }
    case 'announced':
    case 'all': {
      const own = announced.filter(address => relayOf(address) === relay.id)
      const connections = policy === 'all' ? subject.connections : []
      const direct = [...connections.map(address => withoutPeer(address, subject.id)), ...others]
      // Without a reservation an address through us leads nowhere, whoever made it.
      if (!subject.reserved) return [direct, []]
      return [direct, own.length > 0 ? own : throughRelay(subject, relay)]
    }
  }
}

function throughRelay(subject: Subject, relay: OwnAddresses): Multiaddr[] {
  if (!subject.reserved) return []
  const suffix = circuitThrough(relay.id)
  return relay.addresses
    .map(address => withoutPeer(address, relay.id))
    .filter(isDirect)
    .map(address => address.encapsulate(suffix))
}

/** `/p2p/RELAY/p2p-circuit`: an address through a relay that says nothing of where the relay is. */
export function circuitThrough(relayId: string): Multiaddr {
  return multiaddr(`/p2p/${relayId}/p2p-circuit`)
}

/** Connections of a peer that all come, without a relay between, from private, link-local or loopback addresses. */
export function isLocalPeer(connections: readonly Multiaddr[]): boolean {
  return connections.length > 0 && connections.every(address => isDirect(address) && isLocal(address))
}

/**
 * What a peer may teach us about others or itself: at most 16 addresses, and those of private networks only if
 * it is in one itself. Otherwise a stranger could make this node dial machines in its own network.
 */
export function addressesBelieved(addresses: readonly Multiaddr[], tellerIsLocal: boolean): Multiaddr[] {
  const believed = tellerIsLocal ? addresses : addresses.filter(address => !isLocal(address))
  return believed.slice(0, MAX_ADDRESSES)
}

/** Whether nobody outside the own network can use it. Names and addresses without a host count as public. */
function isLocal(address: Multiaddr): boolean {
  const host = address.getComponents().find(({ name }) => name !== 'ip6zone')
  if (host?.name === 'ip4' || host?.name === 'ip6') return !isPublicIp(host.value ?? '')
  return host?.name.startsWith('dns') === true && /(^|\.)(localhost|local)\.?$/i.test(host.value ?? '')
}

const isDirect = (address: Multiaddr): boolean => circuitAt(address.getComponents()) < 0

/** A circuit address that shows no IP address of the peer itself: the promise of `relayed-only`. */
function hidesPeer(address: Multiaddr, peerId: string, peerIps: ReadonlySet<string | undefined>): boolean {
  const relay = relayOf(address)
  // Without the relay's id, or with the peer's own, the host in front may be the peer's.
  if (relay === undefined || relay === peerId) return false
  const components = address.getComponents()
  const behind = components.slice(circuitAt(components) + 1)
  if (!behind.every(({ name, value }) => value === undefined || (name === 'p2p' && value === peerId)))
    return false
  // A peer that relays for itself under a second id, or shares its IP address with its relay, shows it here.
  return !components.some(({ name, value }) => isHost(name) && peerIps.has(value))
}

/** The peer id of the relay of a circuit address, if it names one. */
function relayOf(address: Multiaddr): string | undefined {
  const components = address.getComponents()
  const before = components[circuitAt(components) - 1]
  return before?.name === 'p2p' ? before.value : undefined
}

function circuitAt(components: Component[]): number {
  return components.findIndex(({ name }) => name === 'p2p-circuit')
}

const isHost = (name: string): boolean => name === 'ip4' || name === 'ip6' || name.startsWith('dns')

function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => isHost(name))?.value
}

function withoutPeer(address: Multiaddr, peerId: string): Multiaddr {
  const components = address.getComponents()
  const last = components.at(-1)
  return last?.name === 'p2p' && last.value === peerId ? multiaddr(components.slice(0, -1)) : address
}

function unique(addresses: Multiaddr[]): Multiaddr[] {
  const seen = new Map(addresses.map(address => [address.toString(), address]))
  seen.delete('/')
  return [...seen.values()]
}
