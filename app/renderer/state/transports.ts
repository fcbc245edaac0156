import type { AddressInfo, MappedPort, Status } from '../../shared/api.ts'

export const TRANSPORTS = ['tcp', 'quic', 'ws', 'webrtcDirect'] as const
export type TransportName = (typeof TRANSPORTS)[number]

/**
 * How a transport stands: switched `off` by the settings; `closed`: nothing listens although it should; `local`: in
 * this network only; the others as of its best public address.
 */
export type TransportState =
  'off' | 'closed' | 'local' | 'unreachable' | 'unconfirmed' | 'mapped' | 'given' | 'verified'

export interface TransportSummary {
  name: TransportName
  state: TransportState
  /** Those it listens on, or would be reached by from outside. */
  ports: number[]
  /** What the router does for it. */
  mapping?: MappedPort
}

const OF: Record<string, TransportName> = {
  tcp: 'tcp',
  'quic-v1': 'quic',
  ws: 'ws',
  wss: 'ws',
  'webrtc-direct': 'webrtcDirect'
}

/** `value` gives the settings by their keys. */
export function transportsOf(
  { addresses, mapping }: Pick<Status, 'addresses' | 'mapping'>,
  value: (key: string) => unknown
): TransportSummary[] {
  return TRANSPORTS.map(name => {
    const own = addresses.filter(({ transport }) => OF[transport] === name)
    const state = value(`${name}.enabled`) === false ? 'off' : stateOf(own)
    const port = mapping.ports.find(({ transport }) => transport === name)
    const ports = [...new Set(own.map(portOf).filter(each => each !== undefined))]
    return { name, state, ports, ...(port !== undefined && { mapping: port }) }
  })
}

function stateOf(addresses: readonly AddressInfo[]): TransportState {
  if (addresses.length === 0) return 'closed'
  const states = new Set(addresses.filter(address => address.public).map(({ state }) => state))
  for (const state of ['verified', 'given', 'mapped'] as const) if (states.has(state)) return state
  if (states.has('listening')) return 'unconfirmed'
  return states.has('unreachable') ? 'unreachable' : 'local'
}

export function portOf({ address }: Pick<AddressInfo, 'address'>): number | undefined {
  const [, port] = /\/(?:tcp|udp)\/(\d+)/.exec(address) ?? []
  return port === undefined ? undefined : Number(port)
}

/** The IP address that a multiaddr begins with. */
export function ipOf(address: string | undefined): string | undefined {
  // Over a relay the address at the beginning is the relay's.
  if (address?.includes('/p2p-circuit') !== false) return undefined
  return /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
}
