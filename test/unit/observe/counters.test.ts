import { expect, it } from 'vitest'
import { createCounters } from '../../../app/main/observe/counters.ts'
import { createBus } from '../../../app/main/observe/events.ts'

it('counts each peer once, however often it comes back', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  for (const peer of ['12D3KooWA', '12D3KooWB', '12D3KooWA']) bus.emit('peer-connected', { peer })

  expect(counters.peersServed).toBe(2)
})

it('tells ten thousand peers apart', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  for (let i = 0; i < 10_000; i++)
    bus.emit('peer-connected', { peer: `12D3KooW${i.toString(10).padStart(44, '0')}` })

  expect(counters.peersServed).toBe(10_000)
})

it('counts circuits, bytes each way, refusals and ends by reason', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  bus.emit('circuit-accepted', { id: 1, source: 'a', target: 'b' })
  bus.emit('bytes-relayed', { direction: 'to-target', bytes: 10 })
  bus.emit('bytes-relayed', { direction: 'to-source', bytes: 5 })
  bus.emit('bytes-relayed', { direction: 'to-source', bytes: 6 })
  bus.emit('circuit-closed', {
    id: 1,
    source: 'a',
    target: 'b',
    reason: 'duration',
    bytesToTarget: 10,
    bytesToSource: 11,
    seconds: 1
  })
  const denied = { request: 'connect' as const, status: 201, peer: 'a', ip: undefined }
  bus.emit('request-denied', { ...denied, reason: 'full' })
  bus.emit('request-denied', { ...denied, reason: 'full' })

  expect(counters).toEqual({
    peersServed: 0,
    relayedConnections: 1,
    bytesToTarget: 10,
    bytesToSource: 11,
    refusals: { full: 2 },
    circuitEnds: { duration: 1 }
  })
})
