import { describe, expect, it } from 'vitest'
import { applyToCircuits, applyToReservations } from '../../../app/renderer/state/list-events.ts'
import { LiveRows } from '../../../app/renderer/state/live-rows.ts'
import type { ApiEvent, CircuitInfo, ReservationInfo } from '../../../app/shared/api.ts'

const AT = '2026-01-01T00:00:00.000Z'
const both = { toTarget: 0, toSource: 0 }
const circuit = (id: number, seconds = 0): CircuitInfo => ({
  ...{ id, source: 'a', target: 'b', since: AT, seconds },
  ...{ bytes: both, rate: both }
})
const accepted = (id: number): ApiEvent => ({
  ...{ id: `x.${id}`, name: 'circuit-accepted', at: AT },
  value: { id, source: 'a', target: 'b' }
})
const closed = (id: number): ApiEvent => ({
  ...{ id: `x.${id}`, name: 'circuit-closed', at: AT },
  value: { id, source: 'a', target: 'b', reason: 'closed', bytes: both, seconds: 1 }
})
const rows = () => new LiveRows<number, CircuitInfo>(({ id }) => id)
const ids = (list: { all: readonly CircuitInfo[] }): number[] => list.all.map(({ id }) => id).sort()

describe('circuits, by snapshots and events', () => {
  it('come and go by events', () => {
    const list = rows()
    list.settle([circuit(1)])
    expect(applyToCircuits(accepted(2), list)).toBe(true)
    expect(applyToCircuits(closed(1), list)).toBe(true)
    expect(ids(list)).toEqual([2])
  })

  it('do not come back by a snapshot that was on its way when they closed', () => {
    const list = rows()
    list.settle([circuit(1), circuit(2)])
    list.begin()
    applyToCircuits(closed(1), list)
    list.settle([circuit(1), circuit(2)])
    expect(ids(list)).toEqual([2])
  })

  it('stay when a snapshot that was on its way does not know of them', () => {
    const list = rows()
    list.begin()
    applyToCircuits(accepted(1), list)
    list.settle([])
    expect(ids(list)).toEqual([1])
  })

  it('have the figures of the snapshot where both know them', () => {
    const list = rows()
    list.begin()
    applyToCircuits(accepted(1), list)
    list.settle([circuit(1, 7)])
    expect(list.get(1)?.seconds).toBe(7)
  })

  it('go with a snapshot without them, though their end was never told', () => {
    const list = rows()
    applyToCircuits(accepted(1), list)
    list.begin()
    list.settle([])
    expect(ids(list)).toEqual([])
  })

  it('may have a number again that was closed: the node was started anew', () => {
    const list = rows()
    list.begin()
    applyToCircuits(closed(1), list)
    applyToCircuits(accepted(1), list)
    list.settle([circuit(1)])
    expect(ids(list)).toEqual([1])
  })
})

describe('reservations, by events', () => {
  const list = new LiveRows<string, ReservationInfo>(({ peer }) => peer)
  const tell = (event: Partial<ApiEvent>): boolean =>
    applyToReservations({ id: 'x.1', at: AT, ...event } as ApiEvent, list)

  it('are known with their end when they are accepted', () => {
    expect(tell({ name: 'reservation-accepted', value: { peer: 'p', seconds: 60 } })).toBe(true)
    expect(list.get('p')).toEqual({
      peer: 'p',
      since: AT,
      expiresAt: '2026-01-01T00:01:00.000Z',
      circuits: 0
    })
  })

  it('keep what is known of them when they are renewed', () => {
    list.put({ peer: 'p', since: 'before', expiresAt: 'soon', circuits: 2, transport: 'tcp' })
    tell({ name: 'reservation-renewed', value: { peer: 'p', seconds: 3600 } })
    expect(list.get('p')).toEqual({
      ...{ peer: 'p', since: 'before', circuits: 2, transport: 'tcp' },
      expiresAt: '2026-01-01T01:00:00.000Z'
    })
  })

  it('go when they end or expire', () => {
    tell({ name: 'reservation-ended', value: { peer: 'p', reason: 'denied' } })
    expect(list.all).toEqual([])
  })

  it('do not care for other events', () => {
    expect(tell({ name: 'peer-connected', value: { peer: 'p' } })).toBe(false)
  })
})
