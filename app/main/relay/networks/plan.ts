import { RELAY_NAMESPACE, type NetworkSetting } from '../../../shared/network-link.ts'
import type { Settings } from '../../../shared/settings.ts'

/** A network as the node runs it. */
export interface NetworkPlan extends NetworkSetting {
  /** That of dht.protocol and dht.bootstrap: the first, and the only one that is fixed while the node runs. */
  own: boolean
  allow: string[]
}

/**
 * The networks of the settings, the node's own first. It has no entry of its own where one of `networks` speaks its
 * protocol: both are one DHT then, and that entry's name is the better one.
 */
export function plansOf(settings: Settings): NetworkPlan[] {
  const { networks } = settings
  const protocol = settings['dht.protocol']
  const plans = networks.map(network => ({ ...network, own: false, allow: network.allow ?? [] }))
  if (plans.some(({ dht }) => dht === protocol)) return plans
  const own = {
    name: protocol,
    dht: protocol,
    own: true,
    bootstrap: [...settings['dht.bootstrap']],
    namespaces: [RELAY_NAMESPACE],
    allow: []
  }
  return [own, ...plans]
}

/** All peers to join any network through. */
export function bootstrapOf(settings: Settings): string[] {
  return [...settings['dht.bootstrap'], ...settings.networks.flatMap(({ bootstrap }) => bootstrap)]
}

/** What each network's circuits may have together, in bytes a second and each direction; only those with a share. */
export function networkRatesOf(settings: Settings): ReadonlyMap<string, number> {
  const total = settings['relay.rate.totalBytesPerSecond']
  const rates = new Map<string, number>()
  for (const { name, sharePercent } of settings.networks) {
    if (sharePercent !== undefined && total > 0)
      rates.set(name, Math.max(1, Math.floor((total * sharePercent) / 100)))
  }
  return rates
}
