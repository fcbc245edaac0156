import type { OverloadInfo } from '../../shared/api/overload.ts'
import type { Settings } from '../../shared/settings.ts'
import type { Timing } from './budget/shaper.ts'
import type { BudgetGate } from './circuit/gate.ts'

/** Infinity: none. */
export interface OverloadLimits {
  eventLoopDelayMs: number
  memoryBytes: number
}

export interface OverloadComponents {
  timing: Timing
  /** Resident memory of this process. */
  memoryBytes: () => number
  /** New work is refused from now on, or for another cause; undefined: it is taken again. */
  changed: (info: OverloadInfo | undefined) => void
}

/** How long a timer is to take by which the delay is measured. */
const LOOK_MS = 20
/** The same while there is too much to do. */
const LOOK_AGAIN_MS = 100
/** New work is taken again when it was well below the limits for so long. */
const CALM_MS = 1000
const CALM_DELAY = 0.5
const CALM_MEMORY = 0.9

export function overloadLimitsOf(settings: Settings): OverloadLimits {
  return {
    eventLoopDelayMs: settings['overload.eventLoopDelayMs'] || Infinity,
    memoryBytes: settings['overload.memoryBytes'] || Infinity
  }
}

/**
 * Whether this process has more to do than it can: it comes to its timers late, or its memory is over a limit. It looks
 * only while someone asks for new work, and until it has recovered: an idle node is not woken by it.
 */
export class Overload {
  readonly #components: OverloadComponents
  #limits: OverloadLimits
  #info: OverloadInfo | undefined
  /** When it was last too much, on the node's clock. */
  #lastOver = 0
  #cancel: (() => void) | undefined

  constructor(components: OverloadComponents, limits: OverloadLimits) {
    this.#components = components
    this.#limits = limits
  }

  /** To be asked whenever new work comes. */
  get isOverloaded(): boolean {
    this.#look()
    return this.#info !== undefined
  }

  /** Undefined unless new work is refused. */
  get info(): OverloadInfo | undefined {
    return this.#info
  }

  setLimits(limits: OverloadLimits): void {
    this.#limits = limits
    if (this.#info !== undefined && limits.eventLoopDelayMs === Infinity && limits.memoryBytes === Infinity) {
      this.stop()
      this.#set(undefined)
    }
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(): void {
    const { eventLoopDelayMs, memoryBytes } = this.#limits
    if (this.#cancel !== undefined || (eventLoopDelayMs === Infinity && memoryBytes === Infinity)) return
    const { timing } = this.#components
    const wait = this.#info === undefined ? LOOK_MS : LOOK_AGAIN_MS
    const due = timing.now() + wait
    this.#cancel = timing.after(wait, () => {
      this.#cancel = undefined
      this.#judge(Math.max(0, timing.now() - due))
      if (this.#info !== undefined) this.#look()
    })
  }

  #judge(delayMs: number): void {
    const now = this.#components.timing.now()
    const memoryBytes = this.#components.memoryBytes()
    const { eventLoopDelayMs: mostMs, memoryBytes: mostBytes } = this.#limits
    const isOver = this.#info !== undefined
    const cause =
      delayMs > mostMs * (isOver ? CALM_DELAY : 1)
        ? 'event-loop-delay'
        : memoryBytes > mostBytes * (isOver ? CALM_MEMORY : 1)
          ? 'memory'
          : undefined
    if (cause !== undefined) {
      this.#lastOver = now
      const since = this.#info?.since ?? new Date().toISOString()
      this.#set({ cause, since, eventLoopDelayMs: Math.round(delayMs), memoryBytes })
    } else if (isOver && now - this.#lastOver >= CALM_MS) this.#set(undefined)
  }

  #set(info: OverloadInfo | undefined): void {
    const before = this.#info?.cause
    this.#info = info
    if (info?.cause !== before) this.#components.changed(info)
  }
}

/** What the budget says of new work, and whether there is too much of it. */
export function shedding(
  overload: Pick<Overload, 'isOverloaded'>,
  budget: BudgetGate | undefined
): BudgetGate {
  return {
    get overloaded() {
      return overload.isOverloaded || budget?.overloaded === true
    },
    isOverShare: (source, target) => budget?.isOverShare(source, target) ?? false
  }
}
