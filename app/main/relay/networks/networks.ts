import {
  start,
  stop,
  type Libp2pEvents,
  type PeerId,
  type Startable,
  type TypedEventTarget
} from '@libp2p/interface'
import type { SingleKadDHT } from '@libp2p/kad-dht'
import type { NamespaceInfo, NetworkState } from '../../../shared/api/networks.ts'
import type { Settings } from '../../../shared/settings.ts'
import { systemTiming, type Timing } from '../budget/shaper.ts'
import { DHT_STORE_LIMITS, DhtStore } from '../dht-store.ts'
import { Clients, type DhtInit } from '../dht.ts'
import { Members, type Member } from './members.ts'
import { Membership, type MembershipComponents } from './membership.ts'
import { plansOf, type NetworkPlan } from './plan.ts'

export type NetworksComponents = MembershipComponents & { events: TypedEventTarget<Libp2pEvents> }

export interface NetworksOptions {
  settings: Settings
  dht: Pick<DhtInit, 'policy' | 'hasReservation' | 'ownAddresses'>
  /** A peer turned out to be of that network. */
  known: (peer: string, network: string) => void
  /** And that does not let it in, unless its IP address is on its list. */
  shutOut: (peer: string) => void
  timing?: Timing
}

/** How a network is now. */
export interface NetworkNow {
  plan: NetworkPlan
  state: NetworkState
  since: string
  cause?: string
  code?: 'dht-off' | 'no-peer-reached'
  dhtSize: number
  namespaces: NamespaceInfo[]
}

/** Of a DHT beside the node's own: there can be sixteen of them. */
const STORE_LIMITS = { ...DHT_STORE_LIMITS, providers: 16_384, values: 256 }

/**
 * The networks that this node serves: one DHT for each protocol, joined and advertised in, and who is of which. All but
 * the node's own DHT come and go while the node runs: libp2p's services cannot, so they are none of its services.
 */
export class Networks implements Startable {
  readonly members = new Members()
  readonly #components: NetworksComponents
  readonly #options: NetworksOptions
  readonly #timing: Timing
  readonly #clients: Clients
  readonly #memberships = new Map<string, Membership>()
  readonly #startedAt = new Date().toISOString()
  #plans: NetworkPlan[] = []
  #settings: Settings
  #own: Membership | undefined
  #running = false
  /** What comes and goes does so one after another. */
  #work: Promise<void> = Promise.resolve()

