import type { BothWays, CircuitInfo } from '../../shared/api.ts'

/** Which of its limits something is nearest to. A limit of 0 is none. */

export interface Limits {
  durationSeconds: number
  bytesEachWay: number
  circuitsPerPeer: number
  totalRate: number
  peerRate: number
  circuitRate: number
}

export type LimitName = 'duration' | 'bytes' | 'circuit-rate' | 'peer-rate' | 'total-rate' | 'circuits'

export interface Nearest {
  limit: LimitName
  /** 0 to 1. */
  share: number
  /** Seconds, bytes or circuits that are left; of rates, bytes a second. */
  left: number
}

/** From the values of the settings, by their keys. */
export function limitsOf(value: (key: string) => unknown): Limits {
  const number = (key: string): number => Number(value(key) ?? 0)
  return {
    durationSeconds: number('relay.circuits.durationSeconds'),
    bytesEachWay: number('relay.circuits.bytesEachWay'),
    circuitsPerPeer: number('relay.circuits.perPeer'),
    totalRate: number('relay.rate.totalBytesPerSecond'),
    peerRate: number('relay.rate.perPeerBytesPerSecond'),
    circuitRate: number('relay.rate.perCircuitBytesPerSecond')
  }
}

/** What a peer sends and gets over all its circuits, in bytes a second. */
export interface PeerFlow {
  out: number
  in: number
}

export interface Flows {
  total: BothWays
  peers: ReadonlyMap<string, PeerFlow>
}

/** The rates of all circuits, summed as the limits see them. */
export function flowsOf(circuits: readonly CircuitInfo[]): Flows {
  const total = { toTarget: 0, toSource: 0 }
  const peers = new Map<string, PeerFlow>()
  const add = (peer: string, out: number, into: number): void => {
    const flow = peers.get(peer)
    if (flow === undefined) peers.set(peer, { out, in: into })
    else {
      flow.out += out
      flow.in += into
    }
  }
  for (const { source, target, rate } of circuits) {
    total.toTarget += rate.toTarget
    total.toSource += rate.toSource
    add(source, rate.toTarget, rate.toSource)
    add(target, rate.toSource, rate.toTarget)
  }
  return { total, peers }
}

interface Surroundings {
  limits: Limits
  flows: Flows
  /** The rate of a peer's own. */
  rateOf: (peer: string) => number | undefined
}

export function nearestOfCircuit(circuit: CircuitInfo, around: Surroundings): Nearest | undefined {
  const { limits, flows } = around
  const { seconds, bytes, rate } = circuit
  return nearest([
    ['duration', seconds, limits.durationSeconds],
    ['bytes', busier(bytes), limits.bytesEachWay],
    ['circuit-rate', busier(rate), limits.circuitRate],
    ...[circuit.source, circuit.target].map(peer => peerRate(peer, around)),
    ['total-rate', busier(flows.total), limits.totalRate]
  ])
}

/** Of what a peer that holds a reservation may do. */
export function nearestOfPeer(peer: string, circuits: number, around: Surroundings): Nearest | undefined {
  return nearest([['circuits', circuits, around.limits.circuitsPerPeer], peerRate(peer, around)])
}

type Use = [limit: LimitName, used: number, most: number]

function peerRate(peer: string, { limits, flows, rateOf }: Surroundings): Use {
  const { out, in: into } = flows.peers.get(peer) ?? { out: 0, in: 0 }
  return ['peer-rate', Math.max(out, into), rateOf(peer) ?? limits.peerRate]
}

/** Limits are for each direction. */
const busier = ({ toTarget, toSource }: BothWays): number => Math.max(toTarget, toSource)

function nearest(uses: readonly Use[]): Nearest | undefined {
  let found: Nearest | undefined
  for (const [limit, used, most] of uses) {
    if (most === 0) continue
    const share = Math.min(1, used / most)
    if (found === undefined || share > found.share) found = { limit, share, left: Math.max(0, most - used) }
  }
  return found
}
