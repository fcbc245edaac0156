import type { PowerState } from '../../shared/api.ts'
import type { Timing } from '../relay/budget/shaper.ts'
import { Poll } from './poll.ts'
import type { PowerReader } from './power-reader.ts'
import type { PowerFact, PowerSource } from './power-source.ts'
import { Settling } from './settling.ts'

export interface PowerWatchComponents {
  /** Of two that tell the same fact, the first counts. */
  readers: readonly PowerReader[]
  timing: Timing
  /** Where the system calls: all may be another now. The returned function ends that. */
  listen?: (changed: () => void) => () => void
}

/** Watches what the system tells, while and as far as a rule needs it. */
export class PowerWatch implements PowerSource {
  readonly #components: PowerWatchComponents
  readonly #polls: readonly Poll[]
  readonly #listeners = new Set<() => void>()
  readonly #settling = new Settling()
  #needed: ReadonlySet<PowerFact> = new Set()
  #unlisten: (() => void) | undefined
  #cancel: (() => void) | undefined

  constructor(components: PowerWatchComponents) {
    this.#components = components
    this.#polls = components.readers.map(reader => new Poll(reader, components.timing, () => this.#settle()))
  }

  state(): PowerState {
    return this.#settling.told
  }

  untold(): ReadonlySet<PowerFact> {
    return this.#settling.untold
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => void this.#listeners.delete(changed)
  }

  async need(facts: ReadonlySet<PowerFact>): Promise<void> {
    this.#needed = new Set(facts)
    this.#followSystem()
    const asked = this.#polls.map(poll => poll.need(this.#needed))
    // What is needed no more is forgotten, and what nobody here tells is known.
    this.#settle()
    await Promise.all(asked)
  }

  #followSystem(): void {
    if (this.#needed.size > 0) {
      this.#unlisten ??= this.#components.listen?.(() => {
        for (const poll of this.#polls) void poll.ask()
      })
      return
    }
    this.#unlisten?.()
    this.#unlisten = undefined
  }

  #settle(): void {
    const { timing } = this.#components
    const now = timing.now()
    const seen = this.#polls.reduceRight<PowerState>((all, { seen }) => ({ ...all, ...told(seen) }), {})
    // Until all who may tell a fact were asked, it is not known who tells it.
    const asked = [...this.#needed].filter(fact =>
      this.#polls.every(poll => !poll.tells(fact) || poll.hasAsked(fact))
    )
    const changed = this.#settling.see(seen, new Set(asked), now)
    this.#cancel?.()
    const { next } = this.#settling
    if (next !== undefined) {
      this.#cancel = timing.after(next.at - now, () => this.#lookAgain(next.facts))
    }
    if (changed) for (const listener of [...this.#listeners]) listener()
  }

  /** What was seen counts only if it still is. */
  #lookAgain(facts: readonly PowerFact[]): void {
    for (const poll of this.#polls) if (facts.some(fact => poll.tells(fact))) void poll.ask()
  }
}

/** Without what is undefined, which would hide what another tells. */
function told(state: PowerState): PowerState {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined))
}
