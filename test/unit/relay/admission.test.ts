import { describe, expect, it } from 'vitest'
import {
  REFUSALS,
  admitConnect,
  admitReserve,
  statusOf,
  type ConnectState,
  type Mode,
  type Refusal,
  type ReserveState
} from '../../../app/main/relay/circuit/admission.ts'
import { limitsOf, type RelayLimits } from '../../../app/main/relay/limits.ts'
import { defaultsOf } from '../../../app/shared/settings.ts'
import { unlimited } from '../../support/relay.ts'

const noLimits = limitsOf({ ...defaultsOf('server'), ...unlimited })

interface Limits {
  reservations?: Partial<RelayLimits['reservations']>
  circuits?: Partial<RelayLimits['circuits']>
}

function limited({ reservations, circuits }: Limits = {}): RelayLimits {
  return {
    ...noLimits,
    reservations: { ...noLimits.reservations, ...reservations },
    circuits: { ...noLimits.circuits, ...circuits }
  }
}

const asker = {
  overRelay: false,
  access: 'ok',
  mode: 'open',
  overloaded: false,
  peerMayTry: true,
  ipMayTry: true
} as const
/** Large numbers: without a limit, no count is too high. */
const reserver: ReserveState = { ...asker, holds: 'none', reservations: 1e6, reservationsFromIp: 1e6 }
const dialer: ConnectState = {
  ...asker,
  targetReserved: true,
  circuits: 1e6,
  circuitsOfSource: 1e6,
  circuitsOfTarget: 1e6,
  overShare: false
}

const reserve = (state: Partial<ReserveState>, limits?: Limits): 'ok' | Refusal =>
  admitReserve({ ...reserver, ...state }, limited(limits))
const connect = (state: Partial<ConnectState>, limits?: Limits): 'ok' | Refusal =>
  admitConnect({ ...dialer, ...state }, limited(limits))

describe('without limits', () => {
  it('grants a reservation, however many there are', () => expect(reserve({})).toBe('ok'))

  it('lets a circuit through, however many there are', () => expect(connect({})).toBe('ok'))
})

const STATUS: Record<Refusal, [reserve: number, connect: number]> = {
  full: [200, 201],
  'per-ip-full': [200, 201],
  'per-peer-full': [200, 201],
  'peer-rate': [200, 201],
  'ip-rate': [200, 201],
  'fair-share': [200, 201],
  overloaded: [200, 201],
  quota: [200, 201],
  schedule: [200, 201],
  power: [200, 201],
  draining: [200, 201],
  paused: [200, 201],
  'not-allowed': [202, 202],
  denied: [202, 202],
  'over-relay': [202, 202],
  'target-gone': [203, 203],
  'target-silent': [203, 203],
  'target-refused': [203, 203],
  'no-reservation': [204, 204],
  malformed: [400, 400],
  'too-slow': [400, 400],
  unexpected: [401, 401]
}

describe('the wire status', () => {
  it.each(Object.entries(STATUS) as [Refusal, [number, number]][])(
    'of %s is %j (reserve, connect)',
    (reason, [onReserve, onConnect]) => {
      expect(statusOf(reason, 'reserve')).toBe(onReserve)
      expect(statusOf(reason, 'connect')).toBe(onConnect)
    }
  )

  it('is known for every refusal there is', () => {
    expect([...REFUSALS].sort()).toEqual(Object.keys(STATUS).sort())
  })
})

describe('a reservation is refused', () => {
  it.each<[reason: Refusal, when: string, state: Partial<ReserveState>, limits?: Limits]>([
    ['over-relay', 'asked for over a circuit', { overRelay: true }],
    ['denied', 'its peer is on the deny list', { access: 'denied' }],
    ['not-allowed', 'its peer is not on the allow list', { access: 'not-allowed' }],
    ['paused', 'the node is paused', { mode: 'paused' }],
    ['draining', 'the node drains', { mode: 'draining' }],
    ['quota', 'the quota is reached', { mode: 'quota' }],
    ['peer-rate', 'its peer tried too often', { peerMayTry: false }],
    ['ip-rate', 'its IP address tried too often', { ipMayTry: false }],
    ['full', 'no slot is free', { reservations: 2 }, { reservations: { total: 2 } }],
    ['per-ip-full', 'its IP has all its slots', { reservationsFromIp: 2 }, { reservations: { perIp: 2 } }]
  ])('%s: %s', (reason, _when, state, limits) => expect(reserve(state, limits)).toBe(reason))
})

