import { noTally, type Tally } from './amounts.ts'
import type { Store } from './store.ts'
import { decodeTally, encodeTally } from './tally-text.ts'

/** The tallies of a store, by key; those that were changed wait here until `settle` gives them to it as texts. */
export class Tallies {
  readonly #store: Store
  readonly #changed = new Map<string, Tally>()

  constructor(store: Store) {
    this.#store = store
  }

  /** To be read only. */
  get(key: string): Tally {
    const tally = this.#changed.get(key)
    if (tally !== undefined) return tally
    const text = this.#store.get(key)
    return text === undefined ? noTally() : decodeTally(text)
  }

  /** To be changed in place. */
  toChange(key: string): Tally {
    const tally = this.get(key)
    this.#changed.set(key, tally)
    return tally
  }

  settle(): void {
    for (const [key, tally] of this.#changed) this.#store.set(key, encodeTally(tally))
    this.#changed.clear()
  }
}
