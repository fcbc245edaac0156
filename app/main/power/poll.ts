import type { PowerState } from '../../shared/api.ts'
import type { Timing } from '../relay/budget/shaper.ts'
import type { PowerReader } from './power-reader.ts'
import type { PowerFact } from './power-source.ts'

/** Asks one reader again and again, for as long as something that it may tell is needed. */
export class Poll {
  readonly #reader: PowerReader
  readonly #timing: Timing
  readonly #told: () => void
  /** Needed, and what it was asked for of that. */
  #facts: ReadonlySet<PowerFact> = new Set()
  #asked: ReadonlySet<PowerFact> = new Set()
  #seen: PowerState = {}
  #asking: Promise<void> | undefined
  #next: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #unlisten: (() => void) | undefined

  /** `told` is called after each answer. */
  constructor(reader: PowerReader, timing: Timing, told: () => void) {
    this.#reader = reader
    this.#timing = timing
    this.#told = told
  }

  get seen(): PowerState {
    return this.#seen
  }

  tells(fact: PowerFact): boolean {
    return this.#reader.facts.includes(fact)
  }

  /** Whether it was asked for it. */
  hasAsked(fact: PowerFact): boolean {
    return this.#asked.has(fact)
  }

  /** Resolves when it was asked for all of them that it may tell. */
  async need(facts: ReadonlySet<PowerFact>): Promise<void> {
    this.#facts = new Set(this.#reader.facts.filter(fact => facts.has(fact)))
    if (this.#facts.size === 0) return this.#stop()
    this.#unlisten ??= this.#reader.listen?.(() => void this.ask())
    if ([...this.#facts].some(fact => !this.#asked.has(fact))) await this.ask()
  }

  /** Asks now; nothing where nothing is needed. */
  ask(): Promise<void> {
    if (this.#asking === undefined) {
      this.#asking = this.#read().finally(() => (this.#asking = undefined))
      return this.#asking
    }
    // The answer that is under way may be older than what we are called for.
    this.#next ??= this.#asking.then(() => {
      this.#next = undefined
      return this.ask()
    })
    return this.#next
  }

  async #read(): Promise<void> {
    const facts = this.#facts
    if (facts.size === 0) return
    const seen = await this.#reader.read(facts).catch(() => ({}))
    if (this.#facts.size === 0) return
    this.#seen = seen
    this.#asked = facts
    this.#cancel?.()
    this.#cancel = this.#timing.after(this.#reader.everyMs, () => void this.ask())
    this.#told()
  }

  #stop(): void {
    this.#cancel?.()
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#seen = {}
    this.#asked = new Set()
  }
}
