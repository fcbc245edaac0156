const WINDOW_MS = 1000

export interface ArrivalLimits {
  /** Connections that may be on their way through the handshake at once. */
  pending: number
  /** Connections that one address may open a second. */
  perIpPerSecond: number
}

export interface ArrivalsComponents {
  /** Milliseconds on a clock that need not be the wall's. */
  clock: () => number
}

/**
 * Who may begin a handshake. libp2p asks the same, but only of connections that have finished theirs: by then the
 * work that strangers could make us do is done.
 */
export class Arrivals {
  readonly #clock: () => number
  #limits: ArrivalLimits
  readonly #recent = new Map<string, number>()
  #since = -Infinity
  #pending = 0

  constructor({ clock }: ArrivalsComponents, limits: ArrivalLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  setLimits(limits: ArrivalLimits): void {
    this.#limits = limits
  }

  /** Whether a connection from there may go on; if so, tell `done` when its handshake is over. */
  begin(ip: string): boolean {
    const now = this.#clock()
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#recent.clear()
    }
    const recent = this.#recent.get(ip) ?? 0
    if (recent >= this.#limits.perIpPerSecond || this.#pending >= this.#limits.pending) return false
    this.#recent.set(ip, recent + 1)
    this.#pending++
    return true
  }

  done(): void {
    this.#pending--
  }
}
