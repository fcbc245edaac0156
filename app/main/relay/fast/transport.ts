import {
  serviceCapabilities,
  transportSymbol,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type Transport
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TrustedProxies } from '../../net/forwarded.ts'
import type { Arrivals } from './arrivals.ts'
import { connectDuct } from './dialer.ts'
import type { RawDuct } from './duct.ts'
import type { Upgrade } from './handshakes.ts'
import { DuctListener, type Prepare } from './listener.ts'
import type { SocketDuct } from './socket-duct.ts'

/** How long a dial may take, where the caller sets no bound. */
const DIAL_TIMEOUT_MS = 10_000

export interface FastTransportOptions {
  /** Whose connections are taken at all. */
  arrivals: Arrivals
  upgrade: Upgrade
  /** Whose word is taken for where a client is. */
  proxies?: TrustedProxies
}

export interface DuctTransportOptions extends FastTransportOptions {
  name: string
  /** Whether it listens on such an address, and dials it. */
  matches: (address: Multiaddr) => boolean
  /** Of a TCP address, the transport's own. */
  addressOf?: (tcp: Multiaddr) => Multiaddr
  /** The handshake with one who dials us. */
  accept?: Prepare
  /** The handshake with one whom we dial. */
  greet?: (duct: SocketDuct, address: Multiaddr, signal: AbortSignal) => Promise<RawDuct>
}

/** A transport over TCP whose connections are made by `upgrade`. */
export class DuctTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #options: DuctTransportOptions

  constructor(options: DuctTransportOptions) {
    this.#options = options
  }

  get [Symbol.toStringTag](): string {
    return this.#options.name
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(this.#options.matches)
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.listenFilter(addresses)
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    const { arrivals, upgrade, proxies = new TrustedProxies([]), addressOf, accept } = this.#options
    return new DuctListener({
      arrivals,
      upgrade,
      upgrader,
      proxies,
      ...(addressOf && { addressOf }),
      ...(accept && { prepare: accept })
    })
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { upgrade, greet } = this.#options
    const signal = options.signal ?? AbortSignal.timeout(DIAL_TIMEOUT_MS)
    const duct = await connectDuct(address, signal)
    let raw: RawDuct = duct
    try {
      if (greet !== undefined) raw = await greet(duct, address, signal)
      const connection = await upgrade(raw, {
        direction: 'outbound',
        remoteAddr: address,
        upgrader: options.upgrader,
        signal,
        dial: options
      })
      if (connection === undefined) throw new Error('the upgrade made no connection')
      return connection
    } catch (error) {
      raw.destroy(error as Error)
      throw error
    }
  }
}
