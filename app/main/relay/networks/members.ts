import { AccessList } from '../../net/ip.ts'
import type { NetworkPlan } from './plan.ts'

/** Which network a peer is of, and whether that lets it use the relay. */
export interface Member {
  /** None: it is of no network, or not known to be. */
  network?: string
  allowed: boolean
}

interface Listed {
  plan: NetworkPlan
  allow: AccessList
}

const NO_MEMBER: Member = { allowed: true }

/**
 * Which connected peer is of which network: of the first whose allow-list names it, else of the first whose DHT it
 * speaks: as a server it says so in identify, as a client it has asked this node something in it.
 */
export class Members {
  #networks: Listed[] = []
  #protocols = new Set<string>()
  /** By peer, the DHTs that it speaks. */
  readonly #spoken = new Map<string, Set<string>>()

  setPlans(plans: readonly NetworkPlan[]): void {
    this.#networks = plans.map(plan => ({ plan, allow: new AccessList(plan.allow) }))
    this.#protocols = new Set(plans.map(({ dht }) => dht))
  }

  /** What a peer can do, as it says by identify. True if that told something new. */
  identified(peer: string, protocols: readonly string[]): boolean {
    return (
      protocols.filter(protocol => this.#protocols.has(protocol) && this.speaks(peer, protocol)).length > 0
    )
  }

  /** A connected peer has used a DHT. True if that was not known. */
  speaks(peer: string, protocol: string): boolean {
    const known = this.#spoken.get(peer)
    if (known === undefined) this.#spoken.set(peer, new Set([protocol]))
    else if (known.has(protocol)) return false
    else known.add(protocol)
    return true
  }

  /** It has left. */
  forget(peer: string): void {
    this.#spoken.delete(peer)
  }

  of(peer: string, ip: string | undefined): Member {
    const listed = this.#networks.find(({ allow }) => allow.size > 0 && allow.matches({ peer, ip }))
    if (listed !== undefined) return { network: listed.plan.name, allowed: true }
    const spoken = this.#spoken.get(peer)
    if (spoken === undefined) return NO_MEMBER
    const speaking = this.#networks.filter(({ plan }) => spoken.has(plan.dht))
    // One that is open to all lets it in, whatever another would say.
    const open = speaking.find(({ allow }) => allow.size === 0)
    if (open !== undefined) return { network: open.plan.name, allowed: true }
    return speaking[0] === undefined ? NO_MEMBER : { network: speaking[0].plan.name, allowed: false }
  }
}
