import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import {
  addressesBelieved,
  addressesGiven,
  isLocalPeer,
  MAX_ADDRESSES
} from '../../app/main/relay/client-addresses.ts'
import type { AddressPolicy, Subject } from '../../app/main/relay/client-addresses.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const RELAY = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'
const OTHER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

const ADDRESS = '/ip4/8.8.4.4/tcp/4001'
const LAN = '/ip4/192.168.1.5/tcp/4001'
const CONNECTION = '/ip4/8.8.4.4/tcp/50123'
const OWN = '/ip4/1.1.1.1/tcp/4001'
const THROUGH_US = `${OWN}/p2p/${RELAY}/p2p-circuit`
const BY_NAME = `/dns4/relay.example.com/tcp/443/wss/p2p/${RELAY}/p2p-circuit`
const THROUGH_OTHER = `/ip4/9.9.9.9/udp/4001/quic-v1/p2p/${OTHER}/p2p-circuit`
const THROUGH_ITSELF = `/ip4/9.9.9.8/tcp/4001/p2p/${PEER}/p2p-circuit`

interface Case {
  it: string
  announced?: string[]
  connections?: string[]
  reserved?: boolean
  infrastructure?: boolean
  toLocal?: boolean
  own?: string[]
  given: Partial<Record<AddressPolicy, string[]>>
}

const many = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `/ip4/8.8.4.4/tcp/${4000 + index}`)

const cases: Case[] = [
  {
    it: 'gives what each policy says of a connected peer',
    announced: [ADDRESS],
    connections: [CONNECTION],
    given: { all: [CONNECTION, ADDRESS], announced: [ADDRESS], 'relayed-only': [], none: [] }
  },
  {
    it: 'gives the address of the connection before identify is done',
    connections: [CONNECTION],
    given: { all: [CONNECTION], announced: [], 'relayed-only': [], none: [] }
  },
  {
    it: 'adds the address through this relay of a peer that holds a reservation',
    announced: [ADDRESS],
    reserved: true,
    given: {
      all: [ADDRESS, THROUGH_US],
      announced: [ADDRESS, THROUGH_US],
      'relayed-only': [THROUGH_US],
      none: []
    }
  },
  {
    it: 'keeps what the peer announced through this relay, but gives our own where no IP may be shown',
    announced: [BY_NAME],
    reserved: true,
    given: { announced: [BY_NAME], 'relayed-only': [THROUGH_US] }
  },
  {
    it: 'leaves out addresses through this relay that have no reservation',
    announced: [THROUGH_US, ADDRESS],
    given: { announced: [ADDRESS], 'relayed-only': [] }
  },
  {
    it: 'gives addresses through another relay',
    announced: [ADDRESS, THROUGH_OTHER, `${THROUGH_OTHER}/p2p/${PEER}`, `${THROUGH_OTHER}/webrtc`],
    given: {
      announced: [ADDRESS, THROUGH_OTHER, `${THROUGH_OTHER}/webrtc`],
      'relayed-only': [THROUGH_OTHER, `${THROUGH_OTHER}/webrtc`]
    }
  },
  {
    it: 'hides circuit addresses whose relay is the peer itself or unnamed',
    announced: [THROUGH_ITSELF, '/ip4/9.9.9.7/tcp/4001/p2p-circuit', `/p2p/${OTHER}/p2p-circuit`],
    given: { 'relayed-only': [`/p2p/${OTHER}/p2p-circuit`] }
  },
  {
    it: "hides circuit addresses with the peer's own IP address in front or behind",
    announced: [
      ADDRESS,
      `/ip4/8.8.4.4/tcp/9/p2p/${OTHER}/p2p-circuit`,
      `/ip4/9.9.9.9/tcp/9/p2p/${OTHER}/p2p-circuit/ip4/8.8.4.5/tcp/4`,
      `/ip4/9.9.9.9/tcp/9/p2p/${OTHER}/p2p-circuit/p2p/${OTHER}/p2p-circuit`
    ],
    given: { 'relayed-only': [] }
  },
  {
    it: 'hides a circuit address with the IP address that the peer is connected from',
    announced: [`/ip4/8.8.4.4/tcp/9/p2p/${OTHER}/p2p-circuit`],
    connections: [CONNECTION],
    given: { 'relayed-only': [] }
  },
  {
    it: 'gives this node itself and bootstrap peers under every policy',
    announced: [ADDRESS],
    infrastructure: true,
    given: { all: [ADDRESS], announced: [ADDRESS], 'relayed-only': [ADDRESS], none: [ADDRESS] }
  },
  {
    it: 'gives no private address to a peer on the Internet',
    announced: [LAN, ADDRESS, '/ip6/fe80::1/tcp/1', '/ip6/fd00::1/tcp/1', '/dns4/localhost/tcp/1'],
    connections: ['/ip4/127.0.0.1/tcp/50123'],
    reserved: true,
    own: ['/ip4/10.0.0.1/tcp/4001', OWN],
    given: {
      all: [ADDRESS, THROUGH_US],
      announced: [ADDRESS, THROUGH_US],
      'relayed-only': [THROUGH_US]
    }
  },
  {
    it: 'gives private addresses to a peer in the own network',
    announced: [LAN],
    connections: ['/ip4/127.0.0.1/tcp/50123'],
    reserved: true,
    own: ['/ip4/127.0.0.1/tcp/4001'],
    toLocal: true,
    given: {
      all: ['/ip4/127.0.0.1/tcp/50123', LAN, `/ip4/127.0.0.1/tcp/4001/p2p/${RELAY}/p2p-circuit`],
      announced: [LAN, `/ip4/127.0.0.1/tcp/4001/p2p/${RELAY}/p2p-circuit`],
      'relayed-only': [`/ip4/127.0.0.1/tcp/4001/p2p/${RELAY}/p2p-circuit`]
    }
  },
  {
    it: 'builds addresses through this relay from own ones with and without a peer id, and from no circuit',
    reserved: true,
    own: [`${OWN}/p2p/${RELAY}`, OWN, THROUGH_OTHER],
    given: { announced: [THROUGH_US] }
  },
  {
    it: 'gives an address once',
    announced: [`${ADDRESS}/p2p/${PEER}`, ADDRESS],
    connections: [`${ADDRESS}/p2p/${PEER}`],
    given: { all: [ADDRESS] }
  },
  {
    it: 'gives at most 16 addresses and keeps the relayed one',
    announced: many(20),
    reserved: true,
    given: { announced: [...many(15), THROUGH_US] }
  }
]

