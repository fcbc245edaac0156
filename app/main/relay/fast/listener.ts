import { createServer, type Server, type Socket } from 'node:net'
import {
  TypedEventEmitter,
  type Connection,
  type DialTransportOptions,
  type Listener,
  type ListenerEvents,
  type Upgrader
} from '@libp2p/interface'
import { getNetConfig, getThinWaistAddresses, ipPortToMultiaddr } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Arrivals } from './arrivals.ts'
import type { RawDuct } from './duct.ts'
import { SocketDuct } from './socket-duct.ts'

/** Connections that may wait for this process to take them. */
const BACKLOG = 1024
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

/** What happens between a socket and its bytes: a handshake. Whoever calls it destroys the duct if it fails. */
export type Prepare = (duct: SocketDuct, signal: AbortSignal) => Promise<RawDuct>

export interface ListenerOptions {
  arrivals: Arrivals
  upgrade: Upgrade
  upgrader: Upgrader
  /** Of a TCP address, the transport's own. */
  addressOf?: (tcp: Multiaddr) => Multiaddr
  prepare?: Prepare
}

/** Listens on TCP. What goes wrong with one client ends that client only, and is nobody else's affair. */
export class DuctListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #options: Required<ListenerOptions>
  readonly #ducts = new Set<SocketDuct>()
  #server: Server | undefined
  #address: Multiaddr | undefined

  constructor(options: ListenerOptions) {
    super()
    this.#options = { addressOf: tcp => tcp, prepare: async duct => duct, ...options }
  }

  /** @throws the system's error, with its `code` */
  async listen(address: Multiaddr): Promise<void> {
    if (this.#server !== undefined) throw new Error('it listens already')
    const { host, port, type } = getNetConfig(address)
    const server = createServer({ pauseOnConnect: true }, socket => this.#accept(socket))
    this.#server = server
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen({ host, port: port ?? 0, ipv6Only: type === 'ip6', backlog: BACKLOG }, resolve)
    try {
      await promise
    } catch (error) {
      if (this.#server === server) this.#server = undefined
      throw error
    }
    server.off('error', reject)
    server.on('error', error => this.safeDispatchEvent('error', { detail: error }))
    this.#address = address
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    const at = this.#server?.address()
    if (at === null || typeof at !== 'object') return []
    // The helper knows hosts and ports only.
    return getThinWaistAddresses(this.#address, at.port).map(this.#options.addressOf)
  }

  updateAnnounceAddrs(): void {}

  /** Ends all of its connections, at once. */
  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>(resolve => void server.close(() => resolve()))
    for (const duct of this.#ducts) duct.destroy()
    await closed
    this.safeDispatchEvent('close')
  }

  #accept(accepted: Socket): void {
    accepted.on('error', () => {})
    let duct: SocketDuct
    try {
      duct = SocketDuct.accept(accepted)
    } catch {
      accepted.destroy()
      return
    }
    const { remoteAddress, remotePort } = duct.socket
    // Gone again already.
    if (remoteAddress === undefined || remotePort === undefined) return duct.destroy()
    // A link-local address names an interface of ours, which is none of the peer's address.
    const tcp = ipPortToMultiaddr(remoteAddress.replace(/%.*/, ''), remotePort)
    if (!this.#options.arrivals.begin(remoteAddress)) return duct.destroy()
    void this.#upgrade(duct, this.#options.addressOf(tcp))
  }

  async #upgrade(duct: SocketDuct, remoteAddr: Multiaddr): Promise<void> {
    const { arrivals, upgrade, upgrader, prepare } = this.#options
    const upgrading = new AbortController()
    const { signal } = upgrading
    const timer = setTimeout(() => upgrading.abort(new Error('took too long')), UPGRADE_TIMEOUT_MS)
    let connecting = true
    this.#ducts.add(duct)
    duct.socket.once('close', () => {
      this.#ducts.delete(duct)
      if (connecting) upgrading.abort(new Error('the socket has closed'))
    })
    // Also where those who work on it do not look at the signal.
    signal.addEventListener('abort', () => duct.destroy())
    let raw: RawDuct = duct
    try {
      raw = await prepare(duct, signal)
      signal.throwIfAborted()
      await upgrade(raw, { direction: 'inbound', remoteAddr, upgrader, signal })
    } catch (error) {
      raw.destroy(error as Error)
    } finally {
      arrivals.done()
      connecting = false
      clearTimeout(timer)
    }
  }
}
