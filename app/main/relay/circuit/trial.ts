import type { Connection, Stream } from '@libp2p/interface'
import { createBus } from '../../observe/events.ts'
import { Shaper, type Timing } from '../budget/shaper.ts'
import type { RelayLimits } from '../limits.ts'
import { Circuits } from './circuits.ts'
import { Gate } from './gate.ts'
import { Hop, type HopComponents } from './hop.ts'
import { Reservations } from './reservations.ts'

/** Enough for the node's own throw-away clients, and for no more. */
const LIMITS: RelayLimits = {
  reservations: { total: 64, perIp: 64, ttlSeconds: 60 },
  circuits: { total: 64, perPeer: 1, durationSeconds: 30, bytesEachWay: 64 * 1024 },
  rate: {
    totalBytesPerSecond: Infinity,
    perPeerBytesPerSecond: Infinity,
    perCircuitBytesPerSecond: Infinity
  },
  attempts: { perPeerPerMinute: Infinity, perIpPerMinute: Infinity }
}

export type TrialComponents = Pick<
  HopComponents,
  'peerId' | 'privateKey' | 'connectionManager' | 'addressesFor'
>

/**
 * A relay beside the relay, for the clients of the self-test alone: the same code with places and limits of its own, and
 * events that nobody hears. So they take no place of a client, appear in no figure, and reach nobody but each other.
 */
export class Trial {
  readonly #peers: ReadonlySet<string>
  readonly #hop: Hop
  readonly #circuits: Circuits

  constructor(components: TrialComponents, peers: Iterable<string>, timing: Timing) {
    this.#peers = new Set(peers)
    const clock = (): number => timing.now()
    const bus = createBus()
    const gate = new Gate(LIMITS, { allow: [], deny: [] }, clock)
    let id = 0
    this.#circuits = new Circuits({
      bus,
      shaper: new Shaper(LIMITS.rate, timing),
      clock,
      limits: () => LIMITS,
      nextId: () => ++id
    })
    const reservations = new Reservations()
    this.#hop = new Hop({ ...components, bus, gate, circuits: this.#circuits, reservations, clock })
  }

  /** Whether that peer is one of its clients. */
  has(peer: string): boolean {
    return this.#peers.has(peer)
  }

  onStream(stream: Stream, connection: Connection): Promise<void> {
    return this.#hop.onStream(stream, connection)
  }

  end(): void {
    this.#circuits.endWhere(() => 'stopped')
  }
}
