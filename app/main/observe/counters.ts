import { createHash } from 'node:crypto'
import type { RefusalInfo } from '../../shared/api.ts'
import type { CircuitEnd, NodeBus, RequestKind, ReservationEnd, WebSocketEnd } from './events.ts'
import { UniqueCount } from './unique-count.ts'

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
  /** The same, by request too. */
  refusalsOf: Record<RequestKind, Record<string, number>>
  /** Answered requests by status of the wire (circuit v2, "Status codes"): 100 is OK. */
  answers: Record<RequestKind, Record<number, number>>
  reservations: ReservationCounts
  /** Ended circuits by reason. */
  circuitEnds: Partial<Record<CircuitEnd, number>>
  circuitDurations: Durations
  /** WebSockets that the node ended, by reason. */
  webSocketEnds: Partial<Record<WebSocketEnd, number>>
}

export interface ReservationCounts {
  opened: number
  renewed: number
  expired: number
  /** Before their time, by reason. */
  ended: Partial<Record<ReservationEnd, number>>
}

/** How long circuits lasted, in seconds. */
export interface Durations {
  count: number
  sum: number
  /** How many lasted at most `DURATION_BOUNDS[i]` and longer than the bound before; one more for the rest. */
  buckets: number[]
}

/** Seconds. The first eleven are those of go-libp2p, so that figures of many relays can be added; then up to a day. */
export const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 86_400
]

const STATUS_OK = 100

/** Counts the node's events. */
export function createCounters(bus: NodeBus): Counters {
  const counters = noCounts()
  const seen = new UniqueCount()
  bus.on('peer-connected', ({ peer }) => {
    seen.add(fingerprint(peer))
    counters.peersServed = seen.count
  })
  bus.on('bytes-relayed', ({ direction, bytes }) => {
    if (direction === 'to-target') counters.bytesToTarget += bytes
    else counters.bytesToSource += bytes
  })
  bus.on('request-denied', ({ request, reason, status }) => {
    increase(counters.refusals, reason)
    increase(counters.refusalsOf[request], reason)
    increase(counters.answers[request], status)
  })
  bus.on('websocket-ended', ({ reason }) => increase(counters.webSocketEnds, reason))
  countReservations(bus, counters)
  countCircuits(bus, counters)
  return counters
}

function noCounts(): Counters {
  return {
    peersServed: 0,
    relayedConnections: 0,
    bytesToTarget: 0,
    bytesToSource: 0,
    refusals: {},
    refusalsOf: { reserve: {}, connect: {} },
    answers: { reserve: {}, connect: {} },
    reservations: { opened: 0, renewed: 0, expired: 0, ended: {} },
    circuitEnds: {},
    circuitDurations: { count: 0, sum: 0, buckets: new Array<number>(DURATION_BOUNDS.length + 1).fill(0) },
    webSocketEnds: {}
  }
}

function countReservations(bus: NodeBus, { reservations, answers }: Counters): void {
  bus.on('reservation-accepted', () => {
    reservations.opened++
    increase(answers.reserve, STATUS_OK)
  })
  bus.on('reservation-renewed', () => {
    reservations.renewed++
    increase(answers.reserve, STATUS_OK)
  })
  bus.on('reservation-expired', () => void reservations.expired++)
  bus.on('reservation-ended', ({ reason }) => increase(reservations.ended, reason))
}

function countCircuits(bus: NodeBus, counters: Counters): void {
  const { answers, circuitEnds, circuitDurations } = counters
  bus.on('circuit-accepted', () => {
    counters.relayedConnections++
    increase(answers.connect, STATUS_OK)
  })
  bus.on('circuit-closed', ({ reason, seconds }) => {
    increase(circuitEnds, reason)
    circuitDurations.count++
    circuitDurations.sum += seconds
    const at = DURATION_BOUNDS.findIndex(bound => seconds <= bound)
    increase(circuitDurations.buckets, at === -1 ? DURATION_BOUNDS.length : at)
  })
}

/** Refused requests by request and reason, the most frequent first. */
export function refusalList({ refusalsOf }: Pick<Counters, 'refusalsOf'>): Omit<RefusalInfo, 'setting'>[] {
  return (['reserve', 'connect'] as const)
    .flatMap(request =>
      Object.entries(refusalsOf[request]).map(([reason, count]) => ({ request, reason, count }))
    )
    .sort((a, b) => b.count - a.count)
}

function increase<Key extends string | number>(counts: Partial<Record<Key, number>>, key: Key): void {
  counts[key] = (counts[key] ?? 0) + 1
}

/** 48 bits that stand for a peer id: small enough to remember many, too many for two of them to look alike. */
export function fingerprint(peer: string): number {
  return createHash('sha256').update(peer).digest().readUIntBE(0, 6)
}
