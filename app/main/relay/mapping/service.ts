import { isIPv4 } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Startable } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { MappingInfo } from '../../../shared/api.ts'
import { isPublicIp } from '../../net/ip.ts'
import { ipOfAddress, transportOf } from '../addresses.ts'
import { CAUSES, MappingError, type RouterCode } from './causes.ts'
import { findRouter } from './find-router.ts'
import { Leases } from './leases.ts'
import { keyOf, MappedAddresses } from './mapped-addresses.ts'
import { MappingSession, type UpnpComponents } from './session.ts'
import { MappingState, type WantedPort } from './state.ts'

export interface MappingTimes {
  /** How long UPnP gateways have to answer a search. */
  searchSeconds: number
  /** How long one request may take. */
  requestSeconds: number
  /** Until the next search where nothing can be forwarded. */
  searchAgainSeconds: number
  /** How often the router is asked whether it still forwards. */
  checkSeconds: number
  /** How long the router keeps what is not renewed. */
  leaseSeconds: number
  /** How long giving back may take at the end. */
  stopSeconds: number
}

const TIMES: MappingTimes = {
  searchSeconds: 3,
  requestSeconds: 5,
  searchAgainSeconds: 60,
  checkSeconds: 60,
  leaseSeconds: 3600,
  stopSeconds: 3
}

/** upnp-nat waits 5 s before it asks for ports. */
const SETTLES_SECONDS = 15

export interface PortMappingOptions {
  /** The setting `upnp`. */
  enabled: boolean
  /** Called at each change of what `info` says. */
  changed: (info: MappingInfo) => void
  times?: Partial<MappingTimes>
}

export interface PortMappingComponents extends UpnpComponents {
  addressManager: AddressManager
  transportManager: TransportManager
}

type Wanted = WantedPort & { ip: string; address: Multiaddr }

/** A libp2p service that has the router forward the ports this node listens on. */
export function portMapping(options: PortMappingOptions): (components: PortMappingComponents) => PortMapping {
  return components => new PortMapping(components, options)
}

/**
 * Has the router forward the ports of all transports, by UPnP or NAT-PMP, for as long as it is on. What is
 * forwarded becomes an unconfirmed address of the node; AutoNAT verifies it.
 */
export class PortMapping implements Startable {
  readonly #components: PortMappingComponents
  readonly #times: MappingTimes
  readonly #state: MappingState
  readonly #leases: Leases
  readonly #addresses: MappedAddresses
  #enabled: boolean
  #started = false
  #running: AbortController | undefined
  /** What is under way, in its order: it is switched on again only when it is off. */
  #last: Promise<void> = Promise.resolve()

  constructor(components: PortMappingComponents, { enabled, changed, times }: PortMappingOptions) {
    this.#components = components
    this.#enabled = enabled
    this.#times = { ...TIMES, ...times }
    this.#state = new MappingState({ clock: () => Date.now(), changed })
    this.#leases = new Leases({ clock: () => performance.now() }, this.#times)
    this.#addresses = new MappedAddresses(components.addressManager)
  }

  get info(): MappingInfo {
    return this.#state.info
  }

  start(): void {
    this.#started = true
  }

  /** The transports listen now. */
  afterStart(): void {
    this.#apply()
  }

