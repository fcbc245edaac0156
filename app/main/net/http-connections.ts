import type { Socket } from 'node:net'
import type { TrustedProxies } from './forwarded.ts'
import { ipGroup } from './ip.ts'
import { clientOfSocket } from './proxied-socket.ts'

export interface HttpConnectionsLimits {
  maxConnections: number
  /** Of one IPv4 address or IPv6 /56: one client must not use up the rest. */
  maxConnectionsPerIpGroup: number
}

/** Connections that speak HTTP, until they end or another protocol takes them over. */
export class HttpConnections {
  readonly #proxies: TrustedProxies
  readonly #limits: HttpConnectionsLimits
  readonly #groups = new Map<string, number>()
  readonly #open = new Map<Socket, string>()

  constructor(proxies: TrustedProxies, limits: HttpConnectionsLimits) {
    this.#proxies = proxies
    this.#limits = limits
  }

  /** Whether one more may be; if so it counts until it closes or is released. */
  admit(socket: Socket): boolean {
    const ip = clientOfSocket(socket)?.ip
    if (ip === undefined || this.#open.size >= this.#limits.maxConnections) return false
    // The requests of many may share one connection of a proxy.
    const group = this.#proxies.has(ip) ? '' : ipGroup(ip)
    const count = this.#groups.get(group) ?? 0
    if (group !== '' && count >= this.#limits.maxConnectionsPerIpGroup) return false
    this.#groups.set(group, count + 1)
    this.#open.set(socket, group)
    socket.once('close', () => this.release(socket))
    return true
  }

  has(socket: Socket): boolean {
    return this.#open.has(socket)
  }

  release(socket: Socket): void {
    const group = this.#open.get(socket)
    if (group === undefined) return
    this.#open.delete(socket)
    const left = (this.#groups.get(group) ?? 1) - 1
    if (left === 0) this.#groups.delete(group)
    else this.#groups.set(group, left)
  }
}
