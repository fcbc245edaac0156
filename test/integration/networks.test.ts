import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { afterEach, expect, it } from 'vitest'
import { NetworkCounters } from '../../app/main/observe/network-counters.ts'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import type { NetworkSetting } from '../../app/shared/network-link.ts'
import {
  createClient,
  createListener,
  dialThrough,
  echo,
  ECHO,
  exchange,
  reserve,
  type Client
} from '../support/clients.ts'
import { dhtClient, PROTOCOL, stopAll } from '../support/dht-node.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

afterEach(stopAll)

/** As js-libp2p makes it of a namespace. */
async function cidOf(namespace: string): Promise<CID> {
  return CID.createV0(await sha256.digest(new TextEncoder().encode(namespace)))
}

/** A server of the network's DHT, which everyone else joins through. */
const seed = () => dhtClient({ server: true })
type Seed = Awaited<ReturnType<typeof seed>>
const addressOf = (node: Seed): string => String(node.getMultiaddrs()[0])

const chat = (bootstrap: string[], more: Partial<NetworkSetting> = {}): NetworkSetting => ({
  name: 'Chat',
  dht: PROTOCOL,
  bootstrap,
  namespaces: ['/libp2p/relay'],
  ...more
})

/** An app in DHT client mode that looks for a relay by itself, and knows one peer of its DHT. */
async function app(joins: { getMultiaddrs: Seed['getMultiaddrs'] }): Promise<Client> {
  const dht = kadDHT({
    protocol: PROTOCOL,
    clientMode: true,
    peerInfoMapper: passthroughMapper,
    initialQuerySelfInterval: 50
  })
  const services: unknown = { identify: identify(), identifyPush: identifyPush(), ping: ping(), dht }
  const client = await createClient({
    options: {
      transports: [tcp(), circuitRelayTransport()],
      services: services as NonNullable<Libp2pOptions['services']>
    }
  })
  await client.dial(joins.getMultiaddrs())
  return client
}

const chatOf = (relay: TestRelay) => relay.node.networks.find(({ plan }) => plan.name === 'Chat')
const joined = (relay: TestRelay) => until('the network is joined', () => chatOf(relay)?.state === 'joined')

it('is found by an app in the DHT of its network, which then reserves here', async () => {
  const joins = await seed()
  await using relay = await startRelay({ networks: [chat([addressOf(joins)])] })
  await joined(relay)
  await until('its record is in the DHT', () => (chatOf(relay)?.namespaces[0]?.records ?? 0) > 0)

  await using client = await app(joins)
  const found: string[] = []
  for await (const { id } of client.contentRouting.findProviders(await cidOf('/libp2p/relay'))) {
    found.push(id.toString())
  }
  expect(found).toContain(relay.node.peerId)
  await until('the app has a reservation', () => client.getMultiaddrs().length > 0, 30)
})

it('joins and leaves networks while it runs, and keeps its peers', async () => {
  const joins = await seed()
  await using relay = await startRelay()
  await using client = await createListener(relay.address('tcp'))
  // Connected before there is a DHT to hear of it, as a server of several networks may be.
  await joins.dial(multiaddr(relay.address('tcp')))
  expect(chatOf(relay)).toBeUndefined()

  relay.change({ networks: [chat([addressOf(joins)])] })
  await joined(relay)
  expect(await isServed(joins, relay)).toBe(true)
  relay.change({ networks: [chat([addressOf(joins)], { namespaces: ['/other/place'] })] })
  await until('its record is in the DHT', () => (chatOf(relay)?.namespaces[0]?.records ?? 0) > 0)
  expect(chatOf(relay)?.namespaces).toMatchObject([{ namespace: '/other/place' }])

  relay.change({ networks: [] })
  await until('it serves the DHT no more', async () => !(await isServed(joins, relay)))
  expect(relay.node.networks.map(({ plan }) => plan.own)).toEqual([true])
  expect(relay.node.relay.reservations.get(client.peerId.toString())).toBeDefined()
})

it('says that none of the peers of a network is reached', async () => {
  const gone = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
  await using relay = await startRelay({ networks: [chat([gone])] })
  await until('it has failed', () => chatOf(relay)?.state === 'failed')
  expect(chatOf(relay)).toMatchObject({ code: 'no-peer-reached', dhtSize: 0 })
})

it('serves of a network only whom its list allows, and counts what it does for each', async () => {
  await using relay = await startRelay({ networks: [chat([])] })
  const counters = new NetworkCounters(relay.bus)
  const here = { getMultiaddrs: () => [multiaddr(relay.address('tcp'))] }
  await using first = await app(here)
  await using second = await app(here)
  await using stranger = await createListener(relay.address('tcp'))
  await until('both have a reservation', () => [first, second].every(each => each.getMultiaddrs().length > 0))
  await until('both are known to be of it', () => counters.of('Chat').peers === 2)
  await first.handle(ECHO, echo, { runOnLimitedConnection: true })
  const stream = await dialThrough(second, relay.address('tcp'), first)
  expect(await exchange(stream, 100_000)).toBe(true)
  const { reservations, circuits, bytes } = counters.of('Chat')
  expect({ reservations, circuits }).toEqual({ reservations: 2, circuits: 1 })
  expect(Math.min(bytes.toTarget, bytes.toSource)).toBeGreaterThan(100_000)
  expect(counters.of()).toMatchObject({ peers: 1, reservations: 1, circuits: 0 })

  relay.change({ networks: [chat([], { allow: [first.peerId.toString()] })] })
  const reserved = (client: Client) => relay.node.relay.reservations.get(client.peerId.toString())
  expect([first, second, stranger].map(client => reserved(client) !== undefined)).toEqual([true, false, true])
  expect(eventsOf(relay, 'circuit-closed')).toMatchObject([{ reason: 'denied', network: 'Chat' }])
  const [connection] = second.getConnections()
  expect((await reserve(connection as Connection)).status).toBe(Status.PERMISSION_DENIED)
})

/** Whether the relay takes a stream of the network's DHT. */
async function isServed(by: Seed, relay: TestRelay): Promise<boolean> {
  const [connection] = by.getConnections(peerIdFromString(relay.node.peerId))
  try {
    const stream = await (connection as Connection).newStream(PROTOCOL)
    stream.abort(new Error('it is there'))
    return true
  } catch {
    return false
  }
}
