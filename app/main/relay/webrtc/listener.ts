import { TypedEventEmitter, type Listener, type ListenerEvents, type Upgrader } from '@libp2p/interface'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { Arrivals, type Arrival, type ArrivalLimits } from '../fast/arrivals.ts'
import { accept, isOver, openPeerConnection, type AcceptComponents, type Caller } from './accept.ts'
import type { IceUdpMuxRequest, PeerConnection } from './native.ts'
import { listenOn, type Socket, type SocketsOptions } from './sockets.ts'
import { Carried, type WebRtcTraffic } from './traffic.ts'

export interface ListenerComponents extends AcceptComponents, SocketsOptions {
  arrivals: Arrivals
  upgrader: Upgrader
  traffic: WebRtcTraffic | undefined
}

/**
 * Handshakes at once: each takes memory outside of JavaScript before its client has proved where it is. And those that
 * one address may begin a second, before the node's own bounds are asked.
 */
const UNPROVEN: ArrivalLimits = { pending: 128, perIpPerSecond: 100 }
const HANDSHAKE_MS = 10_000
/**
 * The client makes up a name and a password for both sides, the same for both. It must be what ICE allows, or the
 * library ends the process.
 */
const UFRAG = /^libp2p\+webrtc\+v1\/[a-zA-Z0-9+/]{5,239}$/

export class WebRtcListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #components: ListenerComponents
  readonly #callers = new Map<string, PeerConnection>()
  readonly #stopping = new AbortController()
  /**
   * A datagram says that it comes from anywhere: until its sender has answered there it counts here alone, or it could
   * use up what others have for all transports.
   */
  readonly #unproven = new Arrivals({ clock: () => performance.now() }, UNPROVEN)
  #socket: Socket | undefined
  #address: Multiaddr | undefined

  constructor(components: ListenerComponents) {
    super()
    this.#components = components
  }

  async listen(address: Multiaddr): Promise<void> {
    const { host, port } = getNetConfig(address)
    const onRequest = (request: IceUdpMuxRequest): void => this.#onRequest(request)
    const socket = await listenOn(this.#components, host, port ?? 0, onRequest)
    this.#socket = socket
    const parts = address.getComponents()
    this.#address = multiaddr(
      parts.map(part => (part.name === 'udp' ? { ...part, value: String(socket.port) } : part))
    )
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    // The helper knows hosts and ports only.
    const suffix = `/webrtc-direct/certhash/${this.#components.certificate.certhash}`
    return getThinWaistAddresses(this.#address).map(address => address.encapsulate(suffix))
  }

  /**
   * Completes addresses that come from elsewhere: from settings, or as a router forwards them. By the hash of another
   * certificate, such as the one before, nobody would get here.
   */
  updateAnnounceAddrs(addresses: Multiaddr[]): void {
    const own = `/webrtc-direct/certhash/${this.#components.certificate.certhash}`
    for (const [index, address] of addresses.entries()) {
      const text = address.toString()
      // What stands before another relay is that one's.
      if (text.includes('/p2p-circuit')) continue
      const complete = text.replace(/\/webrtc-direct(\/certhash\/[^/]+)*/, own)
      if (complete !== text) addresses[index] = multiaddr(complete)
    }
  }

  async close(): Promise<void> {
    if (this.#socket === undefined) return
    this.#socket.close()
    this.#socket = undefined
    this.#address = undefined
    this.#stopping.abort(new Error('listener closed'))
    for (const native of this.#callers.values()) native.close()
    this.#callers.clear()
    // libp2p forgets another listener, too, if it is told while it still closes them.
    await Promise.resolve()
    this.safeDispatchEvent('close')
  }

  /** A client begins. It asks again and again until it is answered. */
  #onRequest({ ufrag, localUfrag, host: ip, port }: IceUdpMuxRequest): void {
    if (this.#socket === undefined || ufrag !== localUfrag || !UFRAG.test(ufrag) || ip.includes('%')) return
    const id = `${ip} ${port} ${ufrag}`
    if (this.#callers.has(id)) return
    const unproven = this.#unproven.open(ip)
    if (unproven === undefined) return
    void this.#accept(id, { ip, port, ufrag }, this.#socket.port).finally(() => unproven.done())
  }

  async #accept(id: string, caller: Caller, port: number): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(HANDSHAKE_MS)])
    let native: PeerConnection | undefined
    const carried = { received: new Carried(), sent: new Carried() }
    let ended: (() => void) | undefined
    let arrival: Arrival | undefined
    const admit = (): void => {
      arrival = this.#components.arrivals.open(caller.ip)
      if (arrival === undefined) throw new Error('too many connections begin')
    }
    const forget = (): void => {
      this.#callers.delete(id)
      ended?.()
      native?.close()
    }
    try {
      native = openPeerConnection(this.#components, caller, port)
      this.#callers.set(id, native)
      ended = this.#components.traffic?.follow(caller.ip, carried)
      const connection = await accept(this.#components, native, { caller, carried, admit, signal })
      connection.addEventListener('close', forget)
      if (isOver(native.state())) forget()
    } catch (error) {
      this.#components.logger.forComponent('waystation:webrtc').trace('no connection - %e', error)
      forget()
    } finally {
      arrival?.done()
    }
  }
}
