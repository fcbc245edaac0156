import { describe, expect, it } from 'vitest'
import type { CircuitInfo } from '../../../app/shared/api.ts'
import {
  flowsOf,
  limitsOf,
  nearestOfCircuit,
  nearestOfPeer,
  type Limits
} from '../../../app/renderer/state/nearest-limit.ts'

const NONE: Limits = {
  durationSeconds: 0,
  bytesEachWay: 0,
  circuitsPerPeer: 0,
  totalRate: 0,
  peerRate: 0,
  circuitRate: 0
}
const circuit = (of: Partial<CircuitInfo> = {}): CircuitInfo => ({
  id: 1,
  source: 'dialer',
  target: 'listener',
  since: '2026-01-01T00:00:00Z',
  seconds: 0,
  bytes: { toTarget: 0, toSource: 0 },
  rate: { toTarget: 0, toSource: 0 },
  ...of
})
const nearest = (one: CircuitInfo, limits: Partial<Limits>, all = [one], own: Record<string, number> = {}) =>
  nearestOfCircuit(one, { limits: { ...NONE, ...limits }, flows: flowsOf(all), rateOf: peer => own[peer] })

describe('the nearest limit of a circuit', () => {
  it('is none without limits', () => {
    expect(nearest(circuit({ seconds: 1e6, bytes: { toTarget: 1e12, toSource: 0 } }), {})).toBeUndefined()
  })

  it('is the one of which the largest share is used', () => {
    const one = circuit({ seconds: 90, bytes: { toTarget: 10, toSource: 50 } })
    expect(nearest(one, { durationSeconds: 100, bytesEachWay: 100 })).toEqual({
      limit: 'duration',
      share: 0.9,
      left: 10
    })
    expect(nearest(one, { durationSeconds: 1000, bytesEachWay: 100 })).toEqual({
      limit: 'bytes',
      share: 0.5,
      left: 50
    })
  })

  it('looks at each direction by itself, and not at their sum', () => {
    const one = circuit({ bytes: { toTarget: 60, toSource: 60 }, rate: { toTarget: 5, toSource: 5 } })
    expect(nearest(one, { bytesEachWay: 100 })?.share).toBe(0.6)
    expect(nearest(one, { circuitRate: 10 })?.share).toBe(0.5)
  })

  it('counts all circuits of a peer towards its rate, by what the peer sends and gets', () => {
    const one = circuit({ rate: { toTarget: 30, toSource: 1 } })
    // Here the same peer is the listener: what it sends goes to the dialer.
    const other = circuit({ id: 2, source: 'third', target: 'dialer', rate: { toTarget: 2, toSource: 40 } })
    expect(nearest(one, { peerRate: 100 }, [one, other])).toEqual({
      limit: 'peer-rate',
      share: 0.7,
      left: 30
    })
  })

  it('takes the rate of a peer of its own instead of that of all peers', () => {
    const one = circuit({ rate: { toTarget: 30, toSource: 0 } })
    expect(nearest(one, { peerRate: 1000 }, [one], { listener: 40 })?.share).toBe(0.75)
    expect(nearest(one, { peerRate: 31 }, [one], { dialer: 300, listener: 300 })?.share).toBe(0.1)
  })

  it('counts all circuits towards the total rate', () => {
    const all = [1, 2, 3].map(id => circuit({ id, rate: { toTarget: 20, toSource: 0 } }))
    expect(nearest(all[0]!, { totalRate: 80, circuitRate: 100 }, all)).toMatchObject({
      limit: 'total-rate',
      share: 0.75
    })
  })

  it('is never more than used up', () => {
    expect(nearest(circuit({ seconds: 200 }), { durationSeconds: 100 })).toEqual({
      limit: 'duration',
      share: 1,
      left: 0
    })
  })
})

it('names the circuits of a peer that holds a reservation', () => {
  const around = { limits: { ...NONE, circuitsPerPeer: 4 }, flows: flowsOf([]), rateOf: () => undefined }
  expect(nearestOfPeer('peer', 3, around)).toEqual({ limit: 'circuits', share: 0.75, left: 1 })
})

it('reads the limits from the settings by their keys', () => {
  const settings: Record<string, unknown> = {
    'relay.circuits.durationSeconds': 1,
    'relay.circuits.bytesEachWay': 2,
    'relay.circuits.perPeer': 3,
    'relay.rate.totalBytesPerSecond': 4,
    'relay.rate.perPeerBytesPerSecond': 5,
    'relay.rate.perCircuitBytesPerSecond': 6
  }
  expect(limitsOf(key => settings[key])).toEqual({
    durationSeconds: 1,
    bytesEachWay: 2,
    circuitsPerPeer: 3,
    totalRate: 4,
    peerRate: 5,
    circuitRate: 6
  })
  expect(limitsOf(() => undefined)).toEqual(NONE)
})
