import type { ModeInfo, NodeMode, Rule } from '../shared/api.ts'
import type { Hold as BudgetHold } from './budget/engine.ts'

export interface ModesComponents {
  /** Milliseconds since 1970: a pause lasts over a restart. */
  now: () => number
  circuits: () => number
  /** Clients that hold a reservation. */
  reservations: () => number
  changed: (info: ModeInfo) => void
}

/** Until when, in milliseconds since 1970; undefined: until it is taken back. */
interface Hold {
  until: number | undefined
}

/**
 * Why the node takes no new work. The weightiest reason is the mode: what must end goes before what may resume, and
 * what the person wants before what the budget says.
 */
export class Modes {
  readonly #components: ModesComponents
  #draining: Hold | undefined
  #off: boolean
  #held: BudgetHold | undefined
  #paused: Hold | undefined
  #last: NodeMode

  constructor(components: ModesComponents, { off = false }: { off?: boolean } = {}) {
    this.#components = components
    this.#off = off
    this.#last = this.mode
  }

  get mode(): NodeMode {
    if (this.#draining !== undefined) return 'draining'
    if (this.#off) return 'off'
    if (this.#held !== undefined) return 'held'
    return this.#paused === undefined ? 'open' : 'paused'
  }

  get info(): ModeInfo {
    const { mode } = this
    const holds = { draining: this.#draining, off: undefined, held: this.#held, paused: this.#paused }
    const until = mode === 'open' ? undefined : holds[mode]?.until
    const finishing = mode === 'draining' || mode === 'held' || mode === 'off'
    return {
      mode,
      ...(mode === 'held' && this.#held !== undefined && { rule: this.#held.rule }),
      ...(until !== undefined && { until: new Date(until).toISOString() }),
      ...(finishing && { circuitsLeft: this.#components.circuits() }),
      ...(mode === 'draining' && { reservationsLeft: this.#components.reservations() })
    }
  }

  /** Which rule of the budget holds it, whatever else does. */
  get rule(): Rule | undefined {
    return this.#held?.rule
  }

  /** Whether it is switched off, also while it drains. */
  get off(): boolean {
    return this.#off
  }

  /** What lasts over a restart. */
  get paused(): Hold | undefined {
    return this.#paused
  }

  pause(until: number | undefined): void {
    this.#paused = { until }
    this.#announce(true)
  }

  resume(): void {
    this.#paused = undefined
    this.#announce()
  }

  /** Until then at most: asked for again, it ends sooner, never later. */
  drain(until: number): void {
    this.#draining = { until: Math.min(until, this.#draining?.until ?? Infinity) }
    this.#announce(true)
  }

  /** relay.enabled is false. */
  setOff(off: boolean): void {
    this.#off = off
    this.#announce()
  }

  /** A rule of the budget holds it, or another, or until another time; undefined: none does. */
  setHeld(held: BudgetHold | undefined): void {
    if (held?.rule === this.#held?.rule && held?.until === this.#held?.until) return
    this.#held = held
    this.#announce(this.mode === 'held')
  }

  /** Ends a pause whose time has come. */
  tick(): void {
    const until = this.#paused?.until
    if (until !== undefined && this.#components.now() >= until) this.resume()
    // Draining shows its progress.
    if (this.#draining !== undefined) this.#announce(true)
  }

  #announce(always = false): void {
    const { mode } = this
    if (mode === this.#last && !always) return
    this.#last = mode
    this.#components.changed(this.info)
  }
}
