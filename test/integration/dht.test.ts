import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import type { AddressPolicy } from '../../app/main/relay/client-addresses.ts'
import { dhtServer } from '../../app/main/relay/dht.ts'
import { DHT_STORE_LIMITS, DhtStore } from '../../app/main/relay/dht-store.ts'
import { ask, dhtClient, dhtNode, PROTOCOL, stopAll } from '../support/dht-node.ts'

/** Listens where nobody else does, so that its address can be told apart in what another client receives. */
const HIDDEN_IP = '127.0.0.77'
const SOMEBODY = peerIdFromString('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')
const CID = SOMEBODY.toCID()
const POLICIES: AddressPolicy[] = ['all', 'announced', 'relayed-only', 'none']

type Node = Awaited<ReturnType<typeof dhtClient>>
type Relay = Awaited<ReturnType<typeof relay>>

afterEach(stopAll)

interface RelayOptions {
  store?: DhtStore
  bootstrap?: string[]
  maxAddressAge?: number
  queryTimeoutSeconds?: number
  /** The remote address that connections of a peer seem to have. */
  seenFrom?: (peer: PeerId) => Multiaddr | undefined
}

async function relay(policy: AddressPolicy, options: RelayOptions = {}) {
  const state = { policy, reserved: new Set<string>() }
  const bootstrap = options.bootstrap ?? []
  let own: () => Multiaddr[] = () => []
  const factory = dhtServer({
    protocol: PROTOCOL,
    queryTimeoutSeconds: options.queryTimeoutSeconds ?? 60,
    bootstrap: () => bootstrap,
    policy: () => state.policy,
    hasReservation: peer => state.reserved.has(peer.toString()),
    ownAddresses: () => own(),
    store: options.store
  })
  const node = await dhtNode(components => factory(seenFrom(components, options.seenFrom)), {
    peerStore: { maxAddressAge: options.maxAddressAge ?? 3_600_000 }
  })
  own = () => node.getMultiaddrs()
  return Object.assign(node, { state })
}

function seenFrom(components: KadDHTComponents, from: RelayOptions['seenFrom'] = () => undefined) {
  const { connectionManager } = components
  const getConnections = (peer: PeerId) =>
    connectionManager.getConnections(peer).map(({ remoteAddr }) => ({ remoteAddr: from(peer) ?? remoteAddr }))
  return replaced(components, { connectionManager: replaced(connectionManager, { getConnections }) })
}

/** The object with some properties replaced; methods keep their own object, which has private fields. */
function replaced<T extends object>(target: T, by: Record<string, unknown>): T {
  return new Proxy(target, {
    get(_, name): unknown {
      if (typeof name === 'string' && name in by) return by[name]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    }
  })
}

async function connected<C extends Node>(client: C, to: Relay): Promise<C> {
  await client.dial(to.getMultiaddrs())
  await vi.waitFor(async () => {
    expect((await to.peerStore.get(client.peerId)).protocols.length).toBeGreaterThan(0)
    expect(tableOf(client)).toBeGreaterThan(0)
  }, 10_000)
  return client
}

type Routing = { routingTable: { size: number } }
const tableOf = (node: Pick<Node, 'services'>): number =>
  (node.services.dht as unknown as Routing).routingTable.size

async function find(by: Pick<Node, 'services'>, target: PeerId): Promise<string[]> {
  const query = by.services.dht.findPeer(target, { useCache: false, signal: AbortSignal.timeout(20_000) })
  try {
    for await (const event of query) {
      if (event.name === 'FINAL_PEER') return event.peer.multiaddrs.map(String)
    }
  } catch (error) {
    if ((error as Error).name !== 'NotFoundError') throw error
  }
  return []
}

async function providers(by: Node): Promise<PeerInfo[]> {
  const found: PeerInfo[] = []
  for await (const event of by.services.dht.findProviders(CID, { signal: AbortSignal.timeout(20_000) })) {
    if (event.name === 'PEER_RESPONSE') found.push(...event.providers)
  }
  return found
}

