import type { Multiaddr } from '@multiformats/multiaddr'
import type { Settings } from '../../../shared/settings.ts'
import { transportOf } from '../addresses.ts'
import { describeFailure, listenAddresses, secureAddresses, type ListenFailure } from '../listening.ts'
import { familyOf, portOf, type Way, type WayFailure } from './facts.ts'

/** The ways in that the settings ask for, each transport once in each family. */
export function waysOf(settings: Settings): Way[] {
  const ways = [...listenAddresses(settings), ...secureAddresses(settings)].map(wayOf)
  return [...new Map(ways.map(way => [`${way.transport} ${way.family}`, way])).values()]
}

function wayOf(address: Multiaddr): Way {
  const text = address.toString()
  const protocol = text.includes('/udp/') ? 'udp' : 'tcp'
  return { transport: transportOf(address), family: familyOf(text), protocol, port: portOf(text) ?? 0 }
}

export function wayFailureOf(failure: ListenFailure): WayFailure {
  const { error, noSuchFamily } = describeFailure(failure)
  const { transport, family } = wayOf(failure.address)
  return { transport, family, cause: error.message, noSuchFamily }
}