function give(policy: AddressPolicy, one: Case): string[] {
  const list = (addresses: string[] | undefined) => (addresses ?? []).map(text => multiaddr(text))
  const subject: Subject = {
    id: PEER,
    announced: list(one.announced),
    connections: list(one.connections),
    reserved: one.reserved ?? false,
    infrastructure: one.infrastructure ?? false
  }
  const relay = { id: RELAY, addresses: list(one.own ?? [OWN]) }
  return addressesGiven(subject, policy, relay, one.toLocal ?? false).map(String)
}

describe('the addresses given out', () => {
  for (const one of cases) {
    for (const [policy, expected] of Object.entries(one.given)) {
      it(`${one.it} (${policy})`, () => {
        expect(give(policy as AddressPolicy, one)).toEqual(expected)
      })
    }
  }

  it('reads addresses from the wire the same', () => {
    const subject = {
      id: PEER,
      announced: [multiaddr(multiaddr(THROUGH_ITSELF).bytes), multiaddr(multiaddr(THROUGH_OTHER).bytes)],
      connections: [],
      reserved: false,
      infrastructure: false
    }
    const given = addressesGiven(subject, 'relayed-only', { id: RELAY, addresses: [] }, false)
    expect(given.map(String)).toEqual([THROUGH_OTHER])
  })
})

describe('who counts as local', () => {
  const table: [string[], boolean][] = [
    [['/ip4/127.0.0.1/tcp/1'], true],
    [['/ip4/192.168.1.7/udp/1/quic-v1'], true],
    [['/ip6/::1/tcp/1'], true],
    [['/ip6zone/eth0/ip6/fe80::1/tcp/1'], true],
    [['/ip4/8.8.4.4/tcp/1'], false],
    [['/ip6/2606:4700::1/tcp/1'], false],
    [['/ip4/127.0.0.1/tcp/1', '/ip4/8.8.4.4/tcp/1'], false],
    [[`/ip4/127.0.0.1/tcp/1/p2p/${RELAY}/p2p-circuit`], false],
    [[], false]
  ]
  for (const [connections, local] of table) {
    it(`says ${local ? 'local' : 'not local'} of ${connections.join(' and ') || 'no connection'}`, () => {
      expect(isLocalPeer(connections.map(text => multiaddr(text)))).toBe(local)
    })
  }
})

describe('the addresses believed', () => {
  it('takes private ones only from a peer in a private network', () => {
    const told = [multiaddr(LAN), multiaddr(ADDRESS)]
    expect(addressesBelieved(told, false).map(String)).toEqual([ADDRESS])
    expect(addressesBelieved(told, true).map(String)).toEqual([LAN, ADDRESS])
  })

  it('takes at most 16', () => {
    const told = many(40).map(text => multiaddr(text))
    expect(addressesBelieved(told, false)).toHaveLength(MAX_ADDRESSES)
  })
})
