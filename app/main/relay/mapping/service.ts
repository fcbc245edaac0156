import { setTimeout as delay } from 'node:timers/promises'
import type { Startable } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import type { MappingInfo } from '../../../shared/api.ts'
import { isPublicIp } from '../../net/ip.ts'
import type { NetworkWatch } from '../network-watch.ts'
import { CAUSES, MappingError, type MappingCode, type RouterCode } from './causes.ts'
import { findRouter } from './find-router.ts'
import { Leases } from './leases.ts'
import { keyOf, MappedAddresses } from './mapped-addresses.ts'
import { Pinholes } from './pinholes.ts'
import type { Router } from './router.ts'
import { MappingSession, type UpnpComponents } from './session.ts'
import { MappingState } from './state.ts'
import { wantedPinholes, wantedPorts, type Wanted } from './wanted.ts'

export interface MappingTimes {
  /** How long UPnP gateways have to answer a search. */
  searchSeconds: number
  /** How long one request may take. */
  requestSeconds: number
  /** Until the next search where nothing can be forwarded; the first ones come sooner. */
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
  checkSeconds: 30,
  leaseSeconds: 3600,
  stopSeconds: 3
}

/** Until the sockets of a start are open. */
const OPENING_SECONDS = 0.5
/** The first search again, where the network has only just come up; each next one waits twice as long. */
const FIRST_AGAIN_SECONDS = 5
/** upnp-nat waits 5 s before it asks for ports. */
const SETTLES_SECONDS = 15

export interface PortMappingOptions {
  /** The setting `upnp`. */
  enabled: boolean
  /** Called at each change of what `info` says. */
  changed: (info: MappingInfo) => void
  times?: Partial<MappingTimes>
  /** Says when the router may be another, or have forgotten. */
  watch?: Pick<NetworkWatch, 'onChange'>
}

export interface PortMappingComponents extends UpnpComponents {
  addressManager: AddressManager
  transportManager: TransportManager
}

