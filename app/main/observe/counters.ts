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

/**
 * 53 bits of a peer id, which ends in its key's own bytes: small enough to remember millions, and too long for
 * two of a million peers to be taken for one.
 */
function fingerprint(peer: string): number {
  let high = 0
  let low = 0x811c9dc5
  for (let i = 0; i < peer.length; i++) {
    low = Math.imul(low ^ peer.charCodeAt(i), 0x01000193)
    high = Math.imul(high + low, 0x5bd1e995) ^ (high >>> 15)
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0)
}
