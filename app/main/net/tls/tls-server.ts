import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { HttpConnections } from '../http-connections.ts'
import {
  bindAll,
  closeServer,
  hostOf,
  serverFactory,
  type Bound,
  type RequestHandler,
  type SocketLimits
} from '../http-sockets.ts'
import type { TrustedProxies } from '../forwarded.ts'
import { clientOfSocket, inheritClient } from '../proxied-socket.ts'
import type { Upgrades } from '../upgrades.ts'

/** Who may begin a handshake, which costs us more than one who asks for it. */
export interface Arrivals {
  open(ip: string | undefined): { done(): void } | undefined
}

export interface TlsServerComponents {
  upgrades: Upgrades
  arrivals: Arrivals
  proxies: TrustedProxies
  /** Asked at every connection, with the name that it asks for. */
  contextFor: (name: string | undefined) => SecureContext | undefined
  answer: RequestHandler
}

export interface TlsServerOptions {
  hosts: readonly string[]
  /** 0: any free one, the same for all hosts. */
  port: number
  limits: SocketLimits
}

/** The TCP socket under a TLS socket of ours. */
const carriers = new WeakMap<Socket, Socket>()

/** HTTP and what is upgraded from it over TLS, at one port of several addresses. */
export class TlsServer {
  readonly #components: TlsServerComponents
  readonly #options: TlsServerOptions
  readonly #connections: HttpConnections
  /** All connections that TLS was agreed on with, or is about to be. */
  readonly #sockets = new Set<Socket>()
  readonly #servers: Server[] = []

  constructor(components: TlsServerComponents, options: TlsServerOptions) {
    this.#components = components
    this.#options = options
    this.#connections = new HttpConnections(components.proxies, options.limits)
  }

  /** @throws the system's error; hosts that this machine does not have are in the answer */
  async open(): Promise<Bound> {
    const { answer, proxies } = this.#components
    const { hosts, port, limits } = this.#options
    const open = serverFactory(answer, limits, {
      proxies,
      connections: this.#connections,
      accept: (raw, speak) => this.#accept(raw, speak)
    })
    const bound = await bindAll(hosts, port, open)
    this.#servers.push(...bound.servers)
    for (const server of bound.servers) this.#serveUpgrades(server)
    return bound
  }

  /** Ends all of its connections, those that were upgraded too. */
  async close(): Promise<void> {
    const { stopGraceMs } = this.#options.limits
    const closed = this.#servers.map(server => closeServer(server, stopGraceMs))
    // Answers under way get the grace; what is upgraded has no end that could be waited for.
    for (const socket of this.#sockets) if (!this.#connections.has(socket)) socket.destroy()
    const cut = setTimeout(() => this.#sockets.forEach(socket => socket.destroy()), stopGraceMs)
    await Promise.all(closed)
    clearTimeout(cut)
  }

  #serveUpgrades(server: Server): void {
    const { upgrades, proxies, answer } = this.#components
    upgrades.serve(server, {
      host: hostOf(server),
      isSecure: true,
      proxies,
      answer,
      taken: socket => this.#connections.release(carriers.get(socket) ?? socket)
    })
  }

  #accept(raw: Socket, speak: (socket: Socket) => void): void {
    raw.on('error', () => {})
    const { arrivals, proxies, contextFor } = this.#components
    const ip = clientOfSocket(raw)?.ip
    const secureContext = contextFor(undefined)
    if (secureContext === undefined) return void raw.destroy()
    // Of a proxy that spoke for itself, the clients are known by their requests only.
    const arrival = arrivals.open(proxies.has(ip) ? undefined : ip)
    if (arrival === undefined) return void raw.destroy()
    this.#sockets.add(raw)
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, done) => done(null, contextFor(name))
    })
    carriers.set(socket, raw)
    inheritClient(socket, raw)
    const timer = setTimeout(() => raw.destroy(), this.#options.limits.headersTimeoutMs)
    let isBeginning = true
    const begun = (): void => {
      clearTimeout(timer)
      if (isBeginning) arrival.done()
      isBeginning = false
    }
    raw.once('close', () => {
      this.#sockets.delete(raw)
      begun()
    })
    // Of one who speaks no TLS, or leaves in the middle of it.
    socket.on('error', () => {})
    socket.on('_tlsError', () => raw.destroy())
    socket.once('end', () => isBeginning && raw.destroy())
    socket.once('secure', () => {
      begun()
      speak(socket)
    })
  }
}

/** The TCP socket that a TLS socket of a `TlsServer` lies on. */
export function carrierOf(socket: Socket): Socket | undefined {
  return carriers.get(socket)
}
