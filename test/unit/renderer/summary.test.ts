import { describe, expect, it } from 'vitest'
import type { AddressInfo, AddressState, ModeInfo, Status } from '../../../app/shared/api.ts'
import { lampOf, reachOf, situationOf } from '../../../app/renderer/state/summary.ts'

const address = (state: AddressState, transport = 'tcp', isPublic = true): AddressInfo => ({
  address: `/ip4/203.0.113.7/tcp/4001`,
  transport,
  public: isPublic,
  state,
  since: '2026-03-01T10:00:00Z'
})

function status(
  mode: ModeInfo,
  { circuits = 0, reservations = 0, health = 'no-demand', peers = 1, dhtPeers = 0 } = {}
): Status {
  return {
    mode,
    circuits: { running: circuits, limit: 32 },
    reservations: { held: reservations, limit: 64 },
    connections: { peers, byTransport: {} },
    dhtPeers,
    reachability: { health }
  } as unknown as Status
}

describe('what the first line says', () => {
  it.each([
    ['off', status({ mode: 'off' }), 'off'],
    ['paused', status({ mode: 'paused' }, { circuits: 2 }), 'paused'],
    ['held', status({ mode: 'held', rule: 'schedule' }), 'held'],
    ['draining', status({ mode: 'draining' }), 'draining'],
    ['starting', status({ mode: 'open', starting: true }), 'starting'],
    ['relaying', status({ mode: 'open' }, { circuits: 1, reservations: 1 }), 'relaying'],
    ['reserved', status({ mode: 'open' }, { reservations: 1 }), 'reserved'],
    ['no demand', status({ mode: 'open' }), 'no-demand'],
    ['unreachable', status({ mode: 'open' }, { health: 'broken' }), 'unreachable']
  ])('%s', (_, given, expected) => {
    expect(situationOf(given, true)).toBe(expected)
  })

  it('a fault goes before the mode that it hinders', () => {
    const mode: ModeInfo = { mode: 'open', fault: { code: 'port-in-use', message: 'taken' } }

    expect(situationOf(status(mode), true)).toBe('fault')
    expect(lampOf(status(mode), 'connected')).toBe('trouble')
  })

  it('says that nobody knows of a node that joins no network and has met nobody', () => {
    expect(situationOf(status({ mode: 'open' }, { peers: 0 }), false)).toBe('unknown-to-all')
    expect(situationOf(status({ mode: 'open' }, { peers: 1 }), false)).toBe('no-demand')
    expect(situationOf(status({ mode: 'open' }, { peers: 0 }), true)).toBe('no-demand')
  })

  it('shows no lamp of a node that does not answer', () => {
    expect(lampOf(status({ mode: 'open' }, { circuits: 1 }), 'lost')).toBe('waiting')
    expect(lampOf(undefined, 'connecting')).toBe('waiting')
    expect(lampOf(status({ mode: 'open' }, { circuits: 1 }), 'connected')).toBe('relaying')
  })
})

describe('reach', () => {
  it('is outside by those transports alone that were confirmed or given', () => {
    const addresses = [
      address('verified', 'tcp'),
      address('verified', 'tcp'),
      address('given', 'ws'),
      address('unreachable', 'quic')
    ]

    expect(reachOf(addresses)).toEqual({ state: 'outside', transports: ['tcp', 'ws'] })
  })

  it('is never called outside because a port is mapped', () => {
    expect(reachOf([address('mapped')]).state).toBe('unconfirmed')
  })

  it('is local where there is no public address', () => {
    expect(reachOf([address('listening', 'tcp', false), address('verified', 'tcp', false)]).state).toBe(
      'local'
    )
  })
})
