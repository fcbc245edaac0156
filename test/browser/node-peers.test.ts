import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, createListener, ECHO, exchange } from '../support/clients.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { browserMissing, openBrowsers, type Browsers } from './support/browsers.ts'
import { BrowserPeer } from './support/peers.ts'

const LIMITED = { runOnLimitedConnection: true }

describe.skipIf(browserMissing())('a browser', () => {
  let browsers: Browsers
  beforeAll(async () => {
    browsers = await openBrowsers()
  })
  afterAll(() => browsers[Symbol.asyncDispose]())

  it('talks to another one through the relay alone; closing the tab frees the slot', async () => {
    await using relay = await startRelay()
    const alice = await BrowserPeer.open(browsers)
    await using bob = await BrowserPeer.open(browsers)
    await alice.connect(relay.address('ws'))

    await bob.connect(await alice.address('relayed'))
    expect(await bob.say(alice.id, 'hello')).toBe('hello')

    expect((await bob.paths(alice.id)).map(({ direct }) => direct)).toEqual([false])
    expect(eventsOf(relay, 'reservation-accepted').map(({ peer }) => peer)).toContain(alice.id)
    await alice[Symbol.asyncDispose]()
    await until('the slot is free', () => relay.node.relay.reservations.get(alice.id) === undefined)
  })

  it('reaches a client on TCP, and is reached by one on QUIC', async () => {
    await using relay = await startRelay()
    await using page = await BrowserPeer.open(browsers)
    await using listener = await createListener(relay.address('tcp'))
    const id = listener.peerId.toString()

    await page.connect(`${relay.address('ws')}/p2p-circuit/p2p/${id}`)
    expect(await page.say(id, 'from the page')).toBe('from the page')

    await page.address('relayed')
    await using dialer = await createClient()
    const address = multiaddr(`${relay.address('quic')}/p2p-circuit/p2p/${page.id}`)
    expect(await exchange(await dialer.dialProtocol(address, ECHO, LIMITED), 100_000)).toBe(true)
  })

  it('goes direct to a client in Node', async () => {
    await using relay = await startRelay()
    await using listener = await createListener(relay.address('tcp'), withWebRtc())
    await using page = await BrowserPeer.open(browsers)
    const id = listener.peerId.toString()

    await page.connect(`${relay.address('ws')}/p2p-circuit/webrtc/p2p/${id}`)
    await page.leave(relay.node.peerId)
    expect(await page.say(id, 'from the page')).toBe('from the page')
    expect((await page.paths(id)).map(({ direct }) => direct)).toEqual([true])
  })

  it('is gone direct to by a client in Node', async () => {
    await using relay = await startRelay()
    await using page = await BrowserPeer.open(browsers)
    await page.reserve(relay.address('ws'))
    await using dialer = await createClient(withWebRtc())

    const address = multiaddr(`${relay.address('tcp')}/p2p-circuit/webrtc/p2p/${page.id}`)
    const stream = await dialer.dialProtocol(address, ECHO)
    await page.leave(relay.node.peerId)
    await until('the circuit has ended', () => relay.node.relay.circuits.size === 0)
    expect(await exchange(stream, 100_000)).toBe(true)
  })
})

/** A client in Node on TCP, whose WebRTC asks nobody where it is. */
function withWebRtc(): Parameters<typeof createClient>[0] {
  return {
    options: {
      addresses: { listen: ['/p2p-circuit', '/webrtc'] },
      connectionManager: { dialTimeout: 20_000, addressDialTimeout: 20_000, inboundUpgradeTimeout: 20_000 },
      transports: [tcp(), webRTC({ rtcConfiguration: { iceServers: [] } }), circuitRelayTransport()]
    }
  }
}
