import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { Addresses, type AddressComponents } from '../../../app/main/relay/addresses.ts'

const PEER = '12D3KooWLia3ptTxaYLVpnYY3HpbfFESqN67SCNhrKHZvxBjoMb5'
const PRIVATE = '/ip4/192.168.77.2/tcp/4001'
const PUBLIC = '/ip4/5.6.7.1/tcp/4001'
const PUBLIC_QUIC = '/ip4/5.6.7.1/udp/4001/quic-v1'
const CIRCUIT = `/ip4/23.1.0.1/tcp/1/p2p/${PEER}/p2p-circuit`

/** `announced` is what libp2p announces after its announceFilter (reach.ts). */
function addressesOf(announced: string[], listening: string[]): Addresses {
  const list = (texts: string[]) => texts.map(text => multiaddr(text))
  const components = {
    peerId: peerIdFromString(PEER),
    addressManager: { getAddresses: () => list(announced) },
    transportManager: { getAddrs: () => list(listening) }
  }
  return new Addresses(components as unknown as AddressComponents)
}

const bare = (addresses: { toString(): string }[]): string[] =>
  addresses.map(address => address.toString().replace(`/p2p/${PEER}`, ''))
const from = (address: string): Connection => ({ remoteAddr: multiaddr(address) }) as unknown as Connection

describe('a reservation from outside carries', () => {
  it.each<[what: string, announced: string[], listening: string[], carried: string[]]>([
    ['what is announced as public', [PRIVATE, PUBLIC], [PRIVATE], [PUBLIC]],
    ['no unverified address beside a verified one', [PUBLIC], [PUBLIC, PUBLIC_QUIC], [PUBLIC]],
    ['listen addresses, where nothing public is announced', [PRIVATE], [PRIVATE], [PRIVATE]],
    [
      'unverified ones first, where nothing public is announced',
      [PRIVATE],
      [PRIVATE, PUBLIC],
      [PUBLIC, PRIVATE]
    ],
    ['no address through a relay', [CIRCUIT, PUBLIC], [PUBLIC], [PUBLIC]]
  ])('%s', (_what, announced, listening, carried) => {
    const addresses = addressesOf(announced, listening).forReservation(from('/ip4/5.9.9.9/tcp/50000'))
    expect(bare(addresses)).toEqual(carried)
  })
})

it('a reservation from the own network carries what that network can reach, first', () => {
  const addresses = addressesOf([PRIVATE, PUBLIC], [PRIVATE])
  expect(bare(addresses.forReservation(from('/ip4/192.168.77.9/tcp/50000')))).toEqual([PRIVATE, PUBLIC])
})

it('all addresses leave out public ones that nobody verified, unless there are no others', () => {
  expect(bare(addressesOf([PRIVATE, PUBLIC], [PRIVATE, PUBLIC, PUBLIC_QUIC]).all())).toEqual([
    PUBLIC,
    PRIVATE
  ])
  expect(bare(addressesOf([PRIVATE], [PRIVATE, PUBLIC_QUIC]).all())).toEqual([PUBLIC_QUIC, PRIVATE])
})

it('all addresses are complete, once', () => {
  const complete = `${PUBLIC}/p2p/${PEER}`
  expect(addressesOf([complete], [PUBLIC]).all().map(String)).toEqual([complete])
})
