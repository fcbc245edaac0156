import { peerIdFromString } from '@libp2p/peer-id'
import { parsePeerRate, type Settings } from '../../shared/settings.ts'
import type { Rates } from './budget/shaper.ts'
import type { ArrivalLimits } from './fast/arrivals.ts'
import { networkRatesOf } from './networks/plan.ts'

/** The relay's limits. Unlimited is Infinity here, and 0 in the settings: this file is the border. */
export interface RelayLimits {
  reservations: { total: number; perIp: number; ttlSeconds: number }
  circuits: { total: number; perPeer: number; durationSeconds: number; bytesEachWay: number }
  rate: Rates
  attempts: { perPeerPerMinute: number; perIpPerMinute: number }
}

const unlimited = (value: number): number => (value === 0 ? Infinity : value)

export function limitsOf(settings: Settings): RelayLimits {
  return {
    reservations: {
      total: unlimited(settings['relay.reservations.total']),
      perIp: unlimited(settings['relay.reservations.perIp']),
      ttlSeconds: settings['relay.reservations.ttlSeconds']
    },
    circuits: {
      total: unlimited(settings['relay.circuits.total']),
      perPeer: unlimited(settings['relay.circuits.perPeer']),
      durationSeconds: unlimited(settings['relay.circuits.durationSeconds']),
      bytesEachWay: unlimited(settings['relay.circuits.bytesEachWay'])
    },
    rate: {
      totalBytesPerSecond: unlimited(settings['relay.rate.totalBytesPerSecond']),
      perPeerBytesPerSecond: unlimited(settings['relay.rate.perPeerBytesPerSecond']),
      perCircuitBytesPerSecond: unlimited(settings['relay.rate.perCircuitBytesPerSecond']),
      networks: networkRatesOf(settings)
    },
    attempts: {
      perPeerPerMinute: unlimited(settings['relay.attempts.perPeerPerMinute']),
      perIpPerMinute: unlimited(settings['relay.attempts.perIpPerMinute'])
    }
  }
}

/** Rates of single peers in bytes a second; of a peer given twice, the last. */
export function peerRatesOf(settings: Settings): ReadonlyMap<string, number> {
  const rates = settings['relay.rate.peers'].map(parsePeerRate).filter(each => each !== undefined)
  return new Map(rates.map(({ peer, bytesPerSecond }) => [peerText(peer), bytesPerSecond]))
}

/** The lists, with each peer as connections know it. */
export function accessOf(settings: Settings): { allow: string[]; deny: string[] } {
  return { allow: settings['access.allow'].map(peerText), deny: settings['access.deny'].map(peerText) }
}

/** A peer id may be given as a CID; connections know it by its other text. Anything else stays as it is. */
function peerText(text: string): string {
  if (!/^(bafz|k51)/.test(text)) return text
  try {
    return peerIdFromString(text).toString()
  } catch {
    return text
  }
}

/**
 * Connections libp2p must be ready for: what the limits allow, some for the DHT, and never over the cap. Limits that
 * were lowered close none of those that are `open`: libp2p would take those of listeners that wait.
 */
export function connectionsFor(settings: Settings, open = 0): { total: number; perIpPerSecond: number } {
  const limits = limitsOf(settings)
  const cap = unlimited(settings['connections.total'])
  const needed = limits.reservations.total + 2 * limits.circuits.total + 512
  const perIp = Math.min(limits.reservations.perIp, limits.attempts.perIpPerMinute)
  return {
    total: Math.min(cap, Math.max(needed, open)),
    // A burst of a hundred a second from one address (a NAT, a proxy) is ordinary for a relay.
    perIpPerSecond: perIp === Infinity ? Infinity : Math.max(100, perIp * 4)
  }
}

/** The same bounds as libp2p has for connections that are finished. */
export function arrivalsOf(settings: Settings): ArrivalLimits {
  const { total, perIpPerSecond } = connectionsFor(settings)
  return { pending: total, perIpPerSecond }
}