  /** Gives the ports back, in at most `stopSeconds`. */
  async stop(): Promise<void> {
    this.#started = false
    this.#apply()
    const late = new AbortController()
    await Promise.race([this.#last, pause(this.#times.stopSeconds, late.signal)])
    late.abort()
  }

  /** Switches it on or off while the node runs; done when `info` says so. */
  setEnabled(enabled: boolean): void {
    this.#enabled = enabled
    this.#apply()
  }

  #apply(): void {
    const isToRun = this.#enabled && this.#started
    if (isToRun === (this.#running !== undefined)) return
    if (!isToRun) {
      this.#running?.abort()
      this.#running = undefined
      return
    }
    const running = (this.#running = new AbortController())
    this.#last = this.#last.then(() => this.#run(running.signal)).then(() => this.#end())
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#state.searching()
      try {
        await this.#serve(signal)
        continue
      } catch (error) {
        if (signal.aborted) break
        this.#components.logger.forComponent('waystation:mapping').error('no mapping - %e', error)
        this.#state.failed(codeOf(error))
      }
      // Nobody forwards to them any more, as far as is known.
      this.#addresses.keep([])
      await pause(this.#times.searchAgainSeconds, signal)
    }
  }

  async #end(): Promise<void> {
    this.#addresses.keep([])
    await this.#leases.giveBack(AbortSignal.timeout(this.#times.stopSeconds * 1000))
    this.#state.off()
  }

  /** Finds a router and has it forward the ports, until one of them changes. @throws MappingError */
  async #serve(signal: AbortSignal): Promise<void> {
    if (this.#wanted().length === 0) throw problem('nothing-to-map')
    const router = await findRouter(this.#times, signal)
    const externalIp = await this.#leases.externalIp(router, signal)
    const gateway = { protocol: router.protocol, address: router.address, externalIp }
    if (!isPublicIp(externalIp)) {
      this.#state.failed('private-gateway', gateway)
      throw problem('private-gateway')
    }
    const wanted = this.#wanted().filter(({ ip }) => ip === router.localAddress)
    if (wanted.length === 0) throw problem('nothing-to-map')
    this.#state.forwarding(gateway, wanted)
    this.#addresses.keep(wanted)
    const own = { leases: this.#leases, addresses: this.#addresses, state: this.#state }
    const components = { libp2p: this.#components, router, ...own }
    const session = new MappingSession(components, { externalIp, wanted, signal })
    await session.start()
    try {
      await this.#watch(session, wanted, signal)
    } finally {
      await session.stop()
    }
  }

  async #watch(session: MappingSession, wanted: Wanted[], signal: AbortSignal): Promise<void> {
    await session.settled(SETTLES_SECONDS)
    await this.#leases.giveBack(signal, wanted)
    for (;;) {
      await pause(this.#times.checkSeconds, signal)
      if (signal.aborted || !this.#isStillWanted(wanted)) return
      try {
        // Once more, because one lost packet is no reason to begin anew.
        if ((await session.check().catch(() => session.check())) === 'changed') return
      } catch (error) {
        // It may only be somewhere else after a restart: it is looked for at once, and its addresses stay until then.
        if (!signal.aborted) this.#state.failed(codeOf(error))
        return
      }
    }
  }

  #isStillWanted(wanted: Wanted[]): boolean {
    const ip = wanted[0]?.ip
    const now = this.#wanted().filter(port => port.ip === ip)
    return now.map(keyOf).sort().join() === wanted.map(keyOf).sort().join()
  }

  /** What is listened on at private IPv4 addresses, each port of each address once. */
  #wanted(): Wanted[] {
    const all = this.#components.transportManager.getAddrs().flatMap(address => wantedAt(address) ?? [])
    return [...new Map(all.map(port => [`${port.ip} ${keyOf(port)}`, port])).values()]
  }
}

const TRANSPORTS: Record<string, WantedPort['transport']> = {
  tcp: 'tcp',
  'quic-v1': 'quic',
  ws: 'ws',
  wss: 'ws',
  'webrtc-direct': 'webrtcDirect'
}

/** The port to forward for an address that is listened on; undefined if no router can forward to it. */
function wantedAt(address: Multiaddr): Wanted | undefined {
  const ip = ipOfAddress(address)
  const transport = TRANSPORTS[transportOf(address)]
  if (ip === undefined || transport === undefined || !isIPv4(ip)) return undefined
  if (isPublicIp(ip) || /^(127|169\.254)\./.test(ip)) return undefined
  const protocol = transport === 'quic' || transport === 'webrtcDirect' ? 'udp' : 'tcp'
  const port = address.getComponents().find(({ name }) => name === protocol)?.value
  return { transport, protocol, internalPort: Number(port), ip, address }
}

/** What is wrong with the router as a whole. */
function codeOf(error: unknown): RouterCode {
  if (!(error instanceof MappingError)) return 'no-answer'
  return error.code === 'refused' || error.code === 'conflict' ? 'no-answer' : error.code
}

function problem(code: 'nothing-to-map' | 'private-gateway'): MappingError {
  return new MappingError(code, CAUSES[code])
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await delay(seconds * 1000, undefined, { signal }).catch(() => {})
}
