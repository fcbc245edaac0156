import { setMaxListeners } from 'node:events'
import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { KadDHT, SingleKadDHT } from '@libp2p/kad-dht'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Where we hold on to @libp2p/kad-dht, which has no options for this. Each seam is pinned in
 * test/upstream/kad-dht.test.ts. They fail closed: a DHT without its filters does not start.
 */

/** A DHT message as the wire has it: ids are multihash bytes. */
export interface DhtMessage {
  type: string
  key?: Uint8Array
  record?: Uint8Array
  closer: DhtPeer[]
  providers: DhtPeer[]
}

export interface DhtPeer {
  id: Uint8Array
  multiaddrs: Uint8Array[]
}

/** Most peers that one answer of another DHT server may tell us; Kademlia's k is 20. */
const MAX_LEARNED = 64

interface LearnedEvent {
  name: string
  closer: PeerInfo[]
  providers: PeerInfo[]
}

type HandleMessage = (peer: PeerId, message: DhtMessage) => Promise<DhtMessage | undefined>
type SendRequest = (to: PeerId, message: unknown, options: unknown) => AsyncIterable<LearnedEvent>
type Dispatch = (type: string, init?: { detail: PeerInfo }) => boolean
type GetProviders = (cid: unknown, options?: unknown) => Promise<PeerId[]>
type Query = (...args: unknown[]) => AsyncIterable<unknown>

interface Seams {
  rpc: { handleMessage: HandleMessage }
  network: { sendRequest: SendRequest; safeDispatchEvent: Dispatch }
  providers: { getProviders: GetProviders; addProvider: (cid: unknown, peer: PeerId) => Promise<void> }
}

/**
 * Every request that comes in, and the answer to it. The alternative is a registrar of our own that decodes and
 * encodes the messages of each stream once more: that needs a second stream class and hides nothing better.
 */
export function wrapMessages(
  dht: KadDHT,
  answer: (peer: PeerId, request: DhtMessage, handle: HandleMessage) => Promise<DhtMessage | undefined>
): void {
  const { rpc } = seams(dht)
  const handle = bound(rpc, 'handleMessage')
  rpc.handleMessage = (peer, request) => answer(peer, request, handle)
}

/**
 * Every peer that other DHT servers name in their answers. Upstream's peerInfoMapper only decides who is pinged
 * for the routing table: all the addresses go into the peer store, and into the query, as they came, and both
 * are dialled (kad-dht.ts:310, network.ts:289, query-path.ts). `believe` gives the addresses to keep.
 */
export function filterLearned(
  dht: KadDHT,
  believe: (teller: PeerId, learned: PeerInfo) => Multiaddr[]
): void {
  const { network } = seams(dht)
  const send = bound(network, 'sendRequest')
  const dispatch = bound(network, 'safeDispatchEvent')
  network.safeDispatchEvent = (type, init) => type === 'peer' || dispatch(type, init)
  network.sendRequest = async function* (to, message, options) {
    const believed = (peers: PeerInfo[]): PeerInfo[] =>
      peers
        .slice(0, MAX_LEARNED)
        .map(peer => ({ ...peer, multiaddrs: believe(to, peer) }))
        .filter(({ multiaddrs }) => multiaddrs.length > 0)
    for await (const event of send(to, message, options)) {
      if (event.name !== 'PEER_RESPONSE') {
        yield event
        continue
      }
      const told = { ...event, closer: believed(event.closer), providers: believed(event.providers) }
      for (const detail of [...told.closer, ...told.providers]) dispatch('peer', { detail })
      yield told
    }
  }
}

/** The providers that this node stores for a key, before upstream looks up their addresses. */
export function filterProviders(dht: KadDHT, keep: (peer: PeerId) => Promise<boolean>): void {
  const { providers } = seams(dht)
  const get = bound(providers, 'getProviders')
  providers.getProviders = async (cid, options) => {
    const known = await get(cid, options)
    const kept = await Promise.all(known.map(keep))
    return known.filter((_peer, index) => kept[index])
  }
}

/** Upstream ends a query after 180 s, which no option changes (query/manager.ts:116). */
export function limitQueries(dht: KadDHT, milliseconds: number): void {
  // The options are the last of so many arguments.
  const queries = { get: 2, findProviders: 2, findPeer: 2, getClosestPeers: 2, provide: 2, put: 3 }
  const methods = dht as unknown as Record<string, Query>
  for (const [name, count] of Object.entries(queries)) {
    const run = bound(methods, name)
    methods[name] = (...args) => {
      const options = (args[count - 1] ?? {}) as { signal?: AbortSignal }
      const timeout = AbortSignal.timeout(milliseconds)
      const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
      // Each message of a query listens to it: many are no leak.
      setMaxListeners(Infinity, signal)
      return run(...args.slice(0, count - 1), { ...options, signal })
    }
  }
}

/** Keeps the record that this node provides a CID in its own store; upstream's `provide` does so only with a query. */
export async function keepProvided(dht: KadDHT, cid: unknown, self: PeerId): Promise<void> {
  await bound(seams(dht).providers, 'addProvider')(cid, self)
}

/** Has the DHT ask a connected peer whether it serves it: what it learns from identify came with the connection. */
export function meet(dht: KadDHT, peer: PeerInfo): Promise<void> {
  return bound(dht as unknown as { onPeerConnect: (peer: PeerInfo) => Promise<void> }, 'onPeerConnect')(peer)
}

/** Calls back whenever a server was added to the DHT's table. */
export function onServerAdded(dht: SingleKadDHT, added: () => void): void {
  const table = dht.routingTable as unknown as {
    addEventListener: (name: string, listener: () => void) => void
  }
  bound(table, 'addEventListener')('peer:add', added)
}

const seams = (dht: KadDHT): Seams => dht as unknown as Seams

function bound<T extends object, K extends keyof T>(target: T | undefined, name: K): T[K] {
  const method = target?.[name]
  if (typeof method !== 'function') {
    throw new TypeError(
      `@libp2p/kad-dht has no ${String(name)} where we filter: see app/main/relay/dht-seams.ts`
    )
  }
  return method.bind(target) as T[K]
}

/** Whether the DHT counts that peer among its servers; the table's type tells only its size. */
export async function isServer(dht: SingleKadDHT, peer: PeerId): Promise<boolean> {
  const table = dht.routingTable as unknown as { find: (peer: PeerId) => Promise<PeerId | undefined> }
  return (await table.find(peer)) !== undefined
}
