import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { CreateListenerOptions, Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'
import { AppError } from '../../shared/errors.ts'
import { flagOf, type Key, type Settings } from '../../shared/settings.ts'
import { opensTls } from '../../shared/values.ts'
import { TrustedProxies } from '../net/forwarded.ts'
import type { TrafficHints } from '../net/traffic.ts'
import type { Arrivals } from './fast/arrivals.ts'
import type { Upgrade } from './fast/handshakes.ts'
import { noiseCrypto } from './fast/noise/load-crypto.ts'
import { fastTcp } from './fast/tcp.ts'
import { Upgrades } from './fast/upgrade.ts'
import type { WsBounds } from './fast/ws/bounds.ts'
import { secureWebSockets } from './fast/ws/secure-transport.ts'
import { fastWebSockets } from './fast/ws/transport.ts'
import type { DirectStreams, Greet } from './direct-streams.ts'
import type { SharedTls } from './fast/ws/shared-listener.ts'
import { listenAddresses, listenerOf } from './listening.ts'
import { loadNativeQuic } from './quic/native.ts'
import { quicTransport } from './quic/transport.ts'
import { guardWebSockets } from './websocket-seams.ts'
import { certificateIn } from './webrtc/certificate.ts'
import { loadNativeWebRtc } from './webrtc/native.ts'
import { webRtcDirect } from './webrtc/transport.ts'

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

const NO_SECURE_WEBSOCKET =
  'Nobody can connect by secure WebSocket, which relay.dataPath=upstream does not have: tls.port serves the public pages alone.'

const NO_PROXIES =
  'All clients that come by way of trustedProxies look like one to relay.dataPath=upstream, which takes no address from proxies.'

/** A listener that could not be opened. */
export type ListenFailed = (address: Multiaddr, error: unknown) => void

export interface ProtocolsComponents {
  arrivals: Arrivals
  /** Of WebSocket. */
  bounds: WsBounds
  streams: DirectStreams
  failed: ListenFailed
  /** A sentence that an operator should read. */
  warn: (sentence: string) => void
  traffic?: TrafficHints | undefined
  /** Where the certificate of WebRTC-direct is kept; without it there is another one at each start. */
  dataDir?: string | undefined
  /** Where secure WebSocket listens; without it the node only dials it. */
  tls?: SharedTls | undefined
}

type UpgradesComponents = ConstructorParameters<typeof Upgrades>[0]
type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]
type Protocols = Required<Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'>>

/** Transports, encrypters and the muxer, with windows that bound a circuit's memory. */
export async function protocols(
  settings: Settings,
  { arrivals, bounds, streams, failed, warn, traffic, dataDir, tls: front }: ProtocolsComponents
): Promise<Protocols> {
  const bufferBytes = settings['relay.circuits.bufferBytes']
  const streamWindowBytes = windowBytes(bufferBytes)
  const proxies = new TrustedProxies(settings.trustedProxies)
  const fast = settings['relay.dataPath'] === 'fast'
  const cannotLoad = (listener: 'quic' | 'webrtcDirect', error: unknown): void => {
    const cause = notLoaded(listener, error)
    for (const address of listenAddresses(settings)) {
      if (listenerOf(address) === listener) failed(address, cause)
    }
  }
  if (fast && (await noiseCrypto()).name !== 'sodium') warn(NO_SODIUM)
  const greet: Greet = (stream, muxer, pass) => streams.greet(stream, muxer, pass)
  const transports = fast
    ? fastTransports({ arrivals, bounds, proxies, tls: front }, greet, streamWindowBytes)
    : stockTransports()
  if (!fast && opensTls(settings)) warn(NO_SECURE_WEBSOCKET)
  if (!fast && settings.trustedProxies.length > 0) warn(NO_PROXIES)
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
      cannotLoad('quic', error)
    }
  }
  if (settings['webrtcDirect.enabled']) {
    try {
      const native = await loadNativeWebRtc()
      const certificate = await certificateIn(dataDir, warn)
      const bothFamilies = settings['listen.ip4'].includes('0.0.0.0') && settings['listen.ip6'].includes('::')
      const own = { native, certificate, arrivals, traffic, bothFamilies, windowBytes: streamWindowBytes }
      transports.push(webRtcDirect({ ...own, ...(fast && { greet }) }))
    } catch (error) {
      cannotLoad('webrtcDirect', error)
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

function notLoaded(listener: 'quic' | 'webrtcDirect', error: unknown): AppError {
  const name = { quic: 'QUIC', webrtcDirect: 'WebRTC-direct' }[listener]
  const setting: Key = `${listener}.enabled`
  const off = `--no-${flagOf(setting).slice(2)}`
  const what = `${name} cannot be loaded on this platform (setting ${setting}); ${off} goes without it.`
  return new AppError('address-unusable', what, { setting }, error)
}

/** TCP and WebSocket with the node's own encryption and muxer. */
function fastTransports(
  {
    tls: front,
    ...shared
  }: Pick<ProtocolsComponents, 'arrivals' | 'bounds' | 'tls'> & {
    proxies: TrustedProxies
  },
  greet: Greet,
  streamWindowBytes: number
): TransportFactory[] {
  let made: Upgrades | undefined
  // All transports share one.
  const upgradeOf = ({ privateKey, logger }: UpgradesComponents): Upgrade =>
    (made ??= new Upgrades({ privateKey, logger }, { streamWindowBytes, greet })).upgrade
  return [
    components => fastTcp({ ...shared, upgrade: upgradeOf(components) })(),
    components => fastWebSockets({ ...shared, upgrade: upgradeOf(components) })(),
    components =>
      secureWebSockets(webSockets()(components), { ...shared, front, upgrade: upgradeOf(components) })
  ]
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
