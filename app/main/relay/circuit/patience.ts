/** What ends a wait: a `Patience`, or a signal. */
export interface Ending {
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(name: 'abort', listener: () => void): void
  removeEventListener(name: 'abort', listener: () => void): void
}

/**
 * A wait that ends after a time, or when told to. Costs a timer, where `AbortSignal.any` and `timeout` cost ten times as
 * much as an AbortController, and that as much as all else in setting up a circuit.
 */
export class Patience implements Ending {
  readonly #timer: ReturnType<typeof setTimeout>
  #listeners: (() => void)[] = []
  #controller: AbortController | undefined
  #reason: Error | undefined
  #ranOut = false

  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => {
      this.#ranOut = true
      this.end(new Error('it took too long'))
    }, milliseconds)
  }

  /** The same for those that want a signal; made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** It ended because the time was over. */
  get ranOut(): boolean {
    return this.#ranOut
  }

  get reason(): Error | undefined {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  addEventListener(_name: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_name: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }

  end(reason: Error): void {
    clearTimeout(this.#timer)
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
    this.#controller?.abort(reason)
  }

  /** What it was for is over. */
  done(): void {
    clearTimeout(this.#timer)
  }
}
