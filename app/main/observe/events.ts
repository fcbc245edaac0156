import type { AddressInfo, AutoTlsInfo, HoldCause, MappingInfo, OverloadInfo } from '../../shared/api.ts'
import { Bus } from './bus.ts'

/**
 * What happens in the node, in the past tense and complete. Peers are peer ids as text. Who may see a peer
 * or an address is decided where events leave the process: log lines name none unless asked to.
 */
export interface NodeEvents {
  'reservation-accepted': { peer: string; ip: string | undefined; seconds: number; network?: string }
  'reservation-renewed': { peer: string; ip: string | undefined; seconds: number }
  'reservation-expired': { peer: string }
  'reservation-ended': { peer: string; reason: ReservationEnd }
  'circuit-accepted': { id: number; source: string; target: string; network?: string }
  'circuit-closed': CircuitClosed
  /** Once for every chunk that passes: listeners must be cheap. */
  'bytes-relayed': { direction: 'to-target' | 'to-source'; bytes: number; network?: string }
  'request-denied': {
    request: RequestKind
    reason: string
    status: number
    peer: string
    ip: string | undefined
  }
  /** New work is refused from now on, or for another cause, or taken again. */
  'overload-changed': { now: OverloadInfo | undefined }
  'peer-connected': { peer: string }
  'peer-disconnected': { peer: string }
  /** A connected peer turned out to be of a network. */
  'network-known': { peer: string; network: string }
  /** One of the node's own, new or with a new state. */
  'address-changed': AddressInfo
  'mapping-changed': MappingInfo
  'websocket-ended': { reason: WebSocketEnd }
  'auto-tls-changed': AutoTlsInfo
}

export type RequestKind = 'reserve' | 'connect'

/** Why the node ended a WebSocket, or a connection that was to become one. */
export type WebSocketEnd = 'handshake-timeout' | 'bad-request' | 'protocol' | 'too-big' | 'idle'

/** Why a reservation ended before its time. */
export type ReservationEnd = 'peer-gone' | 'denied' | 'drained' | 'stopped'

/**
 * Why a circuit ended: both sides closed it; one side reset it; its reader was too far behind a sender that WebRTC
 * cannot slow down; it carried or lasted all it may; the node drained; a quota, the schedule or the power rules end
 * its work; a peer's connection was lost; the peer is no longer allowed; the operator closed it;
 * the node stopped.
 */
export type CircuitEnd =
  | 'closed'
  | 'reset'
  | 'reader-behind'
  | 'bytes'
  | 'duration'
  | 'drained'
  | HoldCause
  | 'peer-gone'
  | 'denied'
  | 'operator'
  | 'stopped'

export interface CircuitClosed {
  id: number
  source: string
  target: string
  network?: string
  reason: CircuitEnd
  bytesToTarget: number
  bytesToSource: number
  seconds: number
}

export type NodeBus = Bus<NodeEvents>

export function createBus(): NodeBus {
  return new Bus<NodeEvents>()
}
