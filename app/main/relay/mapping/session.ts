import { setTimeout as delay } from 'node:timers/promises'
import type { Gateway, UPnPNAT } from '@achingbrain/nat-port-mapper'
import { start, stop, type TypedEventTarget, type Libp2pEvents, type PeerId } from '@libp2p/interface'
import type { ComponentLogger, NodeInfo } from '@libp2p/interface'
import type { AddressManager, NodeAddress } from '@libp2p/interface-internal'
import { uPnPNAT } from '@libp2p/upnp-nat'
import type { Multiaddr } from '@multiformats/multiaddr'
import { MappingError } from './causes.ts'
import type { Leases } from './leases.ts'
import { keyOf, type MappedAddresses } from './mapped-addresses.ts'
import type { Mapping, Router } from './router.ts'
import type { MappingState, WantedPort } from './state.ts'

export interface UpnpComponents {
  peerId: PeerId
  nodeInfo: NodeInfo
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
}

export interface SessionComponents {
  libp2p: UpnpComponents
  router: Router
  leases: Leases
  addresses: MappedAddresses
  state: MappingState
}

export interface SessionOptions {
  externalIp: string
  /** Where to forward to, with the addresses that are listened on. */
  wanted: readonly (WantedPort & { address: Multiaddr })[]
  /** Ends what is under way. */
  signal: AbortSignal
}

/**
 * One router, one external address, one set of ports; when one of them changes, the next session begins.
 *
 * @libp2p/upnp-nat decides which addresses are to be forwarded, and gives those that are to the address manager. It
 * does so once for a gateway, and only logs what fails. So it gets a client that knows this one gateway, whose requests
 * are observed here, where they are also repeated, renewed, and taken back.
 */
export class MappingSession {
  readonly #components: SessionComponents
  readonly #options: SessionOptions
  readonly #upnp: object
  readonly #untried: Set<string>
  readonly #settled = new AbortController()

  constructor(components: SessionComponents, options: SessionOptions) {
    this.#components = components
    this.#options = options
    this.#untried = new Set(options.wanted.map(keyOf))
    const { addresses, libp2p } = components
    const addressManager: Partial<AddressManager> = {
      getAddressesWithMetadata: () => options.wanted.map(({ address }) => listened(address)),
      addPublicAddressMapping: (
        internalIp,
        internalPort,
        externalIp,
        externalPort = internalPort,
        protocol = 'tcp'
      ) => addresses.set({ internalIp, internalPort, externalIp, externalPort, protocol })
    }
    // One by one: libp2p's components cannot be copied as a whole.
    const { peerId, nodeInfo, logger, events } = libp2p
    const seen = { peerId, nodeInfo, logger, events, addressManager: addressManager as AddressManager }
    this.#upnp = uPnPNAT({ portMappingClient: this.#client() })(seen)
  }

  async start(): Promise<void> {
    await start(this.#upnp)
  }

  async stop(): Promise<void> {
    await stop(this.#upnp)
  }

  /** Waits until each port has been tried; those that upnp-nat did not try in that time are tried then. */
  async settled(seconds: number): Promise<void> {
    const ended = AbortSignal.any([this.#options.signal, this.#settled.signal])
    await delay(seconds * 1000, undefined, { signal: ended }).catch(() => {})
    if (!ended.aborted) await this.check()
  }

  /**
   * Looks whether all is as it was, and mends what is not: a mapping that the router has lost, one that ends soon, one
   * that it refused. @throws MappingError `no-answer`, or where the external address has changed
   */
  async check(): Promise<'same' | 'changed'> {
    const { router, leases } = this.#components
    const { externalIp, wanted, signal } = this.#options
    if ((await leases.externalIp(router, signal)) !== externalIp) return 'changed'
    for (const port of wanted) {
      try {
        const mapping = await this.#observed(port, () => leases.keep(router, port, signal))
        this.#components.addresses.set({ ...mapping, internalIp: router.localAddress, externalIp })
      } catch (error) {
        if (error instanceof MappingError && error.code !== 'no-answer') continue
        throw error
      }
    }
    return 'same'
  }

  /** What upnp-nat takes for its way to the network: it finds one gateway, and knows its external address. */
  #client(): UPnPNAT {
    const gateway = this.#gateway()
    return {
      findGateways: async function* () {
        yield gateway
      },
      getGateway: async () => gateway
    }
  }

  #gateway(): Gateway {
    const { router, leases } = this.#components
    const { externalIp, signal } = this.#options
    return {
      id: router.address,
      host: router.address,
      port: 0,
      family: 'IPv4',
      externalIp: async () => externalIp,
      map: async (internalPort, internalHost, options) => {
        const protocol = options?.protocol?.toLowerCase() === 'udp' ? 'udp' : 'tcp'
        const port = { protocol, internalPort } as const
        const { externalPort } = await this.#observed(port, () => leases.map(router, port, signal))
        const Protocol = protocol === 'udp' ? 'UDP' : 'TCP'
        return { externalHost: externalIp, externalPort, internalHost, internalPort, protocol: Protocol }
      },
      // It would forward to every interface of this machine; upnp-nat does not ask for it.
      mapAll: () => {
        throw new Error('not for upnp-nat')
      },
      // At the end of a session mappings stay: the next one renews them, and the service gives them back at its end.
      unmap: async () => {},
      stop: async () => {}
    }
  }

  async #observed(
    port: Pick<Mapping, 'protocol' | 'internalPort'>,
    request: () => Promise<Mapping>
  ): Promise<Mapping> {
    const { state } = this.#components
    try {
      const mapping = await request()
      state.mapped(port, mapping.externalPort)
      return mapping
    } catch (error) {
      if (error instanceof MappingError && !this.#options.signal.aborted) state.refused(port, error)
      throw error
    } finally {
      this.#untried.delete(keyOf(port))
      if (this.#untried.size === 0) this.#settled.abort()
    }
  }
}

function listened(multiaddr: Multiaddr): NodeAddress {
  return { multiaddr, type: 'transport', verified: false, expires: 0 }
}
