import { CAUSES, MappingError } from './causes.ts'
import type { PinholeService } from './pinhole-service.ts'
import type { Router } from './router.ts'
import type { PinholeOutcome, WantedPort } from './state.ts'

/** An IPv6 port that is listened on, at a public address. */
export type WantedPinhole = WantedPort & { ip: string }

interface Held {
  service: PinholeService
  id: number
  ip: string
  /** Milliseconds on the clock. */
  openedAt: number
}

export interface PinholesOptions {
  leaseSeconds: number
  requestSeconds: number
  /** How long giving back may take at the end. */
  stopSeconds: number
}

/** The IPv6 ports that a gateway's firewall lets in to this node: asked for, looked after, and closed at the end. */
export class Pinholes {
  readonly #clock: () => number
  readonly #options: PinholesOptions
  readonly #held = new Map<string, Held>()

  /** `clock`: milliseconds, of a clock that is never set. */
  constructor({ clock }: { clock: () => number }, options: PinholesOptions) {
    this.#clock = clock
    this.#options = options
  }

  /**
   * Sees to it that all of them are open, and no others of ours. Undefined where the gateway offers no pinholes, or needs
   * none.
   */
  async keep(
    router: Router,
    wanted: readonly WantedPinhole[],
    signal: AbortSignal
  ): Promise<PinholeOutcome[] | undefined> {
    const service = router.pinholes
    if (service === undefined || wanted.length === 0) {
      await this.giveBack(signal)
      return undefined
    }
    await this.giveBack(signal, wanted)
    const outcomes: PinholeOutcome[] = []
    for (const port of wanted) {
      const outcome = await this.#keepOne(service, port, signal)
      if (signal.aborted) return outcomes
      if (outcome !== undefined) outcomes.push(outcome)
      // Who is silent once will be again: there may be many ports.
      if (outcome?.error?.code === 'no-answer') return undefined
    }
    return outcomes.length > 0 ? outcomes : undefined
  }

  /** Closes all of ours but those. What cannot be closed ends with its lease. */
  async giveBack(signal: AbortSignal, but: readonly WantedPinhole[] = []): Promise<void> {
    const kept = new Set(but.map(keyOf))
    for (const [key, { service, id, ip }] of [...this.#held]) {
      if (kept.has(key)) continue
      this.#held.delete(key)
      await service.close(id, ip, this.#bounded(signal)).catch(() => {})
    }
  }

  async #keepOne(
    service: PinholeService,
    port: WantedPinhole,
    signal: AbortSignal
  ): Promise<PinholeOutcome | undefined> {
    try {
      const held = this.#held.get(keyOf(port))
      if (held !== undefined && (await this.#isGood(held, signal))) return { port }
      const { leaseSeconds } = this.#options
      const request = { protocol: port.protocol, ip: port.ip, port: port.internalPort, leaseSeconds }
      // Not ended by the signal: whether the gateway had heard it would not be known.
      const id = await service.open(request, this.#timeout())
      if (id === undefined) return undefined
      this.#held.set(keyOf(port), { service, id, ip: port.ip, openedAt: this.#clock() })
      return { port }
    } catch (error) {
      this.#held.delete(keyOf(port))
      return { port, error: error instanceof MappingError ? error : silent(error) }
    }
  }

  /** There, and in the first half of its lease. */
  async #isGood(held: Held, signal: AbortSignal): Promise<boolean> {
    const ageSeconds = (this.#clock() - held.openedAt) / 1000
    if (ageSeconds >= this.#options.leaseSeconds / 2) return false
    return (await held.service.holds(held.id, held.ip, this.#bounded(signal))) === true
  }

  #bounded(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#timeout()])
  }

  #timeout(): AbortSignal {
    return AbortSignal.timeout(this.#options.requestSeconds * 1000)
  }
}

function keyOf({ protocol, ip, internalPort }: WantedPinhole): string {
  return `${protocol} ${ip} ${internalPort}`
}

function silent(cause: unknown): MappingError {
  return new MappingError('no-answer', CAUSES['no-answer'], undefined, cause)
}
