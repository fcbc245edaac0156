import { createHash } from 'node:crypto'
import type { CircuitEnd, NodeBus } from './events.ts'

/** What happened since the start. */
export interface Counters {
  /** Unique peers that were connected. */
  peersServed: number
  /** Circuits that were made. */
  relayedConnections: number
  bytesToTarget: number
  bytesToSource: number
  /** Refused requests by reason. */
  refusals: Record<string, number>
  /** Ended circuits by reason. */
  circuitEnds: Partial<Record<CircuitEnd, number>>
}

/** Counts the node's events. */
export function createCounters(bus: NodeBus): Counters {
  const counters: Counters = {
    peersServed: 0,
    relayedConnections: 0,
    bytesToTarget: 0,
    bytesToSource: 0,
    refusals: {},
    circuitEnds: {}
  }
  const seen = new Set<number>()
  bus.on('peer-connected', ({ peer }) => {
    seen.add(fingerprint(peer))
    counters.peersServed = seen.size
  })
  bus.on('circuit-accepted', () => void counters.relayedConnections++)
  bus.on('circuit-closed', ({ reason }) => {
    counters.circuitEnds[reason] = (counters.circuitEnds[reason] ?? 0) + 1
  })
  bus.on('request-denied', ({ reason }) => {
    counters.refusals[reason] = (counters.refusals[reason] ?? 0) + 1
  })
  bus.on('bytes-relayed', ({ direction, bytes }) => {
    if (direction === 'to-target') counters.bytesToTarget += bytes
    else counters.bytesToSource += bytes
  })
  return counters
}

/** 48 bits that stand for a peer id: small enough to remember millions, too many for two of them to look alike. */
function fingerprint(peer: string): number {
  return createHash('sha256').update(peer).digest().readUIntBE(0, 6)
}
