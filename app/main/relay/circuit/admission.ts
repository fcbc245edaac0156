import type { HoldCause } from '../../../shared/api.ts'
import type { RequestKind } from '../../observe/events.ts'
import type { RelayLimits } from '../limits.ts'
import { Status } from './pb/messages.ts'

/** Whether the node takes new work: `paused` keeps what runs, the others let it finish. */
export type Mode = 'open' | 'paused' | 'draining' | HoldCause

/**
 * Why a request is refused. The same word is the log's `reason`, the metric's label and the key of its text.
 */
export type Refusal = keyof typeof STATUS

/** What each refusal answers to a RESERVE and to a CONNECT (circuit v2, "Status codes"). */
const STATUS = {
  // limits and states of this node: RESERVATION_REFUSED, RESOURCE_LIMIT_EXCEEDED
  full: full(),
  'per-ip-full': full(),
  'per-peer-full': full(),
  'peer-rate': full(),
  'ip-rate': full(),
  'fair-share': full(),
  overloaded: full(),
  quota: full(),
  schedule: full(),
  power: full(),
  draining: full(),
  paused: full(),
  // who may use this relay: PERMISSION_DENIED
  'not-allowed': both(Status.PERMISSION_DENIED),
  denied: both(Status.PERMISSION_DENIED),
  'over-relay': both(Status.PERMISSION_DENIED),
  // the target: CONNECTION_FAILED, NO_RESERVATION
  'target-gone': both(Status.CONNECTION_FAILED),
  'target-silent': both(Status.CONNECTION_FAILED),
  'target-refused': both(Status.CONNECTION_FAILED),
  'no-reservation': both(Status.NO_RESERVATION),
  // the request itself: MALFORMED_MESSAGE, UNEXPECTED_MESSAGE
  malformed: both(Status.MALFORMED_MESSAGE),
  'too-slow': both(Status.MALFORMED_MESSAGE),
  unexpected: both(Status.UNEXPECTED_MESSAGE)
} satisfies Record<string, Record<RequestKind, Status>>

function full(): Record<RequestKind, Status> {
  return { reserve: Status.RESERVATION_REFUSED, connect: Status.RESOURCE_LIMIT_EXCEEDED }
}

function both(status: Status): Record<RequestKind, Status> {
  return { reserve: status, connect: status }
}

/** The wire status of a refusal. */
export function statusOf(refusal: Refusal, request: RequestKind): Status {
  return STATUS[refusal][request]
}

export const REFUSALS = Object.keys(STATUS) as Refusal[]

/** What both kinds of request are judged by. */
export interface Asker {
  /** The request came over a relayed connection. */
  overRelay: boolean
  access: 'ok' | 'denied' | 'not-allowed'
  mode: Mode
  /** The node has more to do than it may. */
  overloaded: boolean
  /** Whether the attempts of the last minute leave room for one more. */
  peerMayTry: boolean
  ipMayTry: boolean
}

export interface ReserveState extends Asker {
  /** The peer holds a reservation, made from the same IP group or from another one. */
  holds: 'none' | 'same-ip' | 'other-ip'
  reservations: number
  reservationsFromIp: number
}

export interface ConnectState extends Asker {
  targetReserved: boolean
  circuits: number
  circuitsOfSource: number
  circuitsOfTarget: number
  /** Source or target has had more than its fair share of the last part of a quota. */
  overShare: boolean
}

/**
 * Whether a RESERVE is granted. A renewal takes no slot and no attempt, and is granted while paused: pausing
 * keeps what runs.
 */
export function admitReserve(state: ReserveState, limits: RelayLimits): 'ok' | Refusal {
  const { total, perIp } = limits.reservations
  if (state.overRelay) return 'over-relay'
  if (state.access !== 'ok') return state.access
  const renewal = state.holds !== 'none'
  if (state.mode !== 'open' && !(renewal && state.mode === 'paused')) return state.mode
  if (state.holds === 'same-ip') return 'ok'
  if (!renewal && state.overloaded) return 'overloaded'
  if (!renewal && !state.peerMayTry) return 'peer-rate'
  if (!renewal && !state.ipMayTry) return 'ip-rate'
  if (!renewal && state.reservations >= total) return 'full'
  if (state.reservationsFromIp >= perIp) return 'per-ip-full'
  return 'ok'
}

/** Whether a CONNECT goes on to ask its target. */
export function admitConnect(state: ConnectState, limits: RelayLimits): 'ok' | Refusal {
  const { total, perPeer } = limits.circuits
  if (state.overRelay) return 'over-relay'
  if (state.access !== 'ok') return state.access
  if (state.mode !== 'open') return state.mode
  if (state.overloaded) return 'overloaded'
  if (!state.peerMayTry) return 'peer-rate'
  if (!state.ipMayTry) return 'ip-rate'
  if (!state.targetReserved) return 'no-reservation'
  if (state.circuits >= total) return 'full'
  if (state.circuitsOfSource >= perPeer || state.circuitsOfTarget >= perPeer) return 'per-peer-full'
  return state.overShare ? 'fair-share' : 'ok'
}
