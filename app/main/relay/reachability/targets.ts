import type { AddressInfo } from '../../../shared/api.ts'
import { familyOf, isLoopback, portOf, type Way } from './facts.ts'
import type { TrialTarget } from './trial-clients.ts'

export interface TargetFacts {
  ways: readonly Way[]
  addresses: readonly AddressInfo[]
  announced: readonly string[]
}

const isIp = (address: string): boolean => /^\/ip[46]\//.test(address)
const isRelayable = ({ transport }: Way): boolean => transport !== 'webrtc-direct'

/**
 * What the self-test dials: nobody but this node, at addresses that are its own. An address that begins with a name is not
 * asked a name server for: secure WebSocket, whose certificate is for a name, goes by it to this machine (see
 * `namesMean`), and the others are tried where they listen.
 */
export function trialTargets({ ways, addresses, announced }: TargetFacts): TrialTarget[] {
  return ways.filter(isRelayable).flatMap(way => {
    const { transport, family } = way
    const own = addresses.filter(info => info.transport === transport && familyOf(info.address) === family)
    const local = listeningAt(own)
    if (local === undefined) return []
    if (transport === 'wss') return secureTarget(way, own, local)
    const texts = new Set(announced)
    const told = own.filter(
      ({ address, state }) =>
        texts.has(address) && isIp(address) && (state === 'given' || !isLoopback(address))
    )
    const [best = undefined] = told.sort((a, b) => Number(b.public) - Number(a.public))
    return [{ transport, family, local, ...(best !== undefined && { announced: best.address }) }]
  })
}

/** Where it listens: on loopback before all others. */
function listeningAt(own: readonly AddressInfo[]): string | undefined {
  const open = own.filter(({ state, address }) => state !== 'mapped' && state !== 'given' && isIp(address))
  const sorted = [...open].sort((a, b) => Number(isLoopback(b.address)) - Number(isLoopback(a.address)))
  return sorted[0]?.address
}

/** No client would take a certificate that is for no name of it; without a name there is nothing to try. */
function secureTarget({ family }: Way, own: readonly AddressInfo[], local: string): TrialTarget[] {
  const named = own.map(({ address }) => /^\/dns[46]?\/([^/]+)\//.exec(address)?.[1]).find(Boolean)
  if (named === undefined) return []
  const peer = /\/p2p\/[^/]+$/.exec(local)?.[0] ?? ''
  const address = `/${family === 'ip6' ? 'dns6' : 'dns4'}/${named}/tcp/${portOf(local)}/tls/ws${peer}`
  return [{ transport: 'wss', family, announced: address, local: address }]
}

/** The IP addresses that names stand for in the self-test: this machine's own. */
export function namesMean({ addresses }: Pick<TargetFacts, 'addresses'>): Record<'ip4' | 'ip6', string> {
  const at = (family: 'ip4' | 'ip6', loopback: string): string => {
    const own = addresses.filter(info => info.transport === 'wss' && familyOf(info.address) === family)
    return listeningAt(own)?.split('/')[2] ?? loopback
  }
  return { ip4: at('ip4', '127.0.0.1'), ip6: at('ip6', '::1') }
}
