import type { Timing } from '../budget/shaper.ts'

export interface HandoverComponents {
  timing: Timing
  /** Peers that hold a reservation now. */
  clients: () => Iterable<string>
  /** Whether a peer has a circuit, which it would lose with its connection. */
  isBusy: (peer: string) => boolean
  /** Ends its reservation, and closes its connections. */
  letGo: (peer: string) => void
}

/** How often it is looked whether one of those that all had circuits has none any more. */
const LOOK_AGAIN_MS = 250

/**
 * Sends reserved clients away one by one before the relay stops, spread evenly over the time there is, so that they do
 * not all ask the next relay at once. Who has a circuit keeps its connection until that ends.
 */
export class Handover {
  readonly #components: HandoverComponents
  /** Milliseconds of the node's clock. */
  #end = Infinity
  #gone: PromiseWithResolvers<void> | undefined
  #cancel: (() => void) | undefined

  constructor(components: HandoverComponents) {
    this.#components = components
  }

  /**
   * Resolves when no client is left. `end`, in milliseconds of the node's clock, is when the last should have gone; asked
   * for once more, it is the sooner of both.
   */
  by(end: number): Promise<void> {
    this.#gone ??= Promise.withResolvers()
    const { promise } = this.#gone
    if (end < this.#end) {
      this.#end = end
      this.#step()
    }
    return promise
  }

  /** Those that are left stay: the relay takes work again, or closes all connections itself. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#gone = undefined
    this.#end = Infinity
  }

  /** To be called when a reservation has ended by itself. */
  check(): void {
    if (this.#gone === undefined || [...this.#components.clients()].length > 0) return
    const { resolve } = this.#gone
    this.stop()
    resolve()
  }

  #step(): void {
    const { timing, clients, isBusy, letGo } = this.#components
    this.#cancel?.()
    this.#cancel = undefined
    const all = [...clients()]
    const next = all.find(peer => !isBusy(peer))
    if (next !== undefined) letGo(next)
    this.check()
    const timeLeft = this.#end - timing.now()
    // At the end the relay ends the circuits of those that are left, and then closes.
    if (this.#gone === undefined || timeLeft <= 0) return
    // As much time for each that is left as for the one that went.
    const wait = next === undefined ? Math.min(LOOK_AGAIN_MS, timeLeft) : timeLeft / all.length
    this.#cancel = timing.after(wait, () => this.#step())
  }
}
