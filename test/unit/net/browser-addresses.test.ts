import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { browserFirst } from '../../../app/main/net/browser-addresses.ts'

const OWN = '/p2p/12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4SAwSsatoe3mHDk'
const HASH = '/certhash/uEiBkqkzaBsdzl9AyrWLgsXRcuRMB_XuXTkYOs8zGnHyI8A'

/** By how well a page can dial them. */
const CLASSES = [
  [
    '/dns4/relay.example/tcp/443/tls/ws',
    '/dns6/relay.example/tcp/443/tls/ws',
    '/dns/relay.example/tcp/443/wss',
    '/dns4/203-0-113-7.k51qzi5uqu5d.libp2p.direct/tcp/443/tls/ws',
    '/ip4/203.0.113.7/tcp/443/tls/sni/relay.example/ws'
  ],
  ['/ip4/203.0.113.7/tcp/443/tls/ws', '/ip6/2001:db8::7/tcp/443/tls/ws'],
  [`/ip4/203.0.113.7/udp/4004/webrtc-direct${HASH}`, `/dns4/relay.example/udp/4004/webrtc-direct${HASH}`],
  ['/ip4/127.0.0.1/tcp/4003/ws', '/ip6/::1/tcp/4003/ws', '/dns4/relay.example/tcp/4003/ws'],
  [
    '/ip4/203.0.113.7/tcp/4001',
    '/ip4/203.0.113.7/udp/4001/quic-v1',
    '/dns4/relay.example/tcp/4001',
    // Without the hash of its certificate nobody can dial it.
    '/ip4/203.0.113.7/udp/4004/webrtc-direct'
  ]
].map(each => each.map(address => address + OWN))
const ALL = CLASSES.flat()

describe('the order of addresses for browsers', () => {
  it('is secure WebSocket by name, by IP address, WebRTC-direct, plain WebSocket, the rest', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(ALL), addresses => {
        const classes = browserFirst(addresses).map(address =>
          CLASSES.findIndex(each => each.includes(address))
        )
        expect(classes).toEqual(classes.toSorted((a, b) => a - b))
      })
    )
  })

  it('leaves nothing out, and what is alike in the order it had', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(ALL), addresses => {
        const ordered = browserFirst(addresses)
        expect(ordered.toSorted()).toEqual(addresses.toSorted())
        for (const alike of CLASSES)
          expect(ordered.filter(address => alike.includes(address))).toEqual(
            addresses.filter(address => alike.includes(address))
          )
      })
    )
  })
})
