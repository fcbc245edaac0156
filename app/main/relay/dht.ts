import type { Libp2pEvents, PeerId, PeerInfo, TypedEventTarget } from '@libp2p/interface'
import { kadDHT } from '@libp2p/kad-dht'
import type { KadDHTComponents, SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { equals } from 'uint8arrays/equals'
import { toString } from 'uint8arrays/to-string'
import { addressesBelieved, addressesGiven, circuitThrough, isLocalPeer } from './client-addresses.ts'
import type { AddressPolicy } from './client-addresses.ts'
import { filterLearned, filterProviders, limitQueries, wrapMessages } from './dht-seams.ts'
import type { DhtMessage, DhtPeer } from './dht-seams.ts'
import { DhtStore } from './dht-store.ts'

/**
 * The Kademlia DHT server: upstream's, with our own rule on every answer that leaves (client-addresses.ts) and
 * on everything that other peers tell (bounded, and no private addresses from strangers).
 */
export interface DhtInit {
  /** `dht.protocol` */
  protocol: string
  /** `dht.queryTimeoutSeconds`, for a whole query and at most for one message of it. */
  queryTimeoutSeconds: number
  /** The network's peers to join through, now: multiaddrs that end in /p2p/PEER. Their addresses are given out whatever the policy. */
  bootstrap: () => readonly string[]
  /** `dht.clientAddresses` now: asked for every answer. */
  policy: () => AddressPolicy
  hasReservation: (peer: PeerId) => boolean
  /** The addresses of this node that circuits can be made through, with or without its /p2p/PEER. */
  ownAddresses: () => Multiaddr[]
  /** Where provider records and values are kept; a bounded one in memory unless given. */
  store?: DhtStore
  /** Who is connected, where several DHTs look at the same peers. */
  clients?: Clients
  /** Is told who asks something in this DHT. */
  asked?: (peer: PeerId) => void
}

/** A key names a peer, a hash or a public key by its hash. The text of a longer one would cost more than its answer. */
const MAX_KEY_BYTES = 256

/** The service factory for createLibp2p; `routingTable.size` of the service says how many DHT servers it knows. */
export function dhtServer(init: DhtInit): (components: KadDHTComponents) => SingleKadDHT {
  return components => {
    const clients = init.clients ?? new Clients(components)
    const timeoutMs = init.queryTimeoutSeconds * 1000
    const dht = kadDHT({
      protocol: init.protocol,
      clientMode: false,
      networkDialTimeout: { minTimeout: Math.min(5000, timeoutMs), maxTimeout: timeoutMs },
      peerInfoMapper: peer => clients.present(peer)
    })(withStore(components, init.store ?? new DhtStore()))

    const answers = new Answers(init, components.peerId, clients)
    wrapMessages(dht, (peer, request, handle) => {
      init.asked?.(peer)
      return answers.answer(peer, request, handle)
    })
    filterLearned(dht, (teller, learned) => addressesBelieved(learned.multiaddrs, clients.isLocal(teller)))
    // A provider that the peer store has forgotten would fail the answer for all others (get-providers.ts:62).
    filterProviders(dht, peer => components.peerStore.has(peer))
    limitQueries(dht, timeoutMs)
    return dht as unknown as SingleKadDHT
  }
}

/** libp2p's components are a Proxy without own keys, which a spread would lose. */
function withStore(components: KadDHTComponents, store: DhtStore): KadDHTComponents {
  return new Proxy(components, {
    get: (target, name): unknown => (name === 'datastore' ? store : Reflect.get(target, name))
  })
}

/** Who is connected, and what each gave by identify. */
export class Clients {
  #components: KadDHTComponents
  #announced = new Map<string, Multiaddr[]>()

  constructor(components: KadDHTComponents) {
    this.#components = components
    const events: TypedEventTarget<Libp2pEvents> = components.events
    events.addEventListener('peer:identify', ({ detail }) => {
      const addresses = detail.signedPeerRecord?.addresses ?? detail.listenAddrs
      // Identify may end after the connection did; and a push may leave out what has not changed.
      if (this.connections(detail.peerId).length === 0 || addresses.length === 0) return
      this.#announced.set(detail.peerId.toString(), addresses.slice(0, 64))
    })
    events.addEventListener('peer:disconnect', ({ detail }) => this.#announced.delete(detail.toString()))
  }

  connections(peer: PeerId): Multiaddr[] {
    return this.#components.connectionManager.getConnections(peer).map(({ remoteAddr }) => remoteAddr)
  }

  isLocal(peer: PeerId): boolean {
    return isLocalPeer(this.connections(peer))
  }

  /**
   * What a connected peer gave by identify. The peer store would not do: it hides an address an hour after it
   * first saw it, however often the peer announces it since (to-peer-pb.ts:150, bytes-to-peer.ts:48), and it
   * mixes in what others said of the peer.
   */
  announced(peer: PeerId): Multiaddr[] | undefined {
    return this.#announced.get(peer.toString())
  }

  /** Upstream leaves out of its answers who has no address in the peer store: a connected peer always has one. */
  present(peer: PeerInfo): PeerInfo {
    if (peer.multiaddrs.length > 0 || this.connections(peer.id).length === 0) return peer
    return { ...peer, multiaddrs: [circuitThrough(this.#components.peerId.toString())] }
  }
}

type Handle = (peer: PeerId, request: DhtMessage) => Promise<DhtMessage | undefined>

class Answers {
  #init: DhtInit
  #self: PeerId
  #clients: Clients
  #bootstrap: { addresses: readonly string[]; ids: ReadonlySet<string> } = { addresses: [], ids: new Set() }

  constructor(init: DhtInit, self: PeerId, clients: Clients) {
    this.#init = init
    this.#self = self
    this.#clients = clients
  }

  async answer(asker: PeerId, request: DhtMessage, handle: Handle): Promise<DhtMessage | undefined> {
    if ((request.key?.byteLength ?? 0) > MAX_KEY_BYTES)
      throw new RangeError('the key of a DHT request is too long')
    const answer = await handle(
      asker,
      request.type === 'ADD_PROVIDER' ? this.#provided(asker, request) : request
    )
    if (answer === undefined) return undefined
    switch (request.type) {
      case 'FIND_NODE':
      case 'GET_PROVIDERS':
      case 'GET_VALUE':
        return this.#filtered(asker, request, answer)
      default:
        // Upstream sends PING and PUT_VALUE back as they came, with peers that someone made up.
        return { ...answer, closer: [], providers: [] }
    }
  }

  #filtered(asker: PeerId, request: DhtMessage, answer: DhtMessage): DhtMessage {
    // Several connections, some public: the answer may take any of them.
    const askerIsLocal = this.#clients.isLocal(asker)
    const entry = (peer: DhtPeer): DhtPeer[] => this.#entry(peer, askerIsLocal)
    const target = request.type === 'FIND_NODE' ? this.#connected(request.key) : undefined
    // Upstream names a peer twice if it is both the one asked for and in the routing table.
    const closer = new Map(
      [...answer.closer, ...(target ?? [])].map(peer => [toString(peer.id, 'base58btc'), peer])
    )
    closer.delete(asker.toString())
    return {
      ...answer,
      closer: [...closer.values()].flatMap(entry),
      providers: answer.providers.flatMap(entry)
    }
  }

  /** The connected peer that a key is the id of: findable in DHT client mode too, and before identify is done. */
  #connected(key: Uint8Array | undefined): DhtPeer[] {
    const peer = key && peerOf(key)
    if (peer === undefined || this.#clients.connections(peer).length === 0) return []
    return [{ id: peer.toMultihash().bytes, multiaddrs: [] }]
  }

  #entry({ id, multiaddrs }: DhtPeer, askerIsLocal: boolean): DhtPeer[] {
    const peer = peerOf(id)
    if (peer === undefined) return []
    const self = peer.equals(this.#self)
    const connections = self ? [] : this.#clients.connections(peer)
    const stored = multiaddrs.map(bytes => multiaddr(bytes))
    const subject = {
      id: peer.toString(),
      announced: connections.length > 0 ? (this.#clients.announced(peer) ?? stored) : stored,
      connections,
      reserved: connections.length > 0 && this.#init.hasReservation(peer),
      infrastructure: self || this.#isBootstrap(peer)
    }
    const relay = { id: this.#self.toString(), addresses: this.#init.ownAddresses() }
    const given = addressesGiven(subject, this.#init.policy(), relay, askerIsLocal)
    return given.length > 0 ? [{ id, multiaddrs: given.map(({ bytes }) => bytes) }] : []
  }

  #isBootstrap(peer: PeerId): boolean {
    const addresses = this.#init.bootstrap()
    if (addresses !== this.#bootstrap.addresses)
      this.#bootstrap = { addresses, ids: new Set(idsOf(addresses)) }
    return this.#bootstrap.ids.has(peer.toString())
  }

  /** Only what the sender says of itself, and with an address: upstream forgets a provider that gives none. */
  #provided(sender: PeerId, request: DhtMessage): DhtMessage {
    const own = request.providers.find(({ id }) => equals(id, sender.toMultihash().bytes))
    if (own === undefined) return { ...request, providers: [] }
    const addresses = own.multiaddrs.slice(0, 64).map(bytes => multiaddr(bytes))
    const believed = addressesBelieved(addresses, this.#clients.isLocal(sender))
    if (believed.length === 0) believed.push(circuitThrough(this.#self.toString()))
    return { ...request, providers: [{ id: own.id, multiaddrs: believed.map(({ bytes }) => bytes) }] }
  }
}

/** One id has two texts (12D3Koo… and bafz…): as upstream writes it. */
function idsOf(addresses: readonly string[]): string[] {
  return addresses.flatMap(address => {
    try {
      return [peerIdFromString(address.slice(address.lastIndexOf('/') + 1)).toString()]
    } catch {
      // It looks like an id and is none: dialling it says so.
      return []
    }
  })
}

/** The text of a peer id is its multihash in base58 (RSA, Ed25519 and secp256k1 alike); undefined for other keys. */
function peerOf(key: Uint8Array): PeerId | undefined {
  try {
    return peerIdFromString(toString(key, 'base58btc'))
  } catch {
    return undefined
  }
}
