import { describe, expect, it } from 'vitest'
import {
  accessOf,
  connectionsFor,
  limitsOf,
  peerRatesOf,
  type RelayLimits
} from '../../../app/main/relay/limits.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { base36 } from 'multiformats/bases/base36'
import { parseValue } from '../../../app/shared/values.ts'
import { defaultsOf, keys, type Key, type Settings } from '../../../app/shared/settings.ts'

const server = defaultsOf('server')

/** Every limit's key, and where it is found. */
const LIMITS: [Key, (limits: RelayLimits) => number][] = [
  ['relay.reservations.total', limits => limits.reservations.total],
  ['relay.reservations.perIp', limits => limits.reservations.perIp],
  ['relay.circuits.total', limits => limits.circuits.total],
  ['relay.circuits.perPeer', limits => limits.circuits.perPeer],
  ['relay.circuits.durationSeconds', limits => limits.circuits.durationSeconds],
  ['relay.circuits.bytesEachWay', limits => limits.circuits.bytesEachWay],
  ['relay.rate.totalBytesPerSecond', limits => limits.rate.totalBytesPerSecond],
  ['relay.rate.perPeerBytesPerSecond', limits => limits.rate.perPeerBytesPerSecond],
  ['relay.rate.perCircuitBytesPerSecond', limits => limits.rate.perCircuitBytesPerSecond],
  ['relay.attempts.perPeerPerMinute', limits => limits.attempts.perPeerPerMinute],
  ['relay.attempts.perIpPerMinute', limits => limits.attempts.perIpPerMinute]
]

describe.each(LIMITS)('%s', (key, find) => {
  it('is no limit at 0', () => expect(find(limitsOf({ ...server, [key]: 0 }))).toBe(Infinity))

  it('is as given above 0', () => expect(find(limitsOf({ ...server, [key]: 7 }))).toBe(7))

  it('changes nothing else', () => {
    const ours = limitsOf({ ...server, [key]: 7 })
    const others = LIMITS.filter(([other]) => other !== key).map(([, findOther]) => findOther)
    expect(others.map(findOther => findOther(ours))).toEqual(
      others.map(findOther => findOther(limitsOf(server)))
    )
  })
})

describe('limitsOf', () => {
  it('takes the time a reservation lasts as it is: it always ends', () => {
    expect(limitsOf({ ...server, 'relay.reservations.ttlSeconds': 90 }).reservations.ttlSeconds).toBe(90)
  })

  it('knows every limit there is a setting for', () => {
    const ofCircuits = (key: Key): boolean =>
      /^relay\.(?!enabled|dataPath|selfTest|circuits\.bufferBytes|reservations\.ttl|rate\.peers)/.test(key)
    expect(LIMITS.map(([key]) => key).sort()).toEqual(keys.filter(ofCircuits).sort())
  })
})

describe('peerRatesOf', () => {
  const peers = [
    '12D3KooWDPXxRy16fw2SMp3R2wHQLBa1z39W96u4q9bKpUvrVVJJ',
    'QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN'
  ]

  it('reads each in its unit; of a peer given twice the last counts', () => {
    const given = [`${peers[0]}=50kB/s`, `${peers[1]}=1Mbit/s`, `${peers[0]}=70000`]
    expect(peerRatesOf({ ...server, 'relay.rate.peers': given })).toEqual(
      new Map([
        [peers[0], 70_000],
        [peers[1], 125_000]
      ])
    )
  })

  it.each([
    'me=50kB/s',
    `${peers[0]}`,
    `${peers[0]}=`,
    `${peers[0]}=0`,
    `${peers[0]}=fast`,
    `${peers[0]}=1=2`
  ])('takes no %s', item => {
    expect(() => parseValue('relay.rate.peers', [item])).toThrow('PEER=RATE')
  })
})

describe('a peer id that is given as a CID', () => {
  const text = '12D3KooWDPXxRy16fw2SMp3R2wHQLBa1z39W96u4q9bKpUvrVVJJ'
  const cid = peerIdFromString(text).toCID()

  it.each([cid.toString(), cid.toString(base36)])('is the same peer in lists and rates (%s)', given => {
    const lists = { 'access.allow': [given, '10.0.0.0/8'], 'access.deny': ['2001:db8::1', given] }
    for (const [key, value] of Object.entries(lists)) expect(parseValue(key as Key, value)).toEqual(value)
    expect(accessOf({ ...server, ...lists })).toEqual({
      allow: [text, '10.0.0.0/8'],
      deny: ['2001:db8::1', text]
    })
    expect(peerRatesOf({ ...server, 'relay.rate.peers': [`${given}=50kB/s`] })).toEqual(
      new Map([[text, 50_000]])
    )
  })

  it('that cannot be read is left as it is', () => {
    const given = 'bafzbroken'
    expect(accessOf({ ...server, 'access.deny': [given] }).deny).toEqual([given])
  })
})

describe('connectionsFor', () => {
  const connections = (changes: Partial<Settings>): { total: number; perIpPerSecond: number } =>
    connectionsFor({ ...server, ...changes })

  it.each<[total: number, changes: Partial<Settings>]>([
    // 10 listeners, two ends of 20 circuits, and 512 for the DHT and those who have neither
    [10 + 2 * 20 + 512, { 'relay.reservations.total': 10, 'relay.circuits.total': 20 }],
    [100, { 'relay.reservations.total': 10, 'relay.circuits.total': 20, 'connections.total': 100 }],
    [100, { 'relay.reservations.total': 0, 'relay.circuits.total': 0, 'connections.total': 100 }],
    [Infinity, { 'relay.reservations.total': 0, 'connections.total': 0 }],
    [Infinity, { 'relay.circuits.total': 0, 'connections.total': 0 }]
  ])('has room for %s connections with %j', (total, changes) => {
    expect(connections(changes).total).toBe(total)
  })

  it.each<[total: number, open: number, cap: number]>([
    [10 + 2 * 20 + 512, 100, 0],
    [1000, 1000, 0],
    [800, 1000, 800]
  ])('has room for %i connections when %i are open, under a cap of %i', (total, open, cap) => {
    const lowered = { 'relay.reservations.total': 10, 'relay.circuits.total': 20, 'connections.total': cap }
    expect(connectionsFor({ ...server, ...lowered }, open).total).toBe(total)
  })

  it.each<[perSecond: number, changes: Partial<Settings>]>([
    [100, { 'relay.reservations.perIp': 16, 'relay.attempts.perIpPerMinute': 120 }],
    [256, { 'relay.reservations.perIp': 64, 'relay.attempts.perIpPerMinute': 120 }],
    [480, { 'relay.reservations.perIp': 0, 'relay.attempts.perIpPerMinute': 120 }],
    [4000, { 'relay.reservations.perIp': 1000, 'relay.attempts.perIpPerMinute': 0 }],
    [Infinity, { 'relay.reservations.perIp': 0, 'relay.attempts.perIpPerMinute': 0 }]
  ])('takes %s a second from one IP with %j', (perSecond, changes) => {
    expect(connections(changes).perIpPerSecond).toBe(perSecond)
  })

  it('takes 1,000 peers and 100 a second from one IP as a server, unchanged', () => {
    expect(connections({}).total).toBeGreaterThanOrEqual(1000)
    expect(connections({}).perIpPerSecond).toBeGreaterThanOrEqual(100)
  })
})
