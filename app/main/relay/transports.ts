import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { CreateListenerOptions, Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import type { Libp2pOptions } from 'libp2p'
import { AppError } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import type { TrafficHints } from '../net/traffic.ts'
import { transportOf } from './addresses.ts'
import type { Arrivals } from './fast/arrivals.ts'
import type { Upgrade } from './fast/listener.ts'
import { noiseCrypto } from './fast/noise/load-crypto.ts'
import { fastTcp } from './fast/tcp.ts'
import { Upgrades } from './fast/upgrade.ts'
import { fastWebSockets } from './fast/ws/transport.ts'
import type { DirectStreams, Greet } from './direct-streams.ts'
import { listenAddresses } from './listening.ts'
import { loadNativeQuic } from './quic/native.ts'
import { quicTransport } from './quic/transport.ts'
import { guardWebSockets } from './websocket-seams.ts'

/** What may wait in a WebSocket before its writers stop. */
const WEBSOCKET_BUFFER_BYTES = 256 * 1024
/** How often a full WebSocket is looked at: it has no event for it. */
const WEBSOCKET_POLL_MS = 2
const SMALLEST_WINDOW_BYTES = 256 * 1024
/** Streams a peer may open on one connection; most of a busy peer's are circuits. */
const STREAMS_PER_CONNECTION = 4096
/** Streams opened before a connection is ready to take them. */
const EARLY_STREAMS = 256

/** Of what a circuit may hold in one direction, so much lies in the reader's own window, out of our sight. */
const READERS_WINDOW_BYTES = 256 * 1024

/** The window of a stream: what its sender may send before we have passed it on, and so what a circuit may hold. */
function windowBytes(bufferBytes: number): number {
  return bufferBytes - READERS_WINDOW_BYTES
}

/**
 * The same for libp2p's own streams. Their bytes lie in buffers of which other parts are used up: about twice as
 * much memory (measured on TCP, stalled-reader.test.ts). The rest is for the writer's backlog.
 */
function stockWindowBytes(bufferBytes: number): number {
  return Math.max(SMALLEST_WINDOW_BYTES, Math.floor((bufferBytes * 3) / 8))
}

const NO_SODIUM =
  'libsodium cannot be loaded on this platform: encryption costs several times as much processor time.'

/** A listener that could not be opened. */
export type ListenFailed = (address: Multiaddr, error: unknown) => void

export interface ProtocolsComponents {
  arrivals: Arrivals
  streams: DirectStreams
  failed: ListenFailed
  /** A sentence that an operator should read. */
  warn: (sentence: string) => void
  traffic?: TrafficHints | undefined
}

type UpgradesComponents = ConstructorParameters<typeof Upgrades>[0]
type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]
type Protocols = Required<Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'>>

/** Transports, encrypters and the muxer, with windows that bound a circuit's memory. */
export async function protocols(
  settings: Settings,
  { arrivals, streams, failed, warn, traffic }: ProtocolsComponents
): Promise<Protocols> {
  const bufferBytes = settings['relay.circuits.bufferBytes']
  const streamWindowBytes = windowBytes(bufferBytes)
  const fast = settings['relay.dataPath'] === 'fast'
  if (fast && (await noiseCrypto()).name !== 'sodium') warn(NO_SODIUM)
  const greet: Greet = (stream, muxer, pass) => streams.greet(stream, muxer, pass)
  const transports = fast ? fastTransports(arrivals, greet, streamWindowBytes) : stockTransports()
  if (settings['quic.enabled']) {
    try {
      transports.push(
        quicTransport({
          native: await loadNativeQuic(),
          streamWindowBytes,
          traffic,
          ...(fast && { greet })
        })
      )
    } catch (error) {
      const what =
        'QUIC cannot be loaded on this platform (setting quic.enabled); --no-quic-enabled goes without it.'
      const cause = new AppError('address-unusable', what, { setting: 'quic.enabled' }, error)
      for (const address of listenAddresses(settings))
        if (transportOf(address) === 'quic-v1') failed(address, cause)
    }
  }
  const muxer = yamux({
    maxInboundStreams: STREAMS_PER_CONNECTION,
    maxOutboundStreams: STREAMS_PER_CONNECTION,
    maxEarlyStreams: EARLY_STREAMS,
    streamOptions: {
      initialStreamWindowSize: SMALLEST_WINDOW_BYTES,
      maxStreamWindowSize: stockWindowBytes(bufferBytes)
    }
  })
  return {
    transports: transports.map(factory => watched(factory, failed)),
    // The fast transports bring their own.
    connectionEncrypters: [noise(), tls()],
    streamMuxers: [muxer]
  }
}

/** TCP and WebSocket with the node's own encryption and muxer. */
function fastTransports(arrivals: Arrivals, greet: Greet, streamWindowBytes: number): TransportFactory[] {
  let made: Upgrades | undefined
  // All transports share one.
  const upgradeOf = ({ privateKey, logger }: UpgradesComponents): Upgrade =>
    (made ??= new Upgrades({ privateKey, logger }, { streamWindowBytes, greet })).upgrade
  return [
    components => fastTcp({ arrivals, upgrade: upgradeOf(components) })(),
    components => fastWebSockets({ arrivals, upgrade: upgradeOf(components) })(),
    components => dialOnly(webSockets()(components))
  ]
}

/** For addresses behind TLS, which the node dials but does not listen on. */
function dialOnly(transport: Transport): Transport {
  const dialFilter = transport.dialFilter.bind(transport)
  transport.dialFilter = addresses => dialFilter(addresses).filter(address => !WebSockets.exactMatch(address))
  transport.listenFilter = () => []
  return transport
}

function stockTransports(): TransportFactory[] {
  const ws = webSockets({
    maxBufferedAmount: WEBSOCKET_BUFFER_BYTES,
    bufferedAmountPollInterval: WEBSOCKET_POLL_MS
  })
  return [tcp({ backlog: 1024 }), components => guardWebSockets(ws(components))]
}

/** libp2p only logs why a listener failed; this says it to us. */
function watched(factory: TransportFactory, failed: ListenFailed): TransportFactory {
  return components => {
    const transport: Transport = factory(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options: CreateListenerOptions): Listener => {
      const listener = createListener(options)
      const listen = listener.listen.bind(listener)
      listener.listen = async (address: Multiaddr) => {
        try {
          await listen(address)
        } catch (error) {
          failed(address, error)
          throw error
        }
      }
      return listener
    }
    return transport
  }
}
