import { createServer, type Server, type Socket } from 'node:net'
import { TypedEventEmitter, type Listener, type ListenerEvents, type Upgrader } from '@libp2p/interface'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Endpoint, TrustedProxies } from '../../net/forwarded.ts'
import { clientOfSocket } from '../../net/proxied-socket.ts'
import type { Arrivals } from './arrivals.ts'
import { Handshakes, type Prepared, type Upgrade } from './handshakes.ts'
import { clientByHeader } from './proxied-duct.ts'
import { SocketDuct } from './socket-duct.ts'

/** Connections that may wait for this process to take them. */
const BACKLOG = 1024

/** What happens between a socket and its bytes: a handshake. Whoever calls it destroys the duct if it fails. */
export type Prepare = (duct: SocketDuct, peer: Endpoint, signal: AbortSignal) => Promise<Prepared>

export interface ListenerOptions {
  arrivals: Arrivals
  upgrade: Upgrade
  upgrader: Upgrader
  /** Whose word is taken for where a client is. */
  proxies: TrustedProxies
  /** Of a TCP address, the transport's own. */
  addressOf?: (tcp: Multiaddr) => Multiaddr
  prepare?: Prepare
}

/** Listens on TCP. */
export class DuctListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #options: Required<ListenerOptions>
  readonly #handshakes: Handshakes
  #server: Server | undefined
  #address: Multiaddr | undefined

  constructor(options: ListenerOptions) {
    super()
    const { proxies } = options
    const prepare: Prepare = async (duct, peer, signal) => ({
      raw: duct,
      client: proxies.has(peer.ip) ? await clientByHeader(duct, peer, signal) : peer
    })
    this.#options = { addressOf: tcp => tcp, prepare, ...options }
    this.#handshakes = new Handshakes(this.#options)
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
    this.#handshakes.close()
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
    const { arrivals, proxies, prepare } = this.#options
    const { socket } = duct
    const peer = clientOfSocket(socket)
    // Gone again already.
    if (peer === undefined) return duct.destroy()
    const client = proxies.has(peer.ip) ? undefined : peer
    const arrival = arrivals.open(client?.ip)
    if (arrival === undefined) return duct.destroy()
    void this.#handshakes.run({
      duct,
      socket,
      arrival,
      ...(client && { client }),
      prepare: signal => prepare(duct, peer, signal)
    })
  }
}