async function provide(by: Node): Promise<void> {
  for await (const event of by.services.dht.provide(CID)) expect(event.name).not.toBe('QUERY_ERROR')
}

const announced = (node: Node): string[] => node.getMultiaddrs().map(address => withoutId(address))
const withoutId = (address: Multiaddr): string => address.toString().replace(/\/p2p\/[^/]+$/, '')
const throughRelay = (to: Relay): string[] =>
  to.getMultiaddrs().map(address => `${address.toString()}/p2p-circuit`)
const connectionOf = (to: Relay, client: Pick<Node, 'peerId'>): string[] =>
  to.getConnections(client.peerId).map(({ remoteAddr }) => withoutId(remoteAddr))

it('finds a connected client in DHT client mode with the addresses that the policy says, live', async () => {
  const node = await relay('all')
  const a = await connected(await dhtClient({ ip: HIDDEN_IP }), node)
  const b = await connected(await dhtClient(), node)
  const expected: Record<AddressPolicy, string[]> = {
    all: [...connectionOf(node, a), ...announced(a)],
    announced: announced(a),
    'relayed-only': [],
    none: []
  }
  for (const policy of POLICIES) {
    node.state.policy = policy
    expect(await find(b, a.peerId), policy).toEqual(expected[policy])
  }
  node.state.reserved.add(a.peerId.toString())
  expected.all.push(...throughRelay(node))
  expected.announced.push(...throughRelay(node))
  expected['relayed-only'].push(...throughRelay(node))
  for (const policy of POLICIES) {
    node.state.policy = policy
    expect(await find(b, a.peerId), `${policy}, reserved`).toEqual(expected[policy])
  }
})

it('finds a client from the moment it connects, without identify, where the policy is all', async () => {
  const node = await relay('all')
  const a = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  const b = await connected(await dhtClient(), node)
  await a.dial(node.getMultiaddrs())
  expect(await find(b, a.peerId)).toEqual(connectionOf(node, a))
  node.state.policy = 'announced'
  expect(await find(b, a.peerId)).toEqual([])
  await a.stop()
})

it('still finds a client that has been connected for longer than the peer store keeps addresses', async () => {
  const node = await relay('announced', { maxAddressAge: 300 })
  const a = await connected(await dhtClient({ ip: HIDDEN_IP }), node)
  const b = await connected(await dhtClient(), node)
  await provide(a)
  await vi.waitFor(async () => expect((await node.peerStore.get(a.peerId)).addresses).toEqual([]), 5000)
  expect(await find(b, a.peerId)).toEqual(announced(a))
  expect((await providers(b)).map(({ multiaddrs }) => multiaddrs.map(String))).toEqual([announced(a)])
})

it('lets clients find each other by a key that they provide', async () => {
  const node = await relay('announced')
  const a = await connected(await dhtClient({ ip: HIDDEN_IP }), node)
  const b = await connected(await dhtClient(), node)
  const c = await connected(await dhtClient(), node)
  await Promise.all([provide(a), provide(b)])
  await vi.waitFor(async () => expect(await providers(c)).toHaveLength(2))
  const found = new Map((await providers(c)).map(({ id, multiaddrs }) => [id.toString(), multiaddrs]))
  expect(found.get(a.peerId.toString())?.map(String)).toEqual(announced(a))
  expect(found.get(b.peerId.toString())?.map(String)).toEqual(announced(b))
  node.state.policy = 'none'
  expect(await providers(c)).toEqual([])
})

it('finds a provider that listens nowhere and holds a reservation', async () => {
  const node = await relay('relayed-only')
  const a = await connected(await dhtClient({ ip: '127.0.0.1' }), node)
  const b = await connected(await dhtClient(), node)
  const request = { type: 'ADD_PROVIDER', key: CID.multihash.bytes }
  await ask(node, a.peerId, {
    ...request,
    providers: [{ id: a.peerId.toMultihash().bytes, multiaddrs: [] }]
  })
  node.state.reserved.add(a.peerId.toString())
  expect((await providers(b)).map(({ multiaddrs }) => multiaddrs.map(String))).toEqual([throughRelay(node)])
})

