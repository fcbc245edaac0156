import { CAUSES, MappingError } from './causes.ts'
import { keyOf } from './mapped-addresses.ts'
import type { Mapping, Router } from './router.ts'

interface Held extends Mapping {
  router: Router
  /** Milliseconds on the clock. */
  mappedAt: number
  seconds: number
}

type Port = Pick<Mapping, 'protocol' | 'internalPort'>

export interface LeasesComponents {
  /** Milliseconds of a clock that is never set. */
  clock: () => number
}

export interface LeasesOptions {
  leaseSeconds: number
  requestSeconds: number
}

/** The ports that routers forward to this node: asked for, looked after, and given back. One request at a time. */
export class Leases {
  readonly #clock: () => number
  readonly #options: LeasesOptions
  readonly #held = new Map<string, Held>()
  #last: Promise<unknown> = Promise.resolve()

  constructor({ clock }: LeasesComponents, options: LeasesOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** The router's address outside. @throws MappingError */
  externalIp(router: Router, signal: AbortSignal): Promise<string> {
    return this.#inTurn(signal, bounded => router.externalIp(bounded))
  }

  /** Has the port forwarded, or renews that, on the same external port if it can be had. @throws MappingError */
  map(router: Router, port: Port, signal: AbortSignal): Promise<Mapping> {
    return this.#inTurn(signal, async () => {
      // Not ended by the signal: whether the router had heard it would not be known.
      const bounded = this.#timeout()
      const { externalPort = port.internalPort } = this.#held.get(keyOf(port)) ?? {}
      const { leaseSeconds } = this.#options
      const lease = await router.map(
        { ...port, externalPort, leaseSeconds, notPorts: this.#othersOf(port) },
        bounded
      )
      const mapping = { ...port, externalPort: lease.externalPort }
      this.#held.set(keyOf(port), { ...mapping, router, mappedAt: this.#clock(), seconds: lease.seconds })
      return mapping
    })
  }

  /**
   * Sees to it that the router still forwards the port: forwarded anew where the router has lost it, renewed in the
   * second half of its lease. @throws MappingError
   */
  async keep(router: Router, port: Port, signal: AbortSignal): Promise<Mapping> {
    const held = this.#held.get(keyOf(port))
    if (held?.router !== router) return this.map(router, port, signal)
    const isThere = await this.#inTurn(signal, bounded => router.holds(held, bounded))
    const ageSeconds = (this.#clock() - held.mappedAt) / 1000
    if (isThere === true && ageSeconds < held.seconds / 2) return held
    return this.map(router, port, signal)
  }

  /** Gives back what is held but those ports. What cannot be given back ends with its lease. */
  async giveBack(signal: AbortSignal, but: readonly Port[] = []): Promise<void> {
    const kept = new Set(but.map(keyOf))
    for (const [key, held] of [...this.#held]) {
      if (kept.has(key)) continue
      this.#held.delete(key)
      await this.#inTurn(signal, bounded => held.router.unmap(held, bounded)).catch(() => {})
    }
  }

  /** External ports that other ports of ours have. */
  #othersOf(port: Port): number[] {
    return [...this.#held.values()]
      .filter(held => held.protocol === port.protocol && held.internalPort !== port.internalPort)
      .map(({ externalPort }) => externalPort)
  }

  #inTurn<T>(signal: AbortSignal, request: (bounded: AbortSignal) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      signal.throwIfAborted()
      return request(AbortSignal.any([signal, this.#timeout()]))
    })
    this.#last = turn.catch(() => {})
    return turn.catch((error: unknown) => {
      if (error instanceof MappingError) throw error
      throw new MappingError('no-answer', CAUSES['no-answer'], undefined, error)
    })
  }

  #timeout(): AbortSignal {
    return AbortSignal.timeout(this.#options.requestSeconds * 1000)
  }
}
