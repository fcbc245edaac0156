/** What a circuit has carried so far, both directions together. */
export interface Carried {
  id: number
  source: string
  target: string
  bytes: number
}

/** Beyond, peers are still counted as one that has used nothing. */
const MOST_PEERS = 10_000

/**
 * Who has had how much of the last part of a quota. Each peer's fair share is that part, divided among the pairs of
 * peers that have had circuits since it began: two peers alone may use all of it, and as more come their shares
 * shrink. A peer that has had its share, as dialer or as listener, gets no new circuits; those it has go on.
 */
export class FairShare {
  readonly #bytes = new Map<string, number>()
  readonly #counted = new Map<number, number>()

  /** Counts what circuits carried since they were last seen; the first look at one counts nothing. */
  sample(circuits: Iterable<Carried>): void {
    const gone = new Set(this.#counted.keys())
    for (const circuit of circuits) {
      gone.delete(circuit.id)
      this.#add(circuit, circuit.bytes - (this.#counted.get(circuit.id) ?? circuit.bytes))
      this.#counted.set(circuit.id, circuit.bytes)
    }
    for (const id of gone) this.#counted.delete(id)
  }

  /** A circuit has begun: all it carries counts. */
  began({ id, source, target }: Omit<Carried, 'bytes'>): void {
    this.#counted.set(id, 0)
    this.#add({ source, target }, 0)
  }

  ended(circuit: Carried): void {
    this.#add(circuit, circuit.bytes - (this.#counted.get(circuit.id) ?? circuit.bytes))
    this.#counted.delete(circuit.id)
  }

  /** Whether one of the two has had its share of that many relayed bytes. */
  isOver(peers: readonly [string, string], bytesToShare: number): boolean {
    const newcomers = new Set(peers.filter(peer => !this.#bytes.has(peer))).size
    const pairs = Math.max(1, (this.#bytes.size + newcomers) / 2)
    return peers.some(peer => (this.#bytes.get(peer) ?? 0) > bytesToShare / pairs)
  }

  /** The last part is over, or has not begun. */
  clear(): void {
    this.#bytes.clear()
    this.#counted.clear()
  }

  #add({ source, target }: Pick<Carried, 'source' | 'target'>, bytes: number): void {
    for (const peer of new Set([source, target])) {
      const had = this.#bytes.get(peer)
      if (had !== undefined || this.#bytes.size < MOST_PEERS) this.#bytes.set(peer, (had ?? 0) + bytes)
    }
  }
}