/** A router at work. */
interface Served {
  router: Router
  session: MappingSession
  wanted: Wanted[]
}

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
  readonly #pinholes: Pinholes
  readonly #watch: PortMappingOptions['watch']
  #unwatch: (() => void) | undefined
  /** Ends a wait: the network has changed. */
  #hurry = new AbortController()
  /** Searches in vain since it has. */
  #vain = 0
  #enabled: boolean
  #started = false
  #running: AbortController | undefined
  /** What is under way, in its order: it is switched on again only when it is off. */
  #last: Promise<void> = Promise.resolve()

  constructor(components: PortMappingComponents, { enabled, changed, times, watch }: PortMappingOptions) {
    this.#components = components
    this.#watch = watch
    this.#enabled = enabled
    this.#times = { ...TIMES, ...times }
    this.#state = new MappingState({ clock: () => Date.now(), changed })
    this.#leases = new Leases({ clock: () => performance.now() }, this.#times)
    this.#addresses = new MappedAddresses(components.addressManager)
    this.#pinholes = new Pinholes({ clock: () => performance.now() }, this.#times)
  }

  get info(): MappingInfo {
    return this.#state.info
  }

  start(): void {
    this.#started = true
    this.#unwatch = this.#watch?.onChange(() => this.#onChange())
  }

  /** The transports open their sockets now. */
  afterStart(): void {
    this.#apply()
  }

  /** Gives the ports back, in at most `stopSeconds`. */
  async stop(): Promise<void> {
    this.#started = false
    this.#unwatch?.()
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
    if (this.#listensNowhere()) await pause(OPENING_SECONDS, signal)
    while (!signal.aborted) {
      // From here on: what changes while it is busy counts as well.
      const hurry = this.#hurry.signal
      this.#state.searching()
      try {
        await this.#serve(signal, hurry)
        continue
      } catch (error) {
        if (signal.aborted) break
        this.#components.logger.forComponent('waystation:mapping').error('no mapping - %e', error)
        this.#state.failed(codeOf(error))
      }
      // Nobody forwards to them any more, as far as is known.
      this.#addresses.keep([])
      const seconds = Math.min(this.#times.searchAgainSeconds, FIRST_AGAIN_SECONDS * 2 ** this.#vain++)
      await pause(seconds, AbortSignal.any([signal, hurry]))
    }
  }

  #onChange(): void {
    this.#vain = 0
    this.#hurry.abort()
    this.#hurry = new AbortController()
  }

  async #end(): Promise<void> {
    this.#addresses.keep([])
    const late = AbortSignal.timeout(this.#times.stopSeconds * 1000)
    await Promise.all([this.#leases.giveBack(late), this.#pinholes.giveBack(late)])
    this.#state.off()
  }

  /** Finds a router and has it forward the ports, until one of them changes. @throws MappingError */
  async #serve(signal: AbortSignal, hurry: AbortSignal): Promise<void> {
    if (this.#listensNowhere()) throw problem('nothing-to-map')
    const router = await findRouter(this.#times, signal).catch((error: unknown) => {
      this.#state.pinholes(undefined)
      throw error
    })
    // What a router has not to do with IPv4 helps most where that leads to no public address.
    await this.#keepPinholes(router, signal)
    const gateway = { protocol: router.protocol, address: router.address }
    const externalIp = await this.#externalIp(router, signal)
    if (!isPublicIp(externalIp)) {
      this.#state.failed('private-gateway', { ...gateway, externalIp })
      throw problem('private-gateway')
    }
    const wanted = this.#wanted().filter(({ ip }) => ip === router.localAddress)
    if (wanted.length === 0) throw problem('nothing-to-map')
    this.#vain = 0
    this.#state.forwarding({ ...gateway, externalIp }, wanted)
    this.#addresses.keep(wanted)
    const own = { leases: this.#leases, addresses: this.#addresses, state: this.#state }
    const components = { libp2p: this.#components, router, ...own }
    const session = new MappingSession(components, { externalIp, wanted, signal })
    await session.start()
    try {
      await this.#look({ router, session, wanted }, signal, hurry)
    } finally {
      await session.stop()
    }
  }

  async #externalIp(router: Router, signal: AbortSignal): Promise<string> {
    try {
      return await this.#leases.externalIp(router, signal)
    } catch (error) {
      const code = codeOf(error)
      // Which router it is that has none.
      if (code === 'no-external-address') {
        this.#state.failed(code, { protocol: router.protocol, address: router.address })
      }
      throw error
    }
  }

  async #keepPinholes(router: Router, signal: AbortSignal): Promise<void> {
    this.#state.pinholes(await this.#pinholes.keep(router, this.#wantedAt6(), signal))
  }

  async #look({ router, session, wanted }: Served, signal: AbortSignal, hurry: AbortSignal): Promise<void> {
    await session.settled(SETTLES_SECONDS)
    await this.#leases.giveBack(signal, wanted)
    for (;;) {
      await pause(this.#times.checkSeconds, AbortSignal.any([signal, hurry]))
      // In another network it is another router, even where it has the same address.
      if (signal.aborted || hurry.aborted || !this.#isStillWanted(wanted)) return
      try {
        // Once more, because one lost packet is no reason to begin anew.
        if ((await session.check().catch(() => session.check())) === 'changed') return
        await this.#keepPinholes(router, signal)
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

  #listensNowhere(): boolean {
    return this.#wanted().length + this.#wantedAt6().length === 0
  }

  #wantedAt6(): Wanted[] {
    return wantedPinholes(this.#components.transportManager.getAddrs())
  }

  #wanted(): Wanted[] {
    return wantedPorts(this.#components.transportManager.getAddrs())
  }
}

/** What is wrong with the router as a whole. */
function codeOf(error: unknown): RouterCode {
  if (!(error instanceof MappingError)) return 'no-answer'
  return isOfPort(error.code) ? 'no-answer' : error.code
}

function isOfPort(code: MappingCode): code is Exclude<MappingCode, RouterCode> {
  return code === 'refused' || code === 'conflict' || code === 'pinholes-forbidden'
}

function problem(code: 'nothing-to-map' | 'private-gateway'): MappingError {
  return new MappingError(code, CAUSES[code])
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await delay(seconds * 1000, undefined, { signal }).catch(() => {})
}
