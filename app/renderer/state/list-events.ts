import type { ApiEvent, CircuitInfo, ReservationInfo } from '../../shared/api.ts'
import type { LiveRows } from './live-rows.ts'

/** What events say of the lists of circuits and reservations. False: nothing. */

export function applyToCircuits(event: ApiEvent, rows: LiveRows<number, CircuitInfo>): boolean {
  switch (event.name) {
    case 'circuit-accepted': {
      const { id, source, target } = event.value
      const none = { toTarget: 0, toSource: 0 }
      rows.put({ id, source, target, since: event.at, seconds: 0, bytes: none, rate: none })
      return true
    }
    case 'circuit-closed':
      rows.remove(event.value.id)
      return true
    default:
      return false
  }
}

export function applyToReservations(event: ApiEvent, rows: LiveRows<string, ReservationInfo>): boolean {
  switch (event.name) {
    case 'reservation-accepted':
    case 'reservation-renewed': {
      const { peer, seconds } = event.value
      const expiresAt = new Date(Date.parse(event.at) + seconds * 1000).toISOString()
      rows.put({ since: event.at, circuits: 0, ...rows.get(peer), peer, expiresAt })
      return true
    }
    case 'reservation-expired':
    case 'reservation-ended':
      rows.remove(event.value.peer)
      return true
    default:
      return false
  }
}
