import type { Connection } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { CircuitInfo, PeerInfo, ReservationInfo } from '../../shared/api.ts'
import { CircuitRates } from '../observe/circuit-rates.ts'
import { ipOf, transportOf } from './addresses.ts'
import type { Circuit } from './circuit/circuits.ts'
import type { CircuitRelay } from './circuit/service.ts'

export interface InspectorComponents {
  libp2p: Pick<Libp2p, 'getConnections' | 'addEventListener'>
  relay: CircuitRelay
  /** Rates of single peers in bytes a second, by peer. */
  peerRates: () => ReadonlyMap<string, number>
  /** The relay's clock, in milliseconds. */
  clock?: () => number
}

/** What runs in the node now, for its operator. Nothing of it is kept. */
export class Inspector {
  readonly #components: Required<InspectorComponents>
  readonly #rates = new CircuitRates()
  /** What connected peers call themselves. The peer store would have to read and decode each one's whole entry. */
  readonly #agents = new Map<string, string>()

  /** Begins to listen to libp2p, for as long as that is there. */
  constructor(components: InspectorComponents) {
    this.#components = { clock: () => performance.now(), ...components }
    const { libp2p } = components
    libp2p.addEventListener('peer:identify', ({ detail: { peerId, agentVersion } }) => {
      if (agentVersion !== undefined) this.#agents.set(peerId.toString(), agentVersion)
    })
    libp2p.addEventListener('peer:disconnect', ({ detail }) => void this.#agents.delete(detail.toString()))
  }

  /** Once a second: rates come from these looks. */
  sample(): void {
    const { relay, clock } = this.#components
    this.#rates.sample(clock(), Array.from(relay.circuits.running, counted))
  }

  reservations(): ReservationInfo[] {
    const { libp2p, relay } = this.#components
    const newest = new Map<string, Connection>()
    for (const connection of libp2p.getConnections()) newest.set(connection.remotePeer.toString(), connection)
    const granted = [...relay.reservations.values()].filter(each => each.granted)
    return granted.map(({ peer, since, expiresAt }) => {
      const connection = newest.get(peer)
      return {
        peer,
        since: this.#wall(since),
        expiresAt: this.#wall(expiresAt),
        ...(connection !== undefined && {
          ip: ipOf(connection),
          transport: transportOf(connection.remoteAddr),
          agent: this.#agents.get(peer)
        }),
        circuits: relay.circuits.countOf(peer)
      }
    })
  }

  circuits(): CircuitInfo[] {
    return Array.from(this.#components.relay.circuits.running, circuit => this.#circuit(circuit))
  }

  circuit(id: number): CircuitInfo | undefined {
    return this.circuits().find(circuit => circuit.id === id)
  }

  peers(): PeerInfo[] {
    const { libp2p, relay, peerRates } = this.#components
    const byPeer = new Map<string, Connection[]>()
    for (const connection of libp2p.getConnections()) {
      const peer = connection.remotePeer.toString()
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), connection])
    }
    return [...byPeer].map(([peer, connections]) => {
      const limitBytesPerSecond = peerRates().get(peer)
      return {
        peer,
        connections: connections.map(each => ({
          address: each.remoteAddr.toString(),
          transport: transportOf(each.remoteAddr),
          direction: each.direction,
          since: new Date(each.timeline.open).toISOString()
        })),
        agent: this.#agents.get(peer),
        reserved: relay.reservations.get(peer)?.granted === true,
        circuits: relay.circuits.countOf(peer),
        bytes: relay.circuits.trafficOf(peer),
        ...(limitBytesPerSecond !== undefined && { limitBytesPerSecond })
      }
    })
  }

  #circuit(circuit: Circuit): CircuitInfo {
    const { id, source, target, since, network } = circuit
    const now = this.#components.clock()
    const { bytes } = counted(circuit)
    const seconds = Math.round(now - since) / 1000
    const rate = this.#rates.rateOf(now, since, { id, bytes })
    const info = { id, source, target, since: this.#wall(since), seconds, bytes, rate }
    return network === undefined ? info : { ...info, network }
  }

  /** The relay's clock does not jump; people's does. */
  #wall(at: number): string {
    return new Date(Date.now() + at - this.#components.clock()).toISOString()
  }
}

const counted = ({ id, splice }: Circuit): { id: number; bytes: { toTarget: number; toSource: number } } => ({
  id,
  bytes: { toTarget: splice.bytesToTarget, toSource: splice.bytesToSource }
})
