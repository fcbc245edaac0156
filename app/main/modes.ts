import type { ModeInfo, NodeMode } from '../shared/api.ts'

export interface ModesComponents {
  /** Milliseconds since 1970: a pause lasts over a restart. */
  now: () => number
  circuits: () => number
  changed: (info: ModeInfo) => void
}

/** Until when, in milliseconds since 1970; undefined: until it is taken back. */
interface Hold {
  until: number | undefined
}

/** Why the node takes no new work. The weightiest reason is the mode: what must end goes before what may resume. */
export class Modes {
  readonly #components: ModesComponents
  #draining: Hold | undefined
  #quota: Hold | undefined
  #paused: Hold | undefined
  #last: NodeMode = 'open'

  constructor(components: ModesComponents) {
    this.#components = components
  }

  get mode(): NodeMode {
    if (this.#draining !== undefined) return 'draining'
    if (this.#quota !== undefined) return 'quota'
    return this.#paused === undefined ? 'open' : 'paused'
  }

  get info(): ModeInfo {
    const { mode } = this
    const hold = this.#draining ?? this.#quota ?? this.#paused
    const circuitsLeft = this.#components.circuits()
    return {
      mode,
      ...(hold?.until !== undefined && { until: new Date(hold.until).toISOString() }),
      ...((mode === 'draining' || mode === 'quota') && { circuitsLeft })
    }
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

  /** The quota was reached, until then; undefined: it is not. */
  setQuota(until: number | undefined): void {
    if ((until === undefined) === (this.#quota === undefined)) return
    this.#quota = until === undefined ? undefined : { until }
    this.#announce()
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