it('answers with the other providers when one of them is forgotten', async () => {
  const node = await relay('announced')
  const a = await connected(await dhtClient(), node)
  const b = await connected(await dhtClient(), node)
  const c = await connected(await dhtClient(), node)
  await Promise.all([provide(a), provide(b)])
  await vi.waitFor(async () => expect(await providers(c)).toHaveLength(2))
  await a.stop()
  await vi.waitFor(() => expect(node.getConnections(a.peerId)).toEqual([]))
  await node.peerStore.delete(a.peerId)
  expect((await providers(c)).map(({ id }) => id.toString())).toEqual([b.peerId.toString()])
})

for (const server of [false, true]) {
  it(`sends B no byte of A's IP address with relayed-only (A a DHT ${server ? 'server' : 'client'})`, async () => {
    const node = await relay('relayed-only')
    const a = await connected(await dhtClient({ ip: HIDDEN_IP, server }), node)
    if (server) await vi.waitFor(() => expect(tableOf(node)).toBeGreaterThan(0), 10_000)
    const received: Uint8Array[] = []
    const tap = (bytes: Uint8Array) => received.push(bytes)
    const b = await connected(await dhtClient({ tap, server: true }), node)
    await provide(a)
    const everything = async () => {
      await find(b, a.peerId)
      await find(b, (await dhtClient()).peerId)
      await providers(b)
      // A key that is known is answered without closer peers, an unknown one with them.
      for (const peer of [a.peerId, SOMEBODY]) {
        await Promise.allSettled([drain(b.services.dht.get(recordKey(peer)))])
      }
      await drain(b.services.dht.getClosestPeers(a.peerId.toMultihash().bytes))
      await b.services.ping.ping(node.peerId)
    }
    const holdsIp = () => {
      const bytes = Buffer.concat(received)
      return bytes.includes(HIDDEN_IP) || bytes.includes(Buffer.of(127, 0, 0, 77))
    }
    await everything()
    node.state.reserved.add(a.peerId.toString())
    await everything()
    node.state.policy = 'none'
    await everything()
    expect(received.length).toBeGreaterThan(10)
    expect(holdsIp()).toBe(false)
    // The same bytes under another policy do hold it: the scan can see.
    node.state.policy = 'announced'
    await everything()
    expect(holdsIp()).toBe(true)
  })
}

it('gives out this node and the bootstrap peers with relayed-only', async () => {
  const c = await dhtClient({ server: true })
  const node = await relay('relayed-only', { bootstrap: c.getMultiaddrs().map(String) })
  await connected(c, node)
  const b = await connected(await dhtClient(), node)
  expect(await find(b, c.peerId)).toEqual(announced(c))
  expect(await find(b, node.peerId)).toEqual(node.getMultiaddrs().map(withoutId))
})

it('gives an asker on the Internet no private addresses, and takes none from it', async () => {
  const node = await relay('all', { seenFrom: () => multiaddr('/ip4/8.8.4.4/tcp/4001') })
  const a = await connected(await dhtClient({ ip: HIDDEN_IP }), node)
  const b = await connected(await dhtClient(), node)
  expect(await find(b, a.peerId)).toEqual(['/ip4/8.8.4.4/tcp/4001'])
  const spy = vi.spyOn(node.peerStore, 'merge')
  const told = ['/ip4/192.168.1.1/tcp/80', '/ip4/9.9.9.9/tcp/4001'].map(text => multiaddr(text).bytes)
  await ask(node, a.peerId, {
    type: 'ADD_PROVIDER',
    key: CID.multihash.bytes,
    providers: [{ id: a.peerId.toMultihash().bytes, multiaddrs: told }]
  })
  expect(spy.mock.calls.map(([, data]) => data.multiaddrs?.map(String))).toEqual([['/ip4/9.9.9.9/tcp/4001']])
})

