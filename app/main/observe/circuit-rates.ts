import type { BothWays } from '../../shared/api.ts'

const WINDOW_MS = 10_000

/** What is looked at: the bytes of a circuit so far. */
interface Counted {
  id: number
  bytes: BothWays
}

interface Sample extends BothWays {
  at: number
}

/** The rate of each running circuit over the last 10 s, from samples a second apart. */
export class CircuitRates {
  #samples = new Map<number, Sample[]>()

  /** `now`: milliseconds of a monotonic clock. Circuits that are not among those given have ended. */
  sample(now: number, circuits: Iterable<Counted>): void {
    const next = new Map<number, Sample[]>()
    for (const { id, bytes } of circuits) {
      const samples = this.#samples.get(id) ?? []
      samples.push({ at: now, ...bytes })
      // The one just outside stays: the window begins there.
      while ((samples[1]?.at ?? now) <= now - WINDOW_MS) samples.shift()
      next.set(id, samples)
    }
    this.#samples = next
  }

  /** Bytes a second; for a circuit younger than the window, over its life. */
  rateOf(now: number, since: number, { id, bytes }: Counted): BothWays {
    const first = this.#samples.get(id)?.[0]
    const young = now - since <= WINDOW_MS || first === undefined
    const from = young ? { at: since, toTarget: 0, toSource: 0 } : first
    const seconds = Math.max(now - from.at, 1000) / 1000
    return {
      toTarget: Math.round((bytes.toTarget - from.toTarget) / seconds),
      toSource: Math.round((bytes.toSource - from.toSource) / seconds)
    }
  }
}
