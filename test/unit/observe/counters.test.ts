import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { createCounters, DURATION_BOUNDS, refusalList } from '../../../app/main/observe/counters.ts'
import { createBus, type CircuitEnd } from '../../../app/main/observe/events.ts'
import { UniqueCount } from '../../../app/main/observe/unique-count.ts'

const pair = { source: 'a', target: 'b' }
const closed = (reason: CircuitEnd, seconds: number) => ({
  id: 1,
  ...pair,
  reason,
  bytesToTarget: 10,
  bytesToSource: 11,
  seconds
})
const granted = { peer: 'a', ip: undefined, seconds: 3600 }
const denied = (request: 'reserve' | 'connect', reason: string, status: number) => ({
  request,
  reason,
  status,
  peer: 'a',
  ip: undefined
})

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

it('estimates the peers it does not remember one by one, and never counts down', () => {
  const unique = new UniqueCount({ most: 4096 })
  let last = 0
  let falls = 0
  let worst = 0

  for (let i = 1; i <= 100_000; i++) {
    const fingerprint = createHash('sha256').update(String(i)).digest().readUIntBE(0, 6)
    unique.add(fingerprint)
    unique.add(fingerprint)
    if (unique.count < last) falls++
    last = unique.count
    worst = Math.max(worst, Math.abs(last - i) / i)
    if (i === 4096) expect(worst).toBe(0)
  }

  expect(falls).toBe(0)
  expect(worst).toBeLessThan(0.06)
})

it('counts circuits, bytes each way, refusals and ends by reason', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  bus.emit('circuit-accepted', { id: 1, ...pair })
  bus.emit('bytes-relayed', { direction: 'to-target', bytes: 10 })
  bus.emit('bytes-relayed', { direction: 'to-source', bytes: 5 })
  bus.emit('bytes-relayed', { direction: 'to-source', bytes: 6 })
  bus.emit('circuit-closed', closed('duration', 1))
  bus.emit('request-denied', denied('connect', 'full', 201))
  bus.emit('request-denied', denied('reserve', 'full', 200))

  expect(counters).toMatchObject({
    peersServed: 0,
    relayedConnections: 1,
    bytesToTarget: 10,
    bytesToSource: 11,
    refusals: { full: 2 },
    circuitEnds: { duration: 1 }
  })
})

it('counts reservations that are opened, renewed, expired and ended', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  for (let i = 0; i < 3; i++) bus.emit('reservation-accepted', granted)
  bus.emit('reservation-renewed', granted)
  bus.emit('reservation-expired', { peer: 'a' })
  bus.emit('reservation-ended', { peer: 'a', reason: 'peer-gone' })
  bus.emit('reservation-ended', { peer: 'a', reason: 'denied' })

  expect(counters.reservations).toEqual({
    opened: 3,
    renewed: 1,
    expired: 1,
    ended: { 'peer-gone': 1, denied: 1 }
  })
})

it('counts answers by request and status', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  bus.emit('reservation-accepted', granted)
  bus.emit('reservation-renewed', granted)
  bus.emit('circuit-accepted', { id: 1, ...pair })
  bus.emit('request-denied', denied('connect', 'target-gone', 203))
  bus.emit('request-denied', denied('connect', 'target-silent', 203))
  bus.emit('request-denied', denied('reserve', 'denied', 202))

  expect(counters.answers).toEqual({ reserve: { 100: 2, 202: 1 }, connect: { 100: 1, 203: 2 } })
})

it('lists refusals by request and reason, the most frequent first', () => {
  const bus = createBus()
  const counters = createCounters(bus)

  bus.emit('request-denied', denied('reserve', 'full', 200))
  for (let i = 0; i < 3; i++) bus.emit('request-denied', denied('connect', 'no-reservation', 204))
  for (let i = 0; i < 2; i++) bus.emit('request-denied', denied('connect', 'full', 201))

  expect(refusalList(counters)).toEqual([
    { request: 'connect', reason: 'no-reservation', count: 3 },
    { request: 'connect', reason: 'full', count: 2 },
    { request: 'reserve', reason: 'full', count: 1 }
  ])
})

it.each([
  [0, 0.005],
  [0.005, 0.005],
  [0.006, 0.01],
  [60, 60],
  [60.001, 120],
  [86_400, 86_400],
  [86_401, undefined]
])('counts a circuit of %d s among those of at most %s s', (seconds, bound) => {
  const bus = createBus()
  const counters = createCounters(bus)

  bus.emit('circuit-closed', closed('closed', seconds))

  const index = counters.circuitDurations.buckets.indexOf(1)
  expect(DURATION_BOUNDS[index]).toBe(bound)
  expect(counters.circuitDurations).toMatchObject({ count: 1, sum: seconds })
})
