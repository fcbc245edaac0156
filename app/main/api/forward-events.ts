import type { NodeBus } from '../observe/events.ts'
import type { EventLog } from './event-log.ts'

/** The node's own events, as the Api tells them: without IP addresses, and without the bytes of each chunk. */
export function forwardEvents(bus: NodeBus, events: EventLog): void {
  bus.on('reservation-accepted', ({ peer, seconds }) =>
    events.emit('reservation-accepted', { peer, seconds })
  )
  bus.on('reservation-renewed', ({ peer, seconds }) => events.emit('reservation-renewed', { peer, seconds }))
  bus.on('reservation-expired', event => events.emit('reservation-expired', event))
  bus.on('reservation-ended', event => events.emit('reservation-ended', event))
  bus.on('circuit-accepted', event => events.emit('circuit-accepted', event))
  bus.on('circuit-closed', ({ bytesToTarget, bytesToSource, ...rest }) =>
    events.emit('circuit-closed', { ...rest, bytes: { toTarget: bytesToTarget, toSource: bytesToSource } })
  )
  bus.on('request-denied', ({ request, reason, peer }) =>
    events.emit('request-denied', { request, reason, peer })
  )
  bus.on('address-changed', info => events.emit('address-changed', info))
  bus.on('mapping-changed', info => events.emit('mapping-changed', info))
  bus.on('auto-tls-changed', info => events.emit('auto-tls-changed', info))
  bus.on('peer-connected', event => events.emit('peer-connected', event))
  bus.on('peer-disconnected', event => events.emit('peer-disconnected', event))
}
