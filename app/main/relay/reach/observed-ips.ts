import { ipNetwork, isPublicIp } from '../../net/ip.ts'

/** Networks whose word on our IP address is kept. */
const MOST_NETWORKS = 256
/** So many networks must name the same IP address before it is worth trying: nobody alone makes us do that. */
const NEEDED = 2
/** A machine with more ways out than this is told by its settings what to announce. */
const MOST_IPS = 2

/**
 * The public IPv4 addresses that peers see this node come from: where its router, or its provider's one-to-one NAT,
 * has it. Only the address: the port they see is that of one outgoing connection. (IPv6 has no such NAT.)
 */
export class ObservedIps {
  readonly #seen = new Map<string, string>()
  /** Networks that said so before the machine was in another network. */
  readonly #old = new Set<string>()

  /** `ip` is what the peer saw, `witness` the peer's own. True where an address is believed that was not before. */
  add(ip: string, witness: string): boolean {
    if (ip.includes(':') || !isPublicIp(ip) || !isPublicIp(witness)) return false
    const before = this.believed()
    const network = ipNetwork(witness)
    this.#seen.delete(network)
    this.#old.delete(network)
    this.#seen.set(network, ip)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > MOST_NETWORKS && oldest !== undefined) {
      this.#seen.delete(oldest)
      this.#old.delete(oldest)
    }
    return this.believed().some(each => !before.includes(each))
  }

  /** The machine is in another network: what was said counts only until others have said something again. */
  renew(): void {
    for (const network of this.#seen.keys()) this.#old.add(network)
  }

  /** The best known first. */
  believed(): string[] {
    const all = [...this.#seen]
    const fresh = mostNamed(all.filter(([network]) => !this.#old.has(network)))
    return fresh.length > 0 ? fresh : mostNamed(all)
  }
}

function mostNamed(seen: readonly (readonly [network: string, ip: string])[]): string[] {
  const counts = new Map<string, number>()
  for (const [, ip] of seen) counts.set(ip, (counts.get(ip) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count >= NEEDED)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_IPS)
    .map(([ip]) => ip)
}
