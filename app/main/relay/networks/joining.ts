import type { NetworkState } from '../../../shared/api/networks.ts'
import type { Timing } from '../budget/shaper.ts'

export interface JoiningComponents {
  /** Connects to a peer and has its DHT look at it. @throws where it is not reached */
  dial(address: string): Promise<void>
  /** DHT servers known. */
  size(): number
  timing: Timing
  /** Milliseconds since 1970. */
  now(): number
}

export interface Joined {
  state: Exclude<NetworkState, 'off'>
  /** RFC 3339. */
  since: string
  cause?: string
  code?: 'no-peer-reached'
}

const FIRST_RETRY_MS = 30_000
const LAST_RETRY_MS = 600_000

/**
 * Joins a network by its bootstrap peers, and again, ever later, for as long as no peer of its DHT is known: one that
 * was down at the start, or a line that was, is no reason to stay alone.
 */
export class Joining {
  readonly #components: JoiningComponents
  #bootstrap: readonly string[] = []
  #waitMs = FIRST_RETRY_MS
  #cancel: (() => void) | undefined
  #started = false
  #dialling = false
  #problem: string | undefined
  #state: Joined['state'] = 'alone'
  #since: number

  constructor(components: JoiningComponents) {
    this.#components = components
    this.#since = components.now()
  }

  setBootstrap(addresses: readonly string[]): void {
    if (addresses.join(' ') === this.#bootstrap.join(' ')) return
    this.#bootstrap = addresses
    this.#problem = undefined
    if (this.#started) this.#begin()
  }

  start(): void {
    this.#started = true
    this.#begin()
  }

  stop(): void {
    this.#started = false
    this.#cancel?.()
    this.#cancel = undefined
  }

  get info(): Joined {
    const state = this.#stateNow()
    if (state !== this.#state) {
      this.#state = state
      this.#since = this.#components.now()
    }
    const since = new Date(this.#since).toISOString()
    if (state !== 'failed') return { state, since }
    return { state, since, code: 'no-peer-reached', cause: this.#problem }
  }

  #stateNow(): Joined['state'] {
    if (this.#components.size() > 0) return 'joined'
    if (this.#bootstrap.length === 0) return 'alone'
    return this.#problem === undefined ? 'joining' : 'failed'
  }

  #begin(): void {
    this.#waitMs = FIRST_RETRY_MS
    void this.#round(true)
  }

  async #round(first = false): Promise<void> {
    this.#cancel?.()
    this.#cancel = this.#components.timing.after(this.#waitMs, () => void this.#round())
    if (this.#components.size() > 0 && !first) this.#waitMs = FIRST_RETRY_MS
    else if (this.#bootstrap.length > 0 && !this.#dialling) await this.#dialAll()
  }

  async #dialAll(): Promise<void> {
    const addresses = this.#bootstrap
    this.#waitMs = Math.min(this.#waitMs * 2, LAST_RETRY_MS)
    this.#dialling = true
    const results = await Promise.allSettled(addresses.map(address => this.#components.dial(address)))
    this.#dialling = false
    if (!this.#started) return
    // Others were given meanwhile.
    if (addresses !== this.#bootstrap) return this.#begin()
    const failed = results.filter(result => result.status === 'rejected')
    const [{ reason } = { reason: undefined }] = failed
    this.#problem =
      failed.length < addresses.length
        ? undefined
        : `${addresses.length === 1 ? 'Its peer to join through could not' : `None of its ${addresses.length} peers to join through could`} be reached: ${String((reason as Error | undefined)?.message ?? reason)}`
  }
}
