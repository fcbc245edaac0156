import type { AddressInfo, MappingInfo, ModeInfo } from '../../../shared/api.ts'
import type { Family, FirewallInfo, SelfTestInfo } from '../../../shared/api/ladder.ts'

/** A way in that the settings ask for. */
export interface Way {
  transport: string
  family: Family
  protocol: 'tcp' | 'udp'
  /** As the settings have it; 0: whichever is free. */
  port: number
}

/** Why a listener of a way could not be opened. */
export interface WayFailure {
  transport: string
  family: Family
  cause: string
  /** The machine has no such family, and goes without it. */
  noSuchFamily: boolean
}

/** All that the ladder is made from. */
export interface LadderFacts {
  mode: ModeInfo
  ways: readonly Way[]
  failures: readonly WayFailure[]
  addresses: readonly AddressInfo[]
  /** Complete multiaddrs. */
  announced: readonly string[]
  mapping: MappingInfo
  /** `joins`: networks or bootstrap peers that the settings name. */
  dht: { enabled: boolean; servers: number; joins: number }
  selfTest: SelfTestInfo
  firewalls: readonly FirewallInfo[]
  /** `ever`: circuits since the start. */
  demand: { reservations: number; circuits: number; ever: number }
}

/** Of a way: the addresses that are its own. */
export interface WayFacts extends Way {
  own: readonly AddressInfo[]
  /** The public address that says most of it, if there is one. */
  best: AddressInfo | undefined
  announced: readonly string[]
  failure: WayFailure | undefined
}

const WORTH: Record<AddressInfo['state'], number> = {
  verified: 0,
  given: 1,
  unreachable: 2,
  mapped: 3,
  listening: 4
}

export function wayFacts(way: Way, { addresses, announced, failures }: LadderFacts): WayFacts {
  const isOwn = ({ transport, family }: { transport: string; family: Family }): boolean =>
    transport === way.transport && family === way.family
  const own = addresses.filter(info => isOwn({ transport: info.transport, family: familyOf(info.address) }))
  const texts = new Set(own.map(({ address }) => address))
  const [best] = own.filter(info => info.public).sort((a, b) => WORTH[a.state] - WORTH[b.state])
  return {
    ...way,
    own,
    best,
    announced: announced.filter(address => texts.has(address)),
    failure: failures.find(isOwn)
  }
}

/** A name counts as IPv4 unless it says otherwise. */
export function familyOf(address: string): Family {
  return /^\/(ip6|dns6)\//.test(address) ? 'ip6' : 'ip4'
}

export function portOf(address: string): number | undefined {
  const [, port] = /\/(?:tcp|udp)\/(\d+)/.exec(address) ?? []
  return port === undefined ? undefined : Number(port)
}

export function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/::1\//.test(address)
}
