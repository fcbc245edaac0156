import type { Key, Settings } from '../../shared/settings.ts'

export interface FollowerComponents {
  /** By which something is to be open; undefined: it is to be closed. */
  settings: () => Settings | undefined
  /**
   * Closes what is open and, if it is wanted, opens it.
   * @param wanted by which it is to be open; undefined: not at all
   * @param settings those asked for, also where they want it closed
   */
  reopen: (wanted: Settings | undefined, settings: Settings | undefined) => Promise<void>
}

export interface FollowerOptions {
  /** What it is made of: with other values it is opened anew. */
  madeOf: readonly Key[]
  /** Whether settings want it open. */
  opens: (settings: Settings) => boolean
}

/** How long what could not be opened waits for its next try. */
const RETRY_MS = 30_000

/** Keeps something open as the settings of the moment ask for, one step at a time. */
export class Follower {
  readonly #components: FollowerComponents
  readonly #options: FollowerOptions
  /** What was asked for last; empty: closed. */
  #made = ''
  /** Between `start` and `stop`. */
  #follows = false
  #queue: Promise<void> = Promise.resolve()
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(components: FollowerComponents, options: FollowerOptions) {
    this.#components = components
    this.#options = options
  }

  /** Opens, if that is wanted; follows the settings from then on. @throws what `reopen` throws */
  start(): Promise<void> {
    this.#follows = true
    return this.#bringTo(this.#components.settings())
  }

  /** To be called when the settings have changed. `reopen` answers for telling of what goes wrong. */
  follow(): void {
    if (this.#follows) this.#bringTo(this.#components.settings()).catch(() => {})
  }

  /** Until it follows the next time. */
  close(): Promise<void> {
    return this.#bringTo(undefined)
  }

  stop(): Promise<void> {
    this.#follows = false
    clearTimeout(this.#retry)
    return this.close()
  }

  /** Has it opened anew in a while, unless other settings are followed until then: who has its port may leave it. */
  tryAgain(): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#made = ''
      this.follow()
    }, RETRY_MS).unref()
  }

  /** Does something when all that was asked for before is done. @throws what it throws */
  inTurn(task: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(task)
    this.#queue = result.catch(() => {})
    return result
  }

  #bringTo(settings: Settings | undefined): Promise<void> {
    const { madeOf, opens } = this.#options
    const wanted = settings !== undefined && opens(settings) ? settings : undefined
    const made = wanted === undefined ? '' : JSON.stringify(madeOf.map(key => wanted[key]))
    if (made === this.#made) return this.#queue
    this.#made = made
    clearTimeout(this.#retry)
    return this.inTurn(() => this.#components.reopen(wanted, settings))
  }
}
