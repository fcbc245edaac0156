import {
  serviceCapabilities,
  transportSymbol,
  type ComponentLogger,
  type CreateListenerOptions,
  type Listener,
  type PeerId,
  type PrivateKey,
  type Transport
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WebRTCDirect } from '@multiformats/multiaddr-matcher'
import type { TrafficHints } from '../../net/traffic.ts'
import type { Arrivals } from '../fast/arrivals.ts'
import type { Greet } from '../direct-streams.ts'
import { Backlog } from './backlog.ts'
import type { WebRtcCertificate } from './certificate.ts'
import { WebRtcListener } from './listener.ts'
import type { NativeWebRtc } from './native.ts'
import { WebRtcTraffic } from './traffic.ts'

export interface WebRtcOptions {
  native: NativeWebRtc
  certificate: WebRtcCertificate
  arrivals: Arrivals
  /** Bytes that may wait on one stream. */
  windowBytes: number
  /** Listens on all addresses of both families, so one socket does for both. */
  bothFamilies: boolean
  /** Is told of all datagrams: Node does not see those of the library. */
  traffic?: TrafficHints | undefined
  greet?: Greet
}

interface WebRtcComponents {
  privateKey: PrivateKey
  peerId: PeerId
  logger: ComponentLogger
}

/**
 * Listens for browsers on UDP (`/udp/…/webrtc-direct`). It does not dial: who can be dialled so is a server, and has
 * other addresses.
 */
export function webRtcDirect(options: WebRtcOptions): (components: WebRtcComponents) => Transport {
  return components => new WebRtcTransport(components, options)
}

class WebRtcTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = 'webrtc-direct'
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: WebRtcComponents
  readonly #options: WebRtcOptions
  readonly #backlog = new Backlog()
  readonly #traffic: WebRtcTraffic | undefined

  constructor(components: WebRtcComponents, options: WebRtcOptions) {
    this.#components = components
    this.#options = options
    this.#traffic = options.traffic && new WebRtcTraffic(options.traffic)
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => WebRTCDirect.exactMatch(address))
  }

  dialFilter(): Multiaddr[] {
    return []
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    const { privateKey, peerId, logger } = this.#components
    const own = { backlog: this.#backlog, traffic: this.#traffic }
    return new WebRtcListener({ ...this.#options, ...own, privateKey, peerId, logger, upgrader })
  }

  async dial(): Promise<never> {
    throw new Error('this node dials nobody by WebRTC-direct')
  }
}
