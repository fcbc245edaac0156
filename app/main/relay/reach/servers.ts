import { AsyncLocalStorage } from 'node:async_hooks'
import { autoNAT, type AutoNATComponents } from '@libp2p/autonat'
import { autoNATv2, type AutoNATv2Components } from '@libp2p/autonat-v2'
import type { Connection, Transport } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ipGroup, isPublicIp } from '../../net/ip.ts'
import { RateWindows } from '../../net/rate-windows.ts'
import { ipOf, ipOfAddress } from '../addresses.ts'
import { DIAL_BACK_PROTOCOL } from './autonat.ts'
import { withoutPeerId } from './book.ts'

/**
 * AutoNAT's servers are upstream's, v1 beside v2, with our own rules around them: they get these components instead
 * of libp2p's. By themselves the v1 server takes the connection it was asked over for the dial back and closes it,
 * and the v2 server dials whatever a request lists, as often as it is asked to. Their client halves get nothing to
 * do (autonat.ts is the client). Pinned in test/upstream/autonat.test.ts.
 */

/** What go-libp2p's server takes too: a minute, of everyone and of each (there a peer, here an IPv4 or IPv6 /56). */
const REQUESTS_PER_MINUTE = 60
const REQUESTS_PER_IP_PER_MINUTE = 12
/** Dials of one request: every transport of a node with a few IP addresses. */
const DIALS_PER_REQUEST = 8
/** Dials to one IP address, whoever asks: more would make us somebody's scanner. */
const DIALS_PER_TARGET_PER_MINUTE = 24

const ALL = 'all'

interface Request {
  connection: Connection
  dials: number
}

export interface ServerComponents {
  /** Milliseconds, monotonic. */
  clock: () => number
}

type Factory = (components: AutoNATComponents & AutoNATv2Components) => unknown

/** Service factories for createLibp2p. */
export function autoNatServers({ clock }: ServerComponents): { autoNATv1: Factory; autoNATv2: Factory } {
  const rules = new Rules(clock)
  return {
    autoNATv1: components => autoNAT()(rules.around(components)),
    autoNATv2: components => autoNATv2()(rules.around(components))
  }
}

class Rules {
  readonly #requests: RateWindows
  readonly #requestsPerIp: RateWindows
  readonly #dialsPerTarget: RateWindows
  /** Upstream does not say for which request it dials. */
  readonly #current = new AsyncLocalStorage<Request>()

  constructor(clock: () => number) {
    this.#requests = new RateWindows({ clock }, { perMinute: REQUESTS_PER_MINUTE })
    this.#requestsPerIp = new RateWindows({ clock }, { perMinute: REQUESTS_PER_IP_PER_MINUTE })
    this.#dialsPerTarget = new RateWindows({ clock }, { perMinute: DIALS_PER_TARGET_PER_MINUTE })
  }

  /** What the services use of libp2p's components, and no more. */
  around(components: AutoNATComponents & AutoNATv2Components): AutoNATComponents & AutoNATv2Components {
    const { peerId, peerStore, logger, events, metrics, randomWalk } = components
    const { transportManager, addressManager } = components
    const transportFor = (address: Multiaddr): Transport | undefined =>
      this.#mayDial(address) ? transportManager.dialTransportForMultiaddr(address) : undefined
    return {
      ...{ peerId, peerStore, logger, events, metrics, randomWalk },
      // v1 asks this first, and leaves out what has none.
      transportManager: { dialTransportForMultiaddr: transportFor } as TransportManager,
      // Without addresses to verify the client halves look for nobody to ask.
      addressManager: {
        getAddresses: () => addressManager.getAddresses(),
        getAddressesWithMetadata: () => []
      } as unknown as typeof addressManager,
      registrar: this.#registrar(components.registrar),
      connectionManager: this.#connectionManager(components.connectionManager)
    }
  }

  #registrar(registrar: Registrar): Registrar {
    const guarded: Pick<Registrar, 'handle' | 'unhandle' | 'register'> = {
      handle: async (protocol, handler, options) => {
        if (protocol === DIAL_BACK_PROTOCOL) return
        await registrar.handle(
          protocol,
          (stream, connection) => {
            if (this.#mayAsk(connection)) {
              return this.#current.run({ connection, dials: 0 }, () => handler(stream, connection))
            }
            stream.abort(new Error('too many AutoNAT requests'))
          },
          options
        )
      },
      unhandle: async protocols => {
        if (protocols !== DIAL_BACK_PROTOCOL) await registrar.unhandle(protocols)
      },
      register: async () => ''
    }
    return guarded as Registrar
  }

  #connectionManager(manager: ConnectionManager): ConnectionManager {
    const guarded: Pick<
      ConnectionManager,
      'isDialable' | 'openConnection' | 'getConnections' | 'getMaxConnections'
    > = {
      // v2 asks this first, and refuses what is not.
      isDialable: async (address, options) =>
        !Array.isArray(address) && this.#mayDial(address) && manager.isDialable(address, options),
      openConnection: async (target, options) => {
        const request = this.#current.getStore()
        if (request === undefined) throw new Error('dialled for no AutoNAT request')
        const peer = request.connection.remotePeer.toString()
        const complete = withoutPeerId(target as Multiaddr).encapsulate(`/p2p/${peer}`)
        return manager.openConnection(complete, { ...options, force: true })
      },
      getConnections: peer => manager.getConnections(peer),
      getMaxConnections: () => manager.getMaxConnections()
    }
    return guarded as ConnectionManager
  }

  /** Over a relay we would see the relay's IP address. */
  #mayAsk(connection: Connection): boolean {
    const ip = ipOf(connection)
    return ip !== undefined && this.#requestsPerIp.take(ipGroup(ip)) && this.#requests.take(ALL)
  }

  #mayDial(address: Multiaddr): boolean {
    const request = this.#current.getStore()
    if (request === undefined || !isFit(address) || request.dials >= DIALS_PER_REQUEST) return false
    request.dials++
    return this.#dialsPerTarget.take(ipGroup(ipOfAddress(address) ?? ''))
  }
}

/**
 * One public IP address, and nothing that leads on from there: upstream looks at the last IP address in it, and dials
 * the first. No name either: a stranger would make us ask for it.
 */
function isFit(address: Multiaddr): boolean {
  const names = address.getComponents().map(({ name }) => name)
  const hosts = names.filter(name => name === 'ip4' || name === 'ip6' || name.startsWith('dns'))
  const ip = ipOfAddress(address)
  return hosts.length === 1 && !names.includes('p2p-circuit') && ip !== undefined && isPublicIp(ip)
}