for (const [from, learned] of [
  ['/ip4/127.0.0.1/tcp/4001', true],
  ['/ip4/8.8.4.4/tcp/4001', false]
] as const) {
  it(`${learned ? 'dials' : 'does not dial'} private addresses that a DHT server at ${from} tells`, async () => {
    const c = await dhtClient({ server: true })
    const node = await relay('announced', { seenFrom: () => multiaddr(from) })
    const told = await dhtClient({ server: true })
    await c.dial(told.getMultiaddrs())
    await vi.waitFor(() => expect(tableOf(c)).toBeGreaterThan(0), 10_000)
    await node.dial(c.getMultiaddrs())
    await vi.waitFor(() => expect(tableOf(node)).toBeGreaterThan(0), 10_000)
    const found = await find(node, told.peerId)
    expect(found).toEqual(learned ? announced(told) : [])
    expect(await node.peerStore.has(told.peerId)).toBe(learned)
  })
}

it('gives up a query after the time that the settings allow', async () => {
  const node = await relay('announced', { queryTimeoutSeconds: 1 })
  const began = Date.now()
  await expect(node.peerRouting.findPeer(SOMEBODY)).rejects.toThrow()
  expect(Date.now() - began).toBeLessThan(5000)
})

it('keeps what clients store within its limits', async () => {
  const store = new DhtStore({ ...DHT_STORE_LIMITS, providersPerPeer: 3, values: 2 })
  const node = await relay('announced', { store })
  const a = await connected(await dhtClient(), node)
  const own = [{ id: a.peerId.toMultihash().bytes, multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/1').bytes] }]
  for (let index = 0; index < 10; index++) {
    const key = Uint8Array.from([0x12, 0x20, ...new Uint8Array(31), index])
    await ask(node, a.peerId, { type: 'ADD_PROVIDER', key, providers: own })
  }
  for (let index = 0; index < 4; index++) {
    const { publicKey } = await generateKeyPair('Ed25519')
    const id = publicKey.toMultihash().bytes
    // A public key in protobuf: Ed25519, 32 bytes.
    await drain(a.services.dht.put(recordKey(id), Uint8Array.from([8, 1, 18, 32, ...publicKey.raw])))
  }
  expect(store.sizes).toEqual({ providers: 3, values: 2 })
})

it('refuses values that carry more than a public key, and long keys', async () => {
  const store = new DhtStore()
  const node = await relay('announced', { store })
  const a = await connected(await dhtClient(), node)
  const privateKey = await generateKeyPair('Ed25519')
  const id = peerIdFromPrivateKey(privateKey)
  // Field 15 of a public key means nothing, so that upstream's validator lets any bytes through in it.
  const junk = [0x7a, 0x80, 0x80, 0x04, ...new Uint8Array(65_536)]
  const value = Uint8Array.from([8, 1, 18, 32, ...privateKey.publicKey.raw, ...junk])
  const events: string[] = []
  for await (const event of a.services.dht.put(recordKey(id), value)) {
    events.push((event as { name: string }).name)
  }
  expect(events).toContain('QUERY_ERROR')
  expect(store.sizes.values).toBe(0)
  await expect(ask(node, a.peerId, { type: 'FIND_NODE', key: new Uint8Array(257) })).rejects.toThrow(
    /too long/
  )
})

it('sends back no peers that the asker made up', async () => {
  const node = await relay('announced')
  const a = await connected(await dhtClient(), node)
  const invented = { id: a.peerId.toMultihash().bytes, multiaddrs: [multiaddr('/ip4/8.8.8.8/tcp/1').bytes] }
  const answer = await ask(node, a.peerId, { type: 'PING', closer: [invented], providers: [invented] })
  expect(answer).toMatchObject({ type: 'PING', closer: [], providers: [] })
})

function recordKey(peer: PeerId | Uint8Array): Uint8Array {
  const id = peer instanceof Uint8Array ? peer : peer.toMultihash().bytes
  return Uint8Array.from([...Buffer.from('/pk/'), ...id])
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const event of source) void event
}
