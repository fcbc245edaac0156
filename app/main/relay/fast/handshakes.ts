import type { Socket } from 'node:net'
import type { Connection, DialTransportOptions, Upgrader } from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Endpoint } from '../../net/forwarded.ts'
import type { Arrival } from './arrivals.ts'
import type { RawDuct } from './duct.ts'

/** How long a client may take until it has a connection, from its first byte on. */
const UPGRADE_TIMEOUT_MS = 30_000

export interface UpgradeInit {
  direction: 'inbound' | 'outbound'
  /** Ends with `/p2p/ID` where somebody else must not answer. */
  remoteAddr: Multiaddr
  upgrader: Upgrader
  /** Aborts when it takes too long, when the duct is over, or when the one who dialled has changed their mind. */
  signal: AbortSignal
  /** Of a dial: what else the one who dialled gave. */
  dial?: DialTransportOptions
}

/** Makes a connection of bytes that nobody has proved anything about. Whoever calls it destroys the duct if it fails. */
export type Upgrade = (duct: RawDuct, init: UpgradeInit) => Promise<Connection | void>

/** Bytes to upgrade, and whose they are. */
export interface Prepared {
  raw: RawDuct
  client: Endpoint
}

export interface Arriving {
  /** Is destroyed where its handshake fails. */
  duct: RawDuct
  /** Its close is the duct's. */
  socket: Socket
  arrival: Arrival
  /** Of the client, if the arrival knows it already. */
  client?: Endpoint
  /** What happens between the socket and its bytes. */
  prepare: (signal: AbortSignal) => Promise<Prepared>
}

export interface HandshakesOptions {
  upgrade: Upgrade
  upgrader: Upgrader
  /** Of a TCP address, the transport's own. */
  addressOf: (tcp: Multiaddr) => Multiaddr
}

/**
 * The connections of a listener, whose beginnings it sees to. What goes wrong with one client ends that client only, and is
 * nobody else's affair.
 */
export class Handshakes {
  readonly #options: HandshakesOptions
  readonly #ducts = new Set<RawDuct>()

  constructor(options: HandshakesOptions) {
    this.#options = options
  }

  /** Ends all of its connections, those that are finished too. */
  close(): void {
    for (const duct of this.#ducts) duct.destroy()
  }

  async run({ duct, socket, arrival, client: known, prepare }: Arriving): Promise<void> {
    const { upgrade, upgrader, addressOf } = this.#options
    const upgrading = new AbortController()
    const { signal } = upgrading
    const timer = setTimeout(() => upgrading.abort(new Error('took too long')), UPGRADE_TIMEOUT_MS)
    let connecting = true
    this.#ducts.add(duct)
    socket.once('close', () => {
      this.#ducts.delete(duct)
      if (connecting) upgrading.abort(new Error('the socket has closed'))
    })
    // Also where those who work on it do not look at the signal.
    signal.addEventListener('abort', () => duct.destroy())
    let raw = duct
    try {
      const prepared = await prepare(signal)
      const { client } = prepared
      raw = prepared.raw
      signal.throwIfAborted()
      if (known === undefined && !arrival.from(client.ip)) throw new Error('too many of its client')
      const remoteAddr = addressOf(ipPortToMultiaddr(client.ip, client.port))
      await upgrade(raw, { direction: 'inbound', remoteAddr, upgrader, signal })
    } catch (error) {
      raw.destroy(error as Error)
    } finally {
      arrival.done()
      connecting = false
      clearTimeout(timer)
    }
  }
}
