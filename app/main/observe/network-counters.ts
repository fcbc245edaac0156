import type { NetworkServed } from '../../shared/api/networks.ts'
import { fingerprint } from './counters.ts'
import type { NodeBus } from './events.ts'
import { UniqueCount } from './unique-count.ts'

/** Of one network: exact up to here, and some 600 kB. */
const MOST_PEERS = 2 ** 14

class Served {
  reservations = 0
  circuits = 0
  toTarget = 0
  toSource = 0
  /** Peers that turned out to be of another one. */
  moved = 0
  readonly #peers = new UniqueCount({ most: MOST_PEERS })

  add(peer: string): void {
    this.#peers.add(fingerprint(peer))
  }

  get info(): NetworkServed {
    return {
      peers: Math.max(0, this.#peers.count - this.moved),
      reservations: this.reservations,
      circuits: this.circuits,
      bytes: { toTarget: this.toTarget, toSource: this.toSource }
    }
  }
}

/** What was done for each network since the start, by its name; networks that are gone keep their figures. */
export class NetworkCounters {
  readonly #networks = new Map<string, Served>()
  readonly #other = new Served()
  /** Who holds a reservation that was counted for no network: many are known by a DHT only a moment later. */
  readonly #undecided = new Set<string>()

  constructor(bus: NodeBus) {
    bus.on('reservation-accepted', ({ peer, network }) => {
      const served = this.#served(network)
      served.reservations++
      served.add(peer)
      if (network === undefined) this.#undecided.add(peer)
    })
    bus.on('reservation-ended', ({ peer }) => void this.#undecided.delete(peer))
    bus.on('reservation-expired', ({ peer }) => void this.#undecided.delete(peer))
    bus.on('network-known', ({ peer, network }) => this.#decide(peer, network))
    bus.on('circuit-accepted', ({ source, target, network }) => {
      const served = this.#served(network)
      served.circuits++
      served.add(source)
      served.add(target)
    })
    bus.on('bytes-relayed', ({ direction, bytes, network }) => {
      const served = this.#served(network)
      if (direction === 'to-target') served.toTarget += bytes
      else served.toSource += bytes
    })
  }

  /** Of the network of that name; without one, of those that are in none. */
  of(network?: string): NetworkServed {
    const served = network === undefined ? this.#other : this.#networks.get(network)
    return (served ?? new Served()).info
  }

  /** Those that anything was done for. */
  get names(): string[] {
    return [...this.#networks.keys()]
  }

  #served(network: string | undefined): Served {
    if (network === undefined) return this.#other
    const known = this.#networks.get(network)
    if (known !== undefined) return known
    const served = new Served()
    this.#networks.set(network, served)
    return served
  }

  #decide(peer: string, network: string): void {
    if (!this.#undecided.delete(peer)) return
    this.#other.reservations--
    this.#other.moved++
    const served = this.#served(network)
    served.reservations++
    served.add(peer)
  }
}