describe('a circuit is refused', () => {
  const perPeer2 = { circuits: { perPeer: 2 } }
  it.each<[reason: Refusal, when: string, state: Partial<ConnectState>, limits?: Limits]>([
    ['over-relay', 'asked for over a circuit', { overRelay: true }],
    ['denied', 'the source is on the deny list', { access: 'denied' }],
    ['not-allowed', 'the source is not on the allow list', { access: 'not-allowed' }],
    ['paused', 'the node is paused', { mode: 'paused' }],
    ['draining', 'the node drains', { mode: 'draining' }],
    ['quota', 'the quota is reached', { mode: 'quota' }],
    ['peer-rate', 'the source tried too often', { peerMayTry: false }],
    ['ip-rate', 'its IP address tried too often', { ipMayTry: false }],
    ['no-reservation', 'the target has no reservation', { targetReserved: false }],
    ['full', 'no slot is free', { circuits: 2 }, { circuits: { total: 2 } }],
    ['per-peer-full', 'the source has its circuits', { circuitsOfSource: 2, circuitsOfTarget: 0 }, perPeer2],
    ['per-peer-full', 'the target has its circuits', { circuitsOfSource: 0, circuitsOfTarget: 2 }, perPeer2]
  ])('%s: %s', (reason, _when, state, limits) => expect(connect(state, limits)).toBe(reason))
})

describe.each([1, 2, 16])('with a limit of %i', limit => {
  const edges: [text: string, taken: number, admitted: boolean][] = [
    ['one below it', limit - 1, true],
    ['at it', limit, false],
    ['over it, lowered while they ran', limit + 1, false]
  ]

  describe.each(edges)('%s', (_text, taken, admitted) => {
    const verdict = (reason: Refusal): string => (admitted ? 'ok' : reason)

    it('reservations', () => {
      expect(reserve({ reservations: taken }, { reservations: { total: limit } })).toBe(verdict('full'))
    })

    it('reservations from one IP', () => {
      const limits = { reservations: { perIp: limit } }
      expect(reserve({ reservationsFromIp: taken }, limits)).toBe(verdict('per-ip-full'))
    })

    it('circuits', () => {
      expect(connect({ circuits: taken }, { circuits: { total: limit } })).toBe(verdict('full'))
    })

    it('circuits of the source', () => {
      const state = { circuitsOfSource: taken, circuitsOfTarget: 0 }
      expect(connect(state, { circuits: { perPeer: limit } })).toBe(verdict('per-peer-full'))
    })

    it('circuits of the target', () => {
      const state = { circuitsOfSource: 0, circuitsOfTarget: taken }
      expect(connect(state, { circuits: { perPeer: limit } })).toBe(verdict('per-peer-full'))
    })
  })
})

describe('a renewal', () => {
  const full = { reservations: { total: 1, perIp: 1 } }
  const taken = { reservations: 1, reservationsFromIp: 1 }

  it('is granted on a full relay', () => {
    expect(reserve({ holds: 'same-ip', ...taken }, full)).toBe('ok')
  })

  it.each(['same-ip', 'other-ip'] as const)('is no attempt (%s)', holds => {
    expect(reserve({ holds, peerMayTry: false, ipMayTry: false })).toBe('ok')
  })

  it('from another IP needs no new slot', () => {
    expect(reserve({ holds: 'other-ip', reservations: 1, reservationsFromIp: 0 }, full)).toBe('ok')
  })

  it('from another IP needs one of the slots of that IP', () => {
    expect(reserve({ holds: 'other-ip', ...taken }, full)).toBe('per-ip-full')
  })

  it.each<[Mode, 'ok' | Refusal]>([
    ['open', 'ok'],
    ['paused', 'ok'],
    ['draining', 'draining'],
    ['quota', 'quota']
  ])('while %s: %s', (mode, verdict) => {
    expect(reserve({ holds: 'same-ip', mode })).toBe(verdict)
    expect(reserve({ holds: 'other-ip', mode })).toBe(verdict)
  })

  it.each<[Refusal, Partial<ReserveState>]>([
    ['denied', { access: 'denied' }],
    ['not-allowed', { access: 'not-allowed' }],
    ['over-relay', { overRelay: true }]
  ])('is still refused as %s', (reason, state) => {
    expect(reserve({ holds: 'same-ip', ...state })).toBe(reason)
  })
})

describe('who may not use the relay', () => {
  it.each(['denied', 'not-allowed'] as const)('learns nothing more than %s', access => {
    const state = { access, mode: 'draining', peerMayTry: false, ipMayTry: false } as const
    expect(reserve(state, { reservations: { total: 0, perIp: 0 } })).toBe(access)
    expect(connect({ ...state, targetReserved: false }, { circuits: { total: 0 } })).toBe(access)
  })
})
