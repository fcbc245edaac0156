import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import type { PeerId, StreamMuxerFactory } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions } from 'libp2p'
import type { DhtMessage } from '../../app/main/relay/dht-seams.ts'

/** Small libp2p nodes with a DHT, over TCP on the loopback network; stopped by `stopAll`. */
export const PROTOCOL = '/test/kad/1.0.0'

type DhtFactory = (components: KadDHTComponents) => KadDHT
type Node = Awaited<ReturnType<typeof dhtNode>>
const running: { stop: () => unknown }[] = []

export async function dhtNode(dht: DhtFactory, options: Omit<Libp2pOptions, 'services'> = {}) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
    services: { identify: identify(), ping: ping(), dht }
  })
  running.push(node)
  return node
}

export function dhtClient({ server = false, ip = '127.0.0.1', tap }: ClientOptions = {}): Promise<Node> {
  const stock = kadDHT({
    protocol: PROTOCOL,
    clientMode: !server,
    peerInfoMapper: passthroughMapper,
    initialQuerySelfInterval: 50
  })
  return dhtNode(stock, {
    addresses: { listen: [`/ip4/${ip}/tcp/0`] },
    streamMuxers: [() => tapped(yamux()(), tap)]
  })
}

interface ClientOptions {
  server?: boolean
  /** Where it listens, and so what it announces. */
  ip?: string
  /** Called with all bytes that come in, decrypted. */
  tap?: (bytes: Uint8Array) => void
}

/** Attached with the muxer: whoever listens to a connection earlier takes the first bytes from it. */
function tapped(muxer: StreamMuxerFactory, tap: ClientOptions['tap']): StreamMuxerFactory {
  return {
    protocol: muxer.protocol,
    createStreamMuxer: connection => {
      connection.addEventListener('message', ({ data }) => tap?.(data.slice()))
      return muxer.createStreamMuxer(connection)
    }
  }
}

export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map(node => node.stop()))
}

/** A node's answer to a request that would come from a peer, without the network between. */
export function ask(node: { services: { dht: KadDHT } }, from: PeerId, request: Partial<DhtMessage>) {
  type Rpc = { handleMessage: (from: PeerId, request: DhtMessage) => Promise<DhtMessage | undefined> }
  const { rpc } = node.services.dht as unknown as { rpc: Rpc }
  return rpc.handleMessage(from, { type: 'PING', closer: [], providers: [], ...request })
}
