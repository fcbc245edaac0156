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

/**
 * Why the node takes no new work. The weightiest reason is the mode: what must end goes before what may resume, and
 * what the person wants before what is used up.
 */
export class Modes {
  readonly #components: ModesComponents
  #draining: Hold | undefined
  #off: boolean
  #quota: Hold | undefined
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
    if (this.#quota !== undefined) return 'quota'
    return this.#paused === undefined ? 'open' : 'paused'
  }

  get info(): ModeInfo {
    const { mode } = this
    const holds = { draining: this.#draining, off: undefined, quota: this.#quota, paused: this.#paused }
    const until = mode === 'open' ? undefined : holds[mode]?.until
    const finishing = mode === 'draining' || mode === 'quota' || mode === 'off'
    return {
      mode,
      ...(until !== undefined && { until: new Date(until).toISOString() }),
      ...(finishing && { circuitsLeft: this.#components.circuits() })
    }
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
