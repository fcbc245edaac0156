/** An AbortSignal that aborts after a time, or when told to. `AbortSignal.any` and `timeout` cost ten times as much. */
export class Patience {
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>
  #ranOut = false

  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => {
      this.#ranOut = true
      this.end(new Error('it took too long'))
    }, milliseconds)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** It aborted because the time was over. */
  get ranOut(): boolean {
    return this.#ranOut
  }

  end(reason: Error): void {
    clearTimeout(this.#timer)
    this.#controller.abort(reason)
  }

  /** What it was for is over. */
  done(): void {
    clearTimeout(this.#timer)
  }
}
