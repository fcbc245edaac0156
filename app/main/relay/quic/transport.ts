import { privateKeyToProtobuf } from '@libp2p/crypto/keys'
import {
  serviceCapabilities,
  transportSymbol,
  TypedEventEmitter,
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type ListenerEvents,
  type PrivateKey,
  type Transport,
  type Upgrader
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { QUIC_V1 } from '@multiformats/multiaddr-matcher'
import type { TrafficHints } from '../../net/traffic.ts'
import { Accepts } from './accepts.ts'
import type { Greet } from '../direct-streams.ts'
import { muxerFactory, provenPeer, QuicConnection } from './connection.ts'
import { MOST_UNCREDITED_BYTES } from './inflow.ts'
import {
  orAbort,
  type NativeClient,
  type NativeConfigured,
  type NativeConnection,
  type NativeQuic,
  type NativeServer
} from './native.ts'
import { WRITE_BYTES } from './outflow.ts'
import { QuicTraffic } from './traffic.ts'

export interface QuicOptions {
  native: NativeQuic
  /** Bytes that may wait on one stream, what its circuit passes on included. */
  streamWindowBytes: number
  /** Is told of all datagrams: Node does not see those of the engine. */
  traffic?: TrafficHints
  /** Takes the streams that peers open, before libp2p does. */
  greet?: Greet
}

interface QuicComponents {
  privateKey: PrivateKey
  logger: ComponentLogger
}

/** What a circuit holds of bytes that have been read, at most: some uncredited, a page on its way and one filled. */
const PASSING_BYTES = MOST_UNCREDITED_BYTES + 2 * WRITE_BYTES
const SMALLEST_WINDOW_BYTES = 256 * 1024
/** How long a dial may take, where the caller sets no bound. */
const DIAL_TIMEOUT_MS = 10_000

/** The QUIC v1 transport (`/udp/…/quic-v1`). */
export function quicTransport(options: QuicOptions): (components: QuicComponents) => Transport {
  return components => new QuicTransport(components, options)
}

class QuicTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = 'quic'
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: QuicComponents
  readonly #native: NativeQuic
  readonly #config: NativeConfigured
  readonly #traffic: QuicTraffic | undefined
  readonly #greet: Greet | undefined
  readonly #clients = new Map<4 | 6, NativeClient>()

  constructor(components: QuicComponents, { native, streamWindowBytes, traffic, greet }: QuicOptions) {
    this.#components = components
    this.#native = native
    this.#greet = greet
    this.#traffic = traffic && new QuicTraffic({ meter: traffic, clock: () => performance.now() })
    this.#config = new native.QuinnConfig({
      privateKeyProto: privateKeyToProtobuf(components.privateKey),
      handshakeTimeout: 10_000,
      maxIdleTimeout: 15_000,
      keepAliveInterval: 5_000,
      maxConcurrentStreamLimit: 1024,
      // A window counts what we have not read; what we have read and not sent on lies beside it.
      maxStreamData: Math.max(SMALLEST_WINDOW_BYTES, streamWindowBytes - PASSING_BYTES),
      // One stalled circuit must not hold up the connection's other streams.
      maxConnectionData: Math.min(0xffff_ffff, streamWindowBytes * 256),
      // The engine needs these, but sets them on sockets it dials from only: see README, "On a busy server".
      receiveBufferSize: 500_000,
      sendBufferSize: 500_000
    })
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => QUIC_V1.exactMatch(address))
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.listenFilter(addresses)
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    const open = (ip: string, port: number): NativeServer => new this.#native.Server(this.#config, ip, port)
    return new QuicListener(open, upgrader, this.#components.logger, this.#traffic, this.#greet)
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const signal = options.signal ?? AbortSignal.timeout(DIAL_TIMEOUT_MS)
    signal.throwIfAborted()
    const { host, port, type } = getNetConfig(address)
    const dialing = this.#client(type === 'ip6' ? 6 : 4).outboundConnection(host, port ?? 0)
    this.#traffic?.dialing(host, dialing)
    const native = await orAbort(dialing, signal, late => late.abort())
    const log = this.#components.logger.forComponent(`waystation:quic:outbound:${native.id()}`)
    const connection = new QuicConnection(native, 'outbound', log)
    try {
      const peer = provenPeer(connection)
      const wanted = address.getComponents().findLast(part => part.name === 'p2p')?.value
      if (wanted !== undefined && wanted !== peer) throw new Error(`dialled ${wanted}, but ${peer} answered`)
      return await options.upgrader.upgradeOutbound(connection, {
        ...options,
        skipEncryption: true,
        skipProtection: true,
        remotePeer: peerIdFromString(peer),
        muxerFactory: muxerFactory(native, this.#greet)
      })
    } catch (error) {
      connection.abort(error as Error)
      throw error
    }
  }

  /** libp2p stops only what it can start. */
  start(): void {}

  stop(): void {
    for (const client of this.#clients.values()) client.abort()
    this.#clients.clear()
  }

  /** The socket to dial from, opened when first needed. */
  #client(family: 4 | 6): NativeClient {
    const client = this.#clients.get(family) ?? new this.#native.Client(this.#config, family === 4 ? 0 : 1)
    this.#clients.set(family, client)
    return client
  }
}

class QuicListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #open: (ip: string, port: number) => NativeServer
  readonly #upgrader: Upgrader
  readonly #logger: ComponentLogger
  readonly #traffic: QuicTraffic | undefined
  readonly #greet: Greet | undefined
  readonly #connections = new Set<QuicConnection>()
  readonly #stopping = new AbortController()
  #server: NativeServer | undefined
  #accepts: Accepts | undefined
  #address: Multiaddr | undefined

  constructor(
    open: (ip: string, port: number) => NativeServer,
    upgrader: Upgrader,
    logger: ComponentLogger,
    traffic: QuicTraffic | undefined,
    greet: Greet | undefined
  ) {
    super()
    this.#greet = greet
    this.#traffic = traffic
    this.#open = open
    this.#upgrader = upgrader
    this.#logger = logger
  }

  async listen(address: Multiaddr): Promise<void> {
    const { host, port } = getNetConfig(address)
    const server = openServer(() => this.#open(host, port ?? 0))
    this.#server = server
    const components = address.getComponents()
    this.#address = multiaddr(
      components.map(part => (part.name === 'udp' ? { ...part, value: String(server.port()) } : part))
    )
    this.#accepts = new Accepts(server, {
      accepted: native => {
        this.#traffic?.accepted(native)
        void this.#upgrade(native)
      },
      // Its client's affair.
      failed: () => this.#traffic?.handshakeFailed(this.#address)
    })
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    // The helper knows hosts and ports only.
    return getThinWaistAddresses(this.#address).map(address => address.encapsulate('/quic-v1'))
  }

  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    if (this.#server === undefined) return
    const server = this.#server
    this.#server = undefined
    this.#address = undefined
    this.#accepts?.stop()
    this.#stopping.abort()
    for (const connection of this.#connections) connection.abort(new Error('listener closed'))
    await server.abort()
    this.safeDispatchEvent('close')
  }

  async #upgrade(native: NativeConnection): Promise<void> {
    if (this.#server === undefined) return native.abort()
    const log = this.#logger.forComponent(`waystation:quic:inbound:${native.id()}`)
    const connection = new QuicConnection(native, 'inbound', log)
    this.#connections.add(connection)
    connection.addEventListener('close', () => this.#connections.delete(connection))
    try {
      await this.#upgrader.upgradeInbound(connection, {
        skipEncryption: true,
        skipProtection: true,
        remotePeer: peerIdFromString(provenPeer(connection)),
        muxerFactory: muxerFactory(native, this.#greet),
        signal: this.#stopping.signal
      })
    } catch (error) {
      connection.abort(error as Error)
    }
  }
}

/** Gives the binding's errors, which are text only, the system's codes. */
function openServer(open: () => NativeServer): NativeServer {
  try {
    return open()
  } catch (error) {
    const number = /os error (\d+)/.exec(String(error))?.[1] ?? ''
    const code = SYSTEM_CODES[number]
    throw code === undefined ? error : Object.assign(new Error(String(error), { cause: error }), { code })
  }
}

/** errno by platform: Linux, macOS, Windows. */
const SYSTEM_CODES: Record<string, string> = {
  98: 'EADDRINUSE',
  48: 'EADDRINUSE',
  10048: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  49: 'EADDRNOTAVAIL',
  10049: 'EADDRNOTAVAIL',
  97: 'EAFNOSUPPORT',
  47: 'EAFNOSUPPORT',
  10047: 'EAFNOSUPPORT',
  13: 'EACCES',
  10013: 'EACCES'
}
