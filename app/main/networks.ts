import type { NetworkInfo, Networks } from '../shared/api.ts'
import { networkLink } from '../shared/network-link.ts'
import type { Settings } from '../shared/settings.ts'
import type { NetworkCounters } from './observe/network-counters.ts'
import type { NetworkNow } from './relay/networks/networks.ts'
import { plansOf } from './relay/networks/plan.ts'

/** The networks of a node, and what it did for each; while it sleeps, those of its settings. */
export function networksOf(
  settings: Settings,
  node: { readonly networks: NetworkNow[] } | undefined,
  served: Pick<NetworkCounters, 'of'>
): Networks {
  const now = node?.networks ?? plansOf(settings).map(asleep)
  return {
    networks: now.map(each => ({ ...infoOf(each), served: served.of(each.plan.name) })),
    other: served.of()
  }
}

type Now = Omit<NetworkNow, 'code'> & Pick<NetworkInfo, 'code'>

function infoOf({ plan, namespaces, ...now }: Now): Omit<NetworkInfo, 'served'> {
  const { own, name, dht, bootstrap, allow, sharePercent } = plan
  const provided = namespaces.flatMap(({ lastProvidedAt }) => lastProvidedAt ?? []).sort()
  const lastProvidedAt = provided.at(-1)
  return {
    ...{ name, dht, own, bootstrap, allow, namespaces },
    ...now,
    ...(sharePercent !== undefined && { sharePercent }),
    recordsProvided: namespaces.reduce((sum, { records }) => sum + records, 0),
    ...(lastProvidedAt !== undefined && { lastProvidedAt }),
    // A name of its own is what its makers would give it.
    ...(!own && bootstrap.length > 0 && { link: networkLink(plan) })
  }
}

const asleep = (plan: NetworkNow['plan']): Now => ({
  plan,
  state: 'off',
  code: 'asleep',
  cause: 'The node is asleep: it is in no network now.',
  since: new Date().toISOString(),
  dhtSize: 0,
  namespaces: []
})
