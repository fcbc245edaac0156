import type { Outcome, Version } from './autonat.ts'

/**
 * What peers said of one address, and what that comes to. A peer counts for its network: many peers of one network
 * are one voice.
 *
 * A dial back with our nonce (AutoNAT v2) is proof; an OK (v1) is somebody's word, and worth half of it.
 */
const WORTH: Record<Version, number> = { v1: 1, v2: 2 }
/** For an address that this machine or its router has. */
const NEEDED = 2
/** For one that only peers told us of: they could name somebody else's. */
const NEEDED_OBSERVED = 4
/** So many networks in a row must fail. One or two that fail may have a bad network themselves. */
const FAILURES = 3
/** Whoever said something longer ago says nothing any more. */
const MEMORY_MS = 60 * 60_000

export type Verdict = 'unknown' | 'reachable' | 'unreachable'

interface Said {
  via: Version
  atMs: number
}

export class Evidence {
  readonly #needed: number
  readonly #reached = new Map<string, Said>()
  /** Since the last success. */
  readonly #failed = new Map<string, Said>()
  #verdict: Verdict = 'unknown'

  constructor({ observed }: { observed: boolean }) {
    this.#needed = observed ? NEEDED_OBSERVED : NEEDED
  }

  get verdict(): Verdict {
    return this.#verdict
  }

  /** Whether the latest answers contradict the verdict, so that more are wanted soon. */
  get isDoubtful(): boolean {
    if (this.#verdict === 'reachable') return this.#failed.size > 0
    return this.#verdict === 'unknown' || this.#reached.size > 0
  }

  add(network: string, via: Version, outcome: Exclude<Outcome, 'none'>, nowMs: number): void {
    for (const said of [this.#reached, this.#failed]) forget(said, nowMs - MEMORY_MS)
    if (outcome === 'reached') {
      this.#failed.clear()
      this.#reached.set(network, { via, atMs: nowMs })
      const worth = [...this.#reached.values()].reduce((sum, said) => sum + WORTH[said.via], 0)
      if (worth >= this.#needed) this.#verdict = 'reachable'
    } else {
      this.#failed.set(network, { via, atMs: nowMs })
      if (this.#failed.size < FAILURES) return
      this.#verdict = 'unreachable'
      this.#reached.clear()
    }
  }

  /** In plain words; `port` is such as `TCP port 4001`. */
  cause(port: string): string {
    const reached = this.#reached.size
    const failed = this.#failed.size
    switch (this.#verdict) {
      case 'reachable':
        return `${peers(reached)} reached it (${versions(this.#reached)}).`
      case 'unreachable': {
        const mend = `Forward ${port} to this machine in the router, and let it through the firewall.`
        return `${peers(failed)} could not reach it (${versions(this.#failed)}). ${mend}`
      }
      case 'unknown':
        if (failed > 0) return `${peers(failed)} could not reach it; ${FAILURES} must fail to be sure.`
        if (reached > 0) return `${peers(reached)} reached it; more must to be sure.`
        return 'No peer has tried to reach it yet.'
    }
  }
}

function forget(said: Map<string, Said>, beforeMs: number): void {
  for (const [network, { atMs }] of said) if (atMs < beforeMs) said.delete(network)
}

const peers = (count: number): string => (count === 1 ? '1 peer' : `${count} peers of different networks`)

/** `AutoNAT v2`, or `AutoNAT v1: 2, v2: 1` where both took part. */
function versions(said: ReadonlyMap<string, Said>): string {
  const counts = (['v1', 'v2'] as const)
    .map(via => ({ via, count: [...said.values()].filter(one => one.via === via).length }))
    .filter(({ count }) => count > 0)
  const [first] = counts
  if (counts.length === 1 && first !== undefined) return `AutoNAT ${first.via}`
  return `AutoNAT ${counts.map(({ via, count }) => `${via}: ${count}`).join(', ')}`
}
