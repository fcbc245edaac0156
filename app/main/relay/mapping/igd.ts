import { isIPv4 } from 'node:net'
import { CAUSES, MappingError } from './causes.ts'
import { PINHOLE_SERVICE, PinholeService } from './pinhole-service.ts'
import type { Lease, Mapping, MapRequest, Router } from './router.ts'
import { call, gatewayCodeOf, http, tag, type Service } from './soap.ts'
import { urlOf } from './ssdp.ts'

/**
 * A UPnP Internet Gateway Device, version 1 or 2 (WANIPConnection:1 and :2, WANPPPConnection:1). It stands where
 * @libp2p/upnp-nat would use @achingbrain/nat-port-mapper's, which knows version 2 alone and removes no mapping
 * (test/upstream/upnp-nat.test.ts).
 */

const FORWARDING_SERVICES = ['WANIPConnection:2', 'WANIPConnection:1', 'WANPPPConnection:1'].map(
  name => `urn:schemas-upnp-org:service:${name}`
)
/** What people see in their router's list. */
const DESCRIPTION = 'Waystation'
/** Other external ports tried where the router leaves the choice to us. */
const OTHER_PORTS = 5
const DYNAMIC_PORTS = { first: 49_152, count: 16_384 }

/** WANIPConnection:2, section 2.5. */
const Fault = {
  NO_SUCH_ENTRY: 714,
  CONFLICT: 718,
  ONLY_PERMANENT: 725,
  OTHER_MECHANISM: 729
} as const

/** Somebody else has the port: another may be free. */
const TAKEN: readonly number[] = [Fault.CONFLICT, Fault.OTHER_MECHANISM]

export interface IgdOptions {
  localAddress: string
  /** A number from 0 to 1, for other external ports. */
  random?: () => number
}

/** The gateway described at that place; undefined if it forwards no ports. @throws MappingError */
export async function igdAt(
  location: URL,
  options: IgdOptions,
  signal: AbortSignal
): Promise<Router | undefined> {
  const { body } = await http(location, { method: 'GET', localAddress: options.localAddress, signal })
  const services = servicesOf(body, location)
  const [pinholes] = servicesOf(body, location, [PINHOLE_SERVICE])
  let router: Igd | undefined
  for (const service of services) {
    const candidate = new Igd(service, pinholes, options)
    router ??= candidate
    // A DSL router offers a service for each way out: the one that has an address is in use.
    if (services.length === 1 || (await candidate.hasAddress(signal))) return candidate
  }
  return router
}

/** The services of those types in a device description, in the order of the types: those that forward ports. */
export function servicesOf(
  description: string,
  location: URL,
  types: readonly string[] = FORWARDING_SERVICES
): Service[] {
  const base = urlOf(tag(description, 'URLBase') ?? '') ?? location
  const texts = description.split('<service>').slice(1)
  const found = texts.flatMap(text => {
    const type = tag(text, 'serviceType') ?? ''
    const control = urlOf(tag(text, 'controlURL') ?? '', base)
    // To another host we were not invited.
    const isOwn = control?.protocol === 'http:' && control.hostname === location.hostname
    return isOwn && types.includes(type) ? [{ type, control }] : []
  })
  return found.sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type))
}

class Igd implements Router {
  readonly protocol = 'upnp'
  readonly address: string
  readonly localAddress: string
  readonly #service: Service
  readonly #random: () => number
  readonly pinholes: PinholeService | undefined

  constructor(service: Service, pinholes: Service | undefined, options: IgdOptions) {
    const { localAddress, random = Math.random } = options
    this.#service = service
    this.pinholes = pinholes && new PinholeService(pinholes, { localAddress })
    this.address = service.control.hostname
    this.localAddress = localAddress
    this.#random = random
  }

  async hasAddress(signal: AbortSignal): Promise<boolean> {
    return (await this.externalIp(signal).catch(() => undefined)) !== undefined
  }

  async externalIp(signal: AbortSignal): Promise<string> {
    try {
      const answer = await this.#call('GetExternalIPAddress', {}, signal)
      const ip = tag(answer, 'NewExternalIPAddress') ?? ''
      if (isIPv4(ip) && ip !== '0.0.0.0') return ip
    } catch (error) {
      if (gatewayCodeOf(error) === 0) throw error
    }
    throw new MappingError('no-external-address', CAUSES['no-external-address'])
  }

  /**
   * By AddPortMapping, which both versions have, with the choice of another port left to us: AddAnyPortMapping may hand
   * out the port that another mapping of ours has, and take it from that.
   */
  async map(wanted: MapRequest, signal: AbortSignal): Promise<Lease> {
    const others = Array.from({ length: OTHER_PORTS }, () => this.#anyPort())
    for (const externalPort of [wanted.externalPort, ...others]) {
      if (wanted.notPorts.includes(externalPort)) continue
      const seconds = await this.#mapAt({ ...wanted, externalPort }, signal)
      if (seconds !== undefined) return { externalPort, seconds }
    }
    throw new MappingError('conflict', `UPnP code ${Fault.CONFLICT}`, Fault.CONFLICT)
  }

  /** For how long it is forwarded; undefined if the port is somebody else's. */
  async #mapAt(wanted: MapRequest, signal: AbortSignal): Promise<number | undefined> {
    try {
      await this.#call('AddPortMapping', this.#entry(wanted), signal)
      return wanted.leaseSeconds === 0 ? Infinity : wanted.leaseSeconds
    } catch (error) {
      const code = gatewayCodeOf(error)
      if (TAKEN.includes(code)) return undefined
      if (code !== Fault.ONLY_PERMANENT || wanted.leaseSeconds === 0) throw error
      return this.#mapAt({ ...wanted, leaseSeconds: 0 }, signal)
    }
  }

  async holds(
    { protocol, internalPort, externalPort }: Mapping,
    signal: AbortSignal
  ): Promise<boolean | undefined> {
    const key = { NewRemoteHost: '', NewExternalPort: externalPort, NewProtocol: protocol.toUpperCase() }
    try {
      const entry = await this.#call('GetSpecificPortMappingEntry', key, signal)
      return (
        tag(entry, 'NewInternalClient') === this.localAddress &&
        Number(tag(entry, 'NewInternalPort')) === internalPort
      )
    } catch (error) {
      const code = gatewayCodeOf(error)
      if (code === Fault.NO_SUCH_ENTRY) return false
      if (code > 0) return undefined
      throw error
    }
  }

  async unmap({ protocol, externalPort }: Mapping, signal: AbortSignal): Promise<void> {
    const key = { NewRemoteHost: '', NewExternalPort: externalPort, NewProtocol: protocol.toUpperCase() }
    try {
      await this.#call('DeletePortMapping', key, signal)
    } catch (error) {
      if (gatewayCodeOf(error) !== Fault.NO_SUCH_ENTRY) throw error
    }
  }

  #anyPort(): number {
    return DYNAMIC_PORTS.first + Math.floor(this.#random() * DYNAMIC_PORTS.count)
  }

  #entry({
    protocol,
    internalPort,
    externalPort,
    leaseSeconds
  }: MapRequest): Record<string, string | number> {
    return {
      NewRemoteHost: '',
      NewExternalPort: externalPort,
      NewProtocol: protocol.toUpperCase(),
      NewInternalPort: internalPort,
      NewInternalClient: this.localAddress,
      NewEnabled: 1,
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: leaseSeconds
    }
  }

  #call(action: string, args: Record<string, string | number>, signal: AbortSignal): Promise<string> {
    return call(this.#service, action, args, { localAddress: this.localAddress, signal })
  }
}
