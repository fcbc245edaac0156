import { MappingError } from './causes.ts'
import { defaultGateway6 } from './default-gateway.ts'
import { call, gatewayCodeOf, tag, type Service } from './soap.ts'

/**
 * Pinholes: IPv6 ports that a gateway's firewall lets in (UPnP WANIPv6FirewallControl:1). A gateway opens them only to
 * who asks from the address that they lead to, so the requests go over IPv6, to the same port of the default gateway
 * of IPv6; where none answers there, over IPv4.
 */

export const PINHOLE_SERVICE = 'urn:schemas-upnp-org:service:WANIPv6FirewallControl:1'

/** IANA's numbers. */
const PROTOCOLS = { tcp: 6, udp: 17 } as const
/** Section 2.6. */
const Fault = { FIREWALL_OFF: 702, NOT_ALLOWED: 703, NO_SUCH_ENTRY: 704 } as const
/** Section 2.4.2: a day at most. */
const MOST_LEASE_SECONDS = 86_400

export interface PinholeRequest {
  protocol: 'tcp' | 'udp'
  /** The address of this machine that is reached. */
  ip: string
  port: number
  leaseSeconds: number
}

interface Way {
  localAddress: string
  connectTo?: string | undefined
}

export class PinholeService {
  readonly #service: Service
  readonly #overIp4: Way
  readonly #gateway6: () => Promise<string | undefined>

  /** `localAddress`: the IPv4 address that faces the gateway. */
  constructor(
    service: Service,
    { localAddress, gateway6 = defaultGateway6 }: { localAddress: string; gateway6?: typeof defaultGateway6 }
  ) {
    this.#service = service
    this.#overIp4 = { localAddress }
    this.#gateway6 = gateway6
  }

  /** Opens the firewall, or renews that: the pinhole's id, undefined where no firewall is on. @throws MappingError */
  async open(request: PinholeRequest, signal: AbortSignal): Promise<number | undefined> {
    const { protocol, ip, port, leaseSeconds } = request
    const args = {
      RemoteHost: '',
      RemotePort: 0,
      InternalClient: ip,
      InternalPort: port,
      Protocol: PROTOCOLS[protocol],
      LeaseTime: Math.min(leaseSeconds, MOST_LEASE_SECONDS)
    }
    try {
      const id = Number(tag(await this.#call('AddPinhole', args, ip, signal), 'UniqueID') ?? Number.NaN)
      if (Number.isInteger(id)) return id
    } catch (error) {
      const code = gatewayCodeOf(error)
      if (code === Fault.FIREWALL_OFF) return undefined
      if (code !== Fault.NOT_ALLOWED) throw error
      throw new MappingError('pinholes-forbidden', `UPnP code ${code}`, code)
    }
    throw new MappingError('refused', 'an answer without UniqueID')
  }

  /** Whether it is still there; undefined where the gateway cannot tell. @throws MappingError */
  async holds(id: number, ip: string, signal: AbortSignal): Promise<boolean | undefined> {
    try {
      await this.#call('GetPinholePackets', { UniqueID: id }, ip, signal)
      return true
    } catch (error) {
      const code = gatewayCodeOf(error)
      if (code === 0) throw error
      return code === Fault.NO_SUCH_ENTRY ? false : undefined
    }
  }

  async close(id: number, ip: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call('DeletePinhole', { UniqueID: id }, ip, signal)
    } catch (error) {
      if (gatewayCodeOf(error) !== Fault.NO_SUCH_ENTRY) throw error
    }
  }

  async #call(
    action: string,
    args: Record<string, string | number>,
    ip: string,
    signal: AbortSignal
  ): Promise<string> {
    const gateway = await this.#gateway6()
    if (gateway !== undefined) {
      try {
        const way = { localAddress: ip, connectTo: gateway, signal: half(signal) }
        return await call(this.#service, action, args, way)
      } catch (error) {
        if (!(error instanceof MappingError) || error.code !== 'no-answer' || signal.aborted) throw error
      }
    }
    return call(this.#service, action, args, { ...this.#overIp4, signal })
  }
}

/** A gateway that drops what comes by IPv6 must leave time for the other way. */
const OVER_IP6_MS = 2_000
const half = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(OVER_IP6_MS)])
