import { isPublicIp } from '../../net/ip.ts'
import { CAUSES, MappingError } from './causes.ts'
import { defaultGateway } from './default-gateway.ts'
import { igdAt } from './igd.ts'
import { addressFacing, NatPmp } from './nat-pmp.ts'
import type { Router } from './router.ts'
import { searchGateways } from './ssdp.ts'

export interface SearchOptions {
  /** How long UPnP gateways have to answer. */
  searchSeconds: number
  requestSeconds: number
}

/** The router to ask: by UPnP, or by NAT-PMP where nobody answers to UPnP. @throws MappingError */
export async function findRouter(options: SearchOptions, signal: AbortSignal): Promise<Router> {
  const gateway = await defaultGateway()
  const igdFound = new AbortController()
  const natPmp = natPmpAt(gateway, AbortSignal.any([signal, igdFound.signal]))
  // Its failure counts only if there is no other router.
  natPmp.catch(() => {})
  const igd = await findIgd(gateway, options, signal)
  if (igd === undefined) return natPmp
  igdFound.abort()
  return igd
}

/** The default gateway as soon as it has answered; of others, the first. */
async function findIgd(
  gateway: string | undefined,
  { searchSeconds, requestSeconds }: SearchOptions,
  signal: AbortSignal
): Promise<Router | undefined> {
  const searched = AbortSignal.any([signal, AbortSignal.timeout(searchSeconds * 1000)])
  let first: Router | undefined
  for await (const location of searchGateways(gateway, searched)) {
    const described = AbortSignal.any([signal, AbortSignal.timeout(requestSeconds * 1000)])
    // One that answers and cannot describe itself is as good as none.
    const router = await describedAt(location, described).catch(() => undefined)
    if (router !== undefined && router.address === gateway) return router
    first ??= router
  }
  return first
}

/** A machine in two networks may be answered in the one for what it asked in the other; a router knows only its own. */
async function describedAt(location: URL, signal: AbortSignal): Promise<Router | undefined> {
  return igdAt(location, { localAddress: await addressFacing(location.hostname) }, signal)
}

async function natPmpAt(gateway: string | undefined, signal: AbortSignal): Promise<Router> {
  const nobody = new MappingError('no-gateway', CAUSES['no-gateway'])
  // A gateway with a public address is the provider's, not a router of this network.
  if (gateway === undefined || isPublicIp(gateway)) throw nobody
  const router = await NatPmp.at(gateway)
  try {
    await router.externalIp(signal)
    return router
  } catch (error) {
    throw error instanceof MappingError && error.code === 'no-answer' ? nobody : error
  }
}
