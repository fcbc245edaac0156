import { describe, expect, it } from 'vitest'
import { defaultsOf } from '../../../app/shared/settings.ts'

const MiB = 1024 * 1024

/** The numbers people were promised. A change here is a change for every operator. */
const promised = {
  home: {
    'relay.reservations.total': 64,
    'relay.reservations.perIp': 4,
    'relay.reservations.ttlSeconds': 3600,
    'relay.circuits.total': 32,
    'relay.circuits.perPeer': 4,
    'relay.circuits.durationSeconds': 3600,
    'relay.circuits.bytesEachWay': 100 * MiB,
    'relay.rate.totalBytesPerSecond': 1_250_000,
    'relay.rate.perPeerBytesPerSecond': 0,
    'relay.rate.perCircuitBytesPerSecond': 0,
    'relay.attempts.perPeerPerMinute': 30,
    'relay.attempts.perIpPerMinute': 60,
    'access.allow': [],
    'access.deny': []
  },
  server: {
    'relay.reservations.total': 1024,
    'relay.reservations.perIp': 16,
    'relay.reservations.ttlSeconds': 3600,
    'relay.circuits.total': 512,
    'relay.circuits.perPeer': 16,
    'relay.circuits.durationSeconds': 3600,
    'relay.circuits.bytesEachWay': 100 * MiB,
    'relay.rate.totalBytesPerSecond': 0,
    'relay.rate.perPeerBytesPerSecond': 0,
    'relay.rate.perCircuitBytesPerSecond': 0,
    'relay.attempts.perPeerPerMinute': 30,
    'relay.attempts.perIpPerMinute': 120,
    'access.allow': [],
    'access.deny': []
  },
  introducer: {
    'relay.reservations.total': 1024,
    'relay.reservations.perIp': 64,
    'relay.reservations.ttlSeconds': 3600,
    'relay.circuits.total': 16,
    'relay.circuits.perPeer': 4,
    'relay.circuits.durationSeconds': 120,
    'relay.circuits.bytesEachWay': MiB
  }
} as const

const everywhere = {
  'tcp.port': 4001,
  'quic.port': 4001,
  'ws.port': 4003,
  'http.port': 4002,
  'control.port': 4010,
  'listen.ip4': ['0.0.0.0'],
  'listen.ip6': ['::'],
  'relay.circuits.bufferBytes': 2 * MiB,
  'relay.dataPath': 'fast',
  'dht.protocol': '/ipfs/kad/1.0.0',
  'dht.bootstrap': [],
  'dht.queryTimeoutSeconds': 60,
  'dht.clientAddresses': 'announced',
  'identity.protocolVersion': '/waystation/relay/1.0.0',
  'shutdown.timeoutSeconds': 30,
  'log.addresses': false,
  'log.peers': false
}

describe('the profiles', () => {
  it.each(['home', 'server', 'introducer'] as const)('%s has the promised limits', profile => {
    expect(defaultsOf(profile)).toMatchObject({ profile, ...promised[profile] })
  })

  it.each(['home', 'server', 'introducer'] as const)('%s has what all have in common', profile => {
    expect(defaultsOf(profile)).toMatchObject(everywhere)
  })
})
