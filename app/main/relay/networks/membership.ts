import type { PeerId } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { KadDHTComponents, SingleKadDHT } from '@libp2p/kad-dht'
import { multiaddr } from '@multiformats/multiaddr'
import type { CID } from 'multiformats/cid'
import type { NamespaceInfo } from '../../../shared/api/networks.ts'
import type { Timing } from '../budget/shaper.ts'
import { isServer, keepProvided, meet, onServerAdded } from '../dht-seams.ts'
import type { DhtStore } from '../dht-store.ts'
import { dhtServer, type DhtInit } from '../dht.ts'
import { Advertising } from './advertising.ts'
import { Joining, type Joined } from './joining.ts'

export interface MembershipComponents extends KadDHTComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
  addressManager: AddressManager
}

export interface MembershipOptions {
  dht: Omit<DhtInit, 'bootstrap' | 'store'>
  store: DhtStore
  timing: Timing
}

/** How long a bootstrap peer may take to answer. */
const DIAL_TIMEOUT_MS = 30_000

/** This node in one DHT: joined by its bootstrap peers, and advertised in it. */
export class Membership {
  readonly protocol: string
  readonly dht: SingleKadDHT
  readonly #components: MembershipComponents
  readonly #store: DhtStore
  readonly #joining: Joining
  readonly #advertising: Advertising
  #bootstrap: readonly string[] = []

  /** Makes the DHT; who starts it starts this after it. */
  constructor(components: MembershipComponents, { dht, store, timing }: MembershipOptions) {
    const { addressManager, peerId } = components
    this.protocol = dht.protocol
    this.#components = components
    this.#store = store
    this.dht = dhtServer({ ...dht, store, bootstrap: () => this.#bootstrap })(components)
    const size = (): number => this.dht.routingTable.size
    const now = (): number => Date.now()
    this.#joining = new Joining({ dial: address => this.#dial(address), size, timing, now })
    this.#advertising = new Advertising({
      keep: cid => keepProvided(this.dht, cid, peerId),
      drop: cid => this.dht.cancelReprovide(cid),
      provide: cid => this.#provide(cid),
      addresses: () => addressManager.getAddresses().map(String).sort().join(' '),
      ...{ size, timing, now }
    })
    onServerAdded(this.dht, () => this.#advertising.grown())
  }

  set({ bootstrap, namespaces }: { bootstrap: readonly string[]; namespaces: readonly string[] }): void {
    this.#bootstrap = bootstrap
    this.#joining.setBootstrap(bootstrap)
    this.#advertising.setNamespaces(namespaces)
  }

  /** The DHT runs. */
  start(): void {
    this.#joining.start()
    this.#advertising.start()
  }

  stop(): void {
    this.#joining.stop()
    this.#advertising.stop()
  }

  /** What this node announces may have changed. */
  moved(): void {
    this.#advertising.moved()
  }

  get size(): number {
    return this.dht.routingTable.size
  }

  get joined(): Joined {
    return this.#joining.info
  }

  get namespaces(): NamespaceInfo[] {
    return this.#advertising.info
  }

  /** Whether its DHT is about that peer: a server, or the provider of something. */
  async needs(peer: PeerId): Promise<boolean> {
    return this.#store.hasProvider(peer.toString()) || (await isServer(this.dht, peer))
  }

  async #dial(address: string): Promise<void> {
    const target = multiaddr(address)
    const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
    const { remotePeer } = await this.#components.connectionManager.openConnection(target, { signal })
    // It may have been connected long before this DHT was there to hear of it.
    await meet(this.dht, { id: remotePeer, multiaddrs: [target] })
  }

  async #provide(cid: CID): Promise<number> {
    let records = 0
    for await (const event of this.dht.provide(cid)) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') records++
    }
    return records
  }
}
