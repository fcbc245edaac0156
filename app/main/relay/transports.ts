import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { CreateListenerOptions, Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'
import { AppError } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import type { TrafficHints } from '../net/traffic.ts'
import { transportOf } from './addresses.ts'
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

/**
 * The window of a stream: what its sender may send before we have read it. A circuit holds one window in each
 * direction (splice.ts), and its bytes lie in buffers of which other parts are used up: about twice as much
 * memory (measured on TCP, stalled-reader.test.ts). The rest is for the writer's backlog.
 */
function windowBytes(bufferBytes: number): number {
  return Math.max(SMALLEST_WINDOW_BYTES, Math.floor((bufferBytes * 3) / 8))
}

/** A listener that could not be opened. */
export type ListenFailed = (address: Multiaddr, error: unknown) => void

type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]
type Protocols = Required<Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'>>

/** Transports, encrypters and the muxer, with windows that bound a circuit's memory. */
export async function protocols(
  settings: Settings,
  failed: ListenFailed,
  traffic?: TrafficHints
): Promise<Protocols> {
  const window = windowBytes(settings['relay.circuits.bufferBytes'])
  const ws = webSockets({
    maxBufferedAmount: WEBSOCKET_BUFFER_BYTES,
    bufferedAmountPollInterval: WEBSOCKET_POLL_MS
  })
  const transports: TransportFactory[] = [
    tcp({ backlog: 1024 }),
    components => guardWebSockets(ws(components))
  ]
  if (settings['quic.enabled']) {
    try {
      transports.push(quicTransport({ native: await loadNativeQuic(), streamWindowBytes: window, traffic }))
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
    streamOptions: { initialStreamWindowSize: SMALLEST_WINDOW_BYTES, maxStreamWindowSize: window }
  })
  return {
    transports: transports.map(factory => watched(factory, failed)),
    connectionEncrypters: [noise(), tls()],
    streamMuxers: [muxer]
  }
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
