/**
 * Why ports are not forwarded, in words that change for no reason, and in sentences for people. No sentence holds an
 * address: they stand in logs too.
 */
export type MappingCode =
  | 'no-gateway'
  | 'no-answer'
  | 'no-external-address'
  | 'private-gateway'
  | 'refused'
  | 'conflict'
  | 'nat-pmp-refused'
  | 'pinholes-forbidden'
  | 'nothing-to-map'

/** What can be wrong with the router as a whole. */
export type RouterCode = Exclude<MappingCode, 'conflict' | 'refused' | 'pinholes-forbidden'>

const BY_HAND = 'or forward the ports in the router by hand and set announceIp'

/** What is wrong with the router as a whole. A port's own trouble is said by `portCause`. */
export const CAUSES: Record<RouterCode, string> = {
  'no-gateway': `No router answered by UPnP or NAT-PMP: it is switched off there, or a firewall here drops the answers (UDP from port 1900 and 5351). Switch UPnP on in the router, ${BY_HAND}.`,
  'no-answer':
    'The router has stopped answering. It is looked for again; if it stays silent, look whether UPnP is still on.',
  'no-external-address':
    'The router has no public address to forward from: it is not connected, or stands behind another router. It is asked again; if this stays, look at the address on its status page.',
  'private-gateway': `The router's own address is private: there is another router or the provider's NAT in front of it, and nobody outside gets through. Use this router as a bridge, switch UPnP on in both, or ask the provider for a public address.`,
  'nat-pmp-refused': `The router refuses NAT-PMP, and does not answer by UPnP. Switch one of them on in the router, ${BY_HAND}.`,
  'nothing-to-map':
    'No transport listens on a private IPv4 address, so there is nothing for a router to forward.'
}

/** A fault that a router, or the way to it, has put in our way. */
export class MappingError extends Error {
  readonly code: MappingCode
  /** The router's own code: of UPnP, or the result code of NAT-PMP. */
  readonly gatewayCode: number | undefined

  constructor(code: MappingCode, message: string, gatewayCode?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'MappingError'
    this.code = code
    this.gatewayCode = gatewayCode
  }
}

interface AskedPort {
  protocol: 'tcp' | 'udp'
  internalPort: number
}

/** What a person should know and do about one port. */
export function portCause({ protocol, internalPort }: AskedPort, error: MappingError): string {
  const port = `${protocol.toUpperCase()} port ${internalPort}`
  switch (error.code) {
    case 'conflict':
      return `The router gives ${port} and others that were tried to another device. Set another port, or remove that device's forwarding.`
    case 'refused':
      return `The router refused to forward ${port} (${error.message}). Allow it in the router's settings, ${BY_HAND}.`
    case 'nat-pmp-refused':
      return `The router refused to forward ${port} by NAT-PMP (${error.message}). Allow it in the router's settings, ${BY_HAND}.`
    case 'pinholes-forbidden':
      return pinholeCause({ protocol, internalPort }, error)
    default:
      return CAUSES[error.code]
  }
}

/** The router chose, or was asked for, another port, because the own one is another device's. */
export function otherPortCause({ protocol, internalPort }: AskedPort, externalPort: number): string {
  return `${protocol.toUpperCase()} port ${internalPort} of the router belongs to another device; ${externalPort} is forwarded instead.`
}

/** What a person should know and do about one IPv6 port. */
export function pinholeCause({ protocol, internalPort }: AskedPort, { code, message }: MappingError): string {
  const port = `${protocol.toUpperCase()} port ${internalPort}`
  const mend = `Let ${port} in to this machine by hand, in the IPv6 firewall of the router.`
  if (code === 'no-answer') return CAUSES['no-answer']
  if (code === 'pinholes-forbidden') {
    return `The router's IPv6 firewall is on, and lets no program open it. Allow that there ("pinholes", UPnP for IPv6). Or: ${mend}`
  }
  return `The router refused to let IPv6 in to ${port} (${message}). ${mend}`
}
