import type { PowerState } from '../../shared/api.ts'
import type { PowerFact } from './power-source.ts'

type Value = PowerState[PowerFact]

/** A cable that is pulled for a moment, or a video that fills the screen for one, puts no node to sleep. */
const HOLDS_AFTER_MS = 30_000
/** What lets go, or is no longer told. */
const LETS_GO_AFTER_MS = 10_000

/**
 * What the system tells, without what lasts for seconds only: a value counts when it has been seen for a while, the
 * first one and the battery's level at once. Pure: who calls has the clock, in milliseconds.
 */
export class Settling {
  readonly #told = new Map<PowerFact, Value>()
  /** Seen, and not yet believed. */
  readonly #waiting = new Map<PowerFact, { value: Value; since: number }>()

  /** Takes what is seen of those facts, and forgets all others. @returns whether what is told is another */
  see(seen: PowerState, facts: ReadonlySet<PowerFact>, now: number): boolean {
    const before = JSON.stringify(this.told)
    for (const fact of [...this.#told.keys()].filter(each => !facts.has(each))) {
      this.#told.delete(fact)
      this.#waiting.delete(fact)
    }
    for (const fact of facts) this.#see(fact, seen[fact], now)
    return JSON.stringify(this.told) !== before
  }

  get told(): PowerState {
    const entries = [...this.#told].filter(([, value]) => value !== undefined)
    return Object.fromEntries(entries)
  }

  /** Seen, but not told by the system. */
  get untold(): Set<PowerFact> {
    return new Set([...this.#told].filter(([, value]) => value === undefined).map(([fact]) => fact))
  }

  /** When the next value counts if it is still seen then; what waits. */
  get next(): { at: number; facts: PowerFact[] } | undefined {
    if (this.#waiting.size === 0) return undefined
    const at = Math.min(...[...this.#waiting.values()].map(({ value, since }) => since + waitFor(value)))
    return { at, facts: [...this.#waiting.keys()] }
  }

  #see(fact: PowerFact, value: Value, now: number): void {
    const told = this.#told.get(fact)
    if (value === told && this.#told.has(fact)) return void this.#waiting.delete(fact)
    const waiting = this.#waiting.get(fact)
    const since = waiting !== undefined && waiting.value === value ? waiting.since : now
    const atOnce = !this.#told.has(fact) || (fact === 'batteryPercent' && value !== undefined)
    if (!atOnce && now - since < waitFor(value)) return void this.#waiting.set(fact, { value, since })
    this.#waiting.delete(fact)
    this.#told.set(fact, value)
  }
}

const waitFor = (value: Value): number =>
  value === true || (typeof value === 'string' && value !== '') ? HOLDS_AFTER_MS : LETS_GO_AFTER_MS
