import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { announcedAt, announcedAtHost } from '../../../app/main/relay/listening.ts'

const HASH = 'certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'
const listening = [
  '/ip4/127.0.0.1/tcp/4001',
  '/ip4/192.168.1.5/tcp/4001',
  '/ip6/::1/tcp/4001',
  '/ip6/::1/udp/4001/quic-v1',
  '/ip4/192.168.1.5/tcp/443/tls/ws',
  `/ip4/192.168.1.5/udp/4004/webrtc-direct/${HASH}`
].map(text => multiaddr(text))

const texts = (addresses: { toString(): string }[]): string[] => addresses.map(String)

it('announces a name with each open port once, by IPv4 where that is listened on', () => {
  expect(texts(announcedAtHost('relay.example', listening))).toEqual([
    '/dns4/relay.example/tcp/4001',
    '/dns6/relay.example/udp/4001/quic-v1',
    '/dns4/relay.example/tcp/443/tls/ws'
  ])
})

it('announces no name where there is none', () => {
  expect(announcedAtHost('', listening)).toEqual([])
})

it('announces an IP address with each open port of its family, and the hash of a certificate', () => {
  expect(texts(announcedAt(['203.0.113.9'], listening))).toEqual([
    '/ip4/203.0.113.9/tcp/4001',
    '/ip4/203.0.113.9/tcp/443/tls/ws',
    `/ip4/203.0.113.9/udp/4004/webrtc-direct/${HASH}`
  ])
})
