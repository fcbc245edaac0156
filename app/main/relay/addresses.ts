import type { Connection, PeerId } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isPublicIp } from '../net/ip.ts'

/** The IP address a multiaddr begins with, if it begins with one. */
export function ipOfAddress(address: Multiaddr): string | undefined {
  const first = address.getComponents().find(part => part.name !== 'ip6zone')
  return first?.name === 'ip4' || first?.name === 'ip6' ? first.value : undefined
}

/** The IP address a connection comes from; undefined over a relay. */
export function ipOf(connection: Connection): string | undefined {
  return isRelayed(connection) ? undefined : ipOfAddress(connection.remoteAddr)
}

/** Asked for every circuit, of an address that copies its parts for every answer. */
const relayed = new WeakMap<Multiaddr, boolean>()

/** Whether a connection runs through a relay. */
export function isRelayed({ remoteAddr }: Connection): boolean {
  let isRelayed = relayed.get(remoteAddr)
  if (isRelayed === undefined) {
    isRelayed = remoteAddr.getComponents().some(part => part.name === 'p2p-circuit')
    relayed.set(remoteAddr, isRelayed)
  }
  return isRelayed
}

/** `tcp`, `quic-v1`, `ws`, `wss`, …: the outermost part that names a transport. */
export function transportOf(address: Multiaddr): string {
  const names = address.getComponents().map(part => part.name)
  if (names.includes('webrtc-direct')) return 'webrtc-direct'
  if (names.includes('quic-v1')) return 'quic-v1'
  if (names.includes('wss') || (names.includes('ws') && names.includes('tls'))) return 'wss'
  if (names.includes('ws')) return 'ws'
  return names.includes('tcp') ? 'tcp' : 'other'
}

/** The IP address or name that a multiaddr begins with. */
export function hostOfAddress(address: Multiaddr): string {
  return address.getComponents().find(part => part.name !== 'ip6zone')?.value ?? ''
}

/** How long the addresses of one reservation do for the next. */
const FRESH_MS = 1000

/** Clients, by transport and IP address, whose order of addresses is kept that long. */
const MOST_SORTED = 64

interface Recent {
  at: number
  announced: Multiaddr[]
  all: Multiaddr[]
  /** As clients get them, by where they come from. */
  sorted: Map<string, Multiaddr[]>
}

export interface AddressComponents {
  peerId: PeerId
  addressManager: AddressManager
  transportManager: TransportManager
}

export interface AddressOptions {
  /** Whether clients can make use of an address: its certificate is for its host. */
  isUsable?: (address: Multiaddr) => boolean
  /** Milliseconds, monotonic. */
  clock?: () => number
}

/** What this node tells others about where it is. All addresses are complete: they end in /p2p/ and its id. */
export class Addresses {
  readonly #components: AddressComponents
  readonly #clock: () => number
  readonly #isUsable: (address: Multiaddr) => boolean
  #recent: Recent | undefined

  constructor(
    components: AddressComponents,
    { isUsable = () => true, clock = () => performance.now() }: AddressOptions = {}
  ) {
    this.#components = components
    this.#isUsable = isUsable
    this.#clock = clock
  }

  /** Announced: given by settings, verified (reach/), or private. Never through another relay. */
  announced(): Multiaddr[] {
    return this.#complete(this.#components.addressManager.getAddresses())
  }

  /** Where it listens, on every interface. */
  listening(): Multiaddr[] {
    return this.#complete(this.#components.transportManager.getAddrs())
  }

  /**
   * What a client may try, public ones first: the announced, and where it listens. Public addresses that nobody has
   * verified are left out, unless there are no others.
   */
  all(): Multiaddr[] {
    const announced = this.announced()
    const isKnown = announced.some(isPublicAddress)
    const listening = this.listening().filter(
      address => this.#isUsable(address) && (!isKnown || !isPublicAddress(address))
    )
    return sortBy(distinct([...announced, ...listening]), address => (isPublicAddress(address) ? 0 : 1))
  }

  /** Whether an address of this node is one of the public Internet. */
  get isPublic(): boolean {
    return this.all().some(isPublicAddress)
  }

  /**
   * What a reservation carries: the public addresses announced; where there are none (a local network, or
   * nothing verified yet) all of them, those like the one the client came in by first. Never empty: rust
   * clients refuse a reservation without addresses.
   */
  forReservation(connection: Connection): Multiaddr[] {
    const { announced, all, sorted } = this.#recently()
    const ip = ipOf(connection) ?? ''
    if (announced.length > 0 && isPublicIp(ip)) return announced
    const { remoteAddr } = connection
    const key = `${transportOf(remoteAddr)} ${ip}`
    let addresses = sorted.get(key)
    if (addresses === undefined) {
      addresses = sortBy(all, address => distance(address, remoteAddr))
      if (sorted.size < MOST_SORTED) sorted.set(key, addresses)
    }
    return addresses
  }

  /** Addresses that go into reservations, of which a thousand may be made in a second: looked up once in that time. */
  #recently(): Recent {
    const now = this.#clock()
    if (this.#recent === undefined || now - this.#recent.at >= FRESH_MS) {
      const announced = this.announced().filter(isPublicAddress)
      this.#recent = { at: now, announced, all: this.all(), sorted: new Map() }
    }
    return this.#recent
  }

  #complete(addresses: Multiaddr[]): Multiaddr[] {
    const own = `/p2p/${this.#components.peerId.toString()}`
    return distinct(
      addresses
        .filter(address => !address.getComponents().some(part => part.name === 'p2p-circuit'))
        .map(address => (address.toString().endsWith(own) ? address : address.encapsulate(own)))
    )
  }
}

/** Whether an address is one of the public Internet: by its IP address, or by a name. */
export function isPublicAddress(address: Multiaddr): boolean {
  const ip = ipOfAddress(address)
  return ip === undefined ? /^\/dns/.test(address.toString()) : isPublicIp(ip)
}

/** How unlike two addresses are: the transport first, then the family, then how much of the IP differs. */
function distance(address: Multiaddr, remote: Multiaddr): number {
  const ip = ipOfAddress(address) ?? ''
  const remoteIp = ipOfAddress(remote) ?? ''
  let same = 0
  while (same < ip.length && ip[same] === remoteIp[same]) same++
  const otherTransport = transportOf(address) === transportOf(remote) ? 0 : 1
  const otherFamily = ip.includes(':') === remoteIp.includes(':') ? 0 : 1
  return otherTransport * 1000 + otherFamily * 500 - same
}

function distinct(addresses: Multiaddr[]): Multiaddr[] {
  return [...new Set(addresses.map(String))].map(text => multiaddr(text))
}

function sortBy(addresses: Multiaddr[], rank: (address: Multiaddr) => number): Multiaddr[] {
  return addresses
    .map(address => ({ address, rank: rank(address) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address)
}
