import type { PinholeService } from './pinhole-service.ts'

/** A router that forwards ports, whichever protocol it speaks. Every call throws MappingError; a signal bounds it. */
export interface Router {
  readonly protocol: 'upnp' | 'nat-pmp'
  /** The router's own address in the local network. */
  readonly address: string
  /** The address of this machine that faces it: the only one it forwards to. */
  readonly localAddress: string
  /** Where it can be asked to let IPv6 in. */
  readonly pinholes?: PinholeService | undefined
  externalIp(signal: AbortSignal): Promise<string>
  /** Forwards a port, or renews that; the external port may be another than the one asked for. */
  map(request: MapRequest, signal: AbortSignal): Promise<Lease>
  /** Whether it still forwards the port to us; undefined where it cannot be asked. */
  holds(mapping: Mapping, signal: AbortSignal): Promise<boolean | undefined>
  unmap(mapping: Mapping, signal: AbortSignal): Promise<void>
}

export interface Mapping {
  protocol: 'tcp' | 'udp'
  internalPort: number
  externalPort: number
}

export interface MapRequest extends Mapping {
  /** External ports that are ours already: to ask for one of them again would take it from there. */
  notPorts: readonly number[]
  leaseSeconds: number
}

export interface Lease {
  externalPort: number
  /** Infinity: until the router restarts. */
  seconds: number
}
