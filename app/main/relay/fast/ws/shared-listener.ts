import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { TypedEventEmitter, type Listener, type ListenerEvents, type Upgrader } from '@libp2p/interface'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TlsFront } from '../../../net/tls/tls-front.ts'
import { carrierOf } from '../../../net/tls/tls-server.ts'
import type { UpgradeHandler, UpgradeRequest } from '../../../net/upgrades.ts'
import type { Arrivals } from '../arrivals.ts'
import { Handshakes, type Upgrade } from '../handshakes.ts'
import { TlsSocketDuct } from '../tls/tls-socket-duct.ts'
import type { WsBounds } from './bounds.ts'
import { answerWebSocket } from './handshake.ts'
import { addField, type Head } from './http-head.ts'

/** Where libp2p's clients ask for their WebSocket. */
const PATH = '/'

/** The listener that is shared. */
export type SharedTls = Pick<TlsFront, 'places' | 'upgrades' | 'onChange' | 'isNamed'>

export interface SharedWebSocketsOptions {
  front: SharedTls
  arrivals: Arrivals
  bounds?: WsBounds
  upgrade: Upgrade
}

export interface SharedListenerOptions extends SharedWebSocketsOptions {
  path: SharedPath
  upgrader: Upgrader
}

/** The path at a front that all listeners of a node share, each with a host of its own. */
export class SharedPath {
  readonly #front: SharedTls
  readonly #listeners = new Map<string, SharedListener>()
  #giveBack: (() => void) | undefined

  constructor(front: SharedTls) {
    this.#front = front
  }

  /** Returns what ends it. */
  join(host: string, listener: SharedListener): () => void {
    this.#listeners.set(host, listener)
    const take: UpgradeHandler = (request, socket, first) => {
      const chosen = this.#listeners.get(request.host)
      if (chosen === undefined) socket.destroy()
      else chosen.take(request, socket, first)
    }
    this.#giveBack ??= this.#front.upgrades.handle(PATH, take, { secureOnly: true })
    return () => {
      this.#listeners.delete(host)
      if (this.#listeners.size > 0) return
      this.#giveBack?.()
      this.#giveBack = undefined
    }
  }
}

/**
 * Listens for WebSockets over TLS (`/tcp/…/tls/ws`) where the node listens for HTTPS, whenever that is open: it binds
 * nothing itself.
 */
export class SharedListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #options: SharedListenerOptions
  readonly #handshakes: Handshakes
  #address: Multiaddr | undefined
  #leave: (() => void) | undefined

  constructor(options: SharedListenerOptions) {
    super()
    this.#options = options
    this.#handshakes = new Handshakes({ ...options, addressOf: secured })
  }

  /** The port is the front's, whatever the address says. */
  async listen(address: Multiaddr): Promise<void> {
    const { front, path } = this.#options
    const told = (): void => {
      if (this.getAddrs().length > 0) this.safeDispatchEvent('listening')
    }
    this.#address = address
    const leavePath = path.join(getNetConfig(address).host, this)
    const stopHearing = front.onChange(told)
    this.#leave = () => {
      stopHearing()
      leavePath()
    }
    told()
  }

  getAddrs(): Multiaddr[] {
    if (this.#address === undefined || this.#leave === undefined) return []
    const { host } = getNetConfig(this.#address)
    const place = this.#options.front.places.find(each => each.host === host)
    return place === undefined ? [] : getThinWaistAddresses(this.#address, place.port).map(secured)
  }

  updateAnnounceAddrs(): void {}

  /** Ends all of its connections, at once. */
  async close(): Promise<void> {
    if (this.#leave === undefined) return
    this.#leave()
    this.#leave = undefined
    this.#handshakes.close()
    this.safeDispatchEvent('close')
  }

  take({ head, client, isCounted }: UpgradeRequest, socket: Socket, first: Buffer): void {
    // Half-open is for HTTP, whose clients may end before they are answered.
    socket.allowHalfOpen = false
    const duct = new TlsSocketDuct(socket as TLSSocket, carrierOf(socket))
    duct.unshift(first)
    const { arrivals, bounds } = this.#options
    const arrival = arrivals.open(client.ip, { isCounted })
    if (arrival === undefined) return duct.destroy()
    void this.#handshakes.run({
      duct,
      socket,
      arrival,
      client,
      prepare: async () => ({ raw: await answerWebSocket(duct, headOf(head), bounds), client })
    })
  }
}

function secured(tcp: Multiaddr): Multiaddr {
  return tcp.encapsulate('/tls/ws')
}

/** Not of `headersDistinct`: in older releases of Node it throws for a field named `__proto__`. */
function headOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Head {
  const fields: Head['fields'] = new Map()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) addField(fields, rawHeaders[i]!, rawHeaders[i + 1]!)
  return { start: `${method} ${url} HTTP/${httpVersion}`, fields }
}