  constructor(components: NetworksComponents, options: NetworksOptions) {
    this.#components = components
    this.#options = options
    this.#settings = options.settings
    this.#timing = options.timing ?? systemTiming
    this.#clients = new Clients(components)
    this.#setPlans()
    const { events } = components
    events.addEventListener('peer:identify', ({ detail: { peerId, protocols } }) => {
      if (this.members.identified(peerId.toString(), protocols)) this.#changed(peerId.toString())
    })
    events.addEventListener('peer:disconnect', ({ detail }) => this.members.forget(detail.toString()))
    events.addEventListener('self:peer:update', () => {
      for (const membership of this.#memberships.values()) membership.moved()
    })
  }

  /** The service factory of the node's own DHT, which libp2p starts and stops. */
  readonly ownDht = (): SingleKadDHT => {
    this.#own = this.#create(this.#settings['dht.protocol'], new DhtStore())
    return this.#own.dht
  }

  start(): void {}

  stop(): void {}

  /** After all services are started. */
  async afterStart(): Promise<void> {
    this.#running = true
    this.#follow()
    this.#own?.start()
    await this.#work
  }

  /** While there are connections still. */
  async beforeStop(): Promise<void> {
    this.#running = false
    await this.#work
    for (const membership of [...this.#memberships.values()]) {
      membership.stop()
      if (membership !== this.#own) await this.#close(membership)
    }
  }

  /** Joins, leaves and changes what has changed; the node's own DHT stays as it was made. */
  applySettings(settings: Settings): void {
    const before = this.#settings
    if (settings.networks === before.networks && settings['dht.bootstrap'] === before['dht.bootstrap']) return
    this.#settings = settings
    this.#setPlans()
    if (this.#running) this.#follow()
  }

  /** The network that the peer is of, and whether that lets it use the relay. */
  memberOf(peer: string, ip: string | undefined): Member {
    return this.members.of(peer, ip)
  }

  now(): NetworkNow[] {
    return this.#plans.map(plan => {
      const membership = this.#memberships.get(plan.dht)
      if (membership === undefined) return this.#off(plan)
      const { size: dhtSize, joined, namespaces } = membership
      return {
        plan,
        ...joined,
        dhtSize,
        namespaces: namespaces.filter(({ namespace }) => plan.namespaces.includes(namespace))
      }
    })
  }

  /** Whether any DHT is about that peer: a server, or the provider of something. */
  async needs(peer: PeerId): Promise<boolean> {
    for (const membership of this.#memberships.values()) if (await membership.needs(peer)) return true
    return false
  }

  #changed(peer: string): void {
    const { known, shutOut } = this.#options
    const { network, allowed } = this.members.of(peer, undefined)
    if (network !== undefined) known(peer, network)
    if (!allowed) shutOut(peer)
  }

  #off(plan: NetworkPlan): NetworkNow {
    const cause = 'dht.enabled is off, so that no network is joined.'
    return {
      ...{ plan, since: this.#startedAt, dhtSize: 0, namespaces: [] },
      // One that was just added is being opened.
      ...(this.#own === undefined ? { state: 'off', code: 'dht-off', cause } : { state: 'joining' })
    }
  }

  #setPlans(): void {
    this.#plans = plansOf(this.#settings)
    this.members.setPlans(this.#plans)
    for (const membership of this.#memberships.values()) this.#configure(membership)
  }

  /** Opens the DHTs that are missing and closes those that nobody asks for. */
  #follow(): void {
    if (this.#own === undefined) return
    this.#work = this.#work.then(() => this.#settle()).catch(() => {})
  }

  async #settle(): Promise<void> {
    const wanted = new Set(this.#plans.map(({ dht }) => dht))
    for (const [protocol, membership] of this.#memberships) {
      if (membership === this.#own || wanted.has(protocol)) continue
      membership.stop()
      await this.#close(membership)
    }
    for (const protocol of wanted) {
      if (this.#memberships.has(protocol)) continue
      const membership = this.#create(protocol, new DhtStore(STORE_LIMITS))
      await start(membership.dht)
      membership.start()
    }
  }

  async #close({ protocol, dht }: Membership): Promise<void> {
    this.#memberships.delete(protocol)
    await stop(dht)
    // Upstream's stop leaves its protocol behind.
    await this.#components.registrar.unhandle(protocol)
  }

  #create(protocol: string, store: DhtStore): Membership {
    const { dht } = this.#options
    const membership = new Membership(this.#components, {
      dht: {
        ...dht,
        protocol,
        queryTimeoutSeconds: this.#settings['dht.queryTimeoutSeconds'],
        clients: this.#clients,
        asked: peer => {
          if (this.members.speaks(peer.toString(), protocol)) this.#changed(peer.toString())
        }
      },
      store,
      timing: this.#timing
    })
    this.#memberships.set(protocol, membership)
    this.#configure(membership)
    return membership
  }

  #configure(membership: Membership): void {
    const plans = this.#plans.filter(({ dht }) => dht === membership.protocol)
    const own = membership.protocol === this.#settings['dht.protocol'] ? this.#settings['dht.bootstrap'] : []
    const unique = (items: readonly string[]): string[] => [...new Set(items)]
    membership.set({
      bootstrap: unique([...own, ...plans.flatMap(({ bootstrap }) => bootstrap)]),
      namespaces: unique(plans.flatMap(({ namespaces }) => namespaces))
    })
  }
}
