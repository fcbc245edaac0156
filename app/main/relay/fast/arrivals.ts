import { ipGroup } from '../../net/ip.ts'

const WINDOW_MS = 1000
/** Of those on their way through the handshake, so many may be one client's: whoever dawdles must not use up the rest. */
const SHARE_OF_PENDING = 1 / 4

export interface ArrivalLimits {
  /** Connections that may be on their way through the handshake at once. */
  pending: number
  /** Connections that one IPv4 address or IPv6 /56 may open a second. */
  perIpPerSecond: number
}

export interface ArrivalsComponents {
  /** Milliseconds on a clock that need not be the wall's. */
  clock: () => number
}

export interface ArrivalOptions {
  /** It was counted before, of the same client: another handshake of its connection begins. */
  isCounted?: boolean
}

/** A connection whose handshake may go on. */
export interface Arrival {
  /** Whose it is, where that was not known at its beginning: whether it may still go on. */
  from(ip: string): boolean
  /** The handshake is over, one way or another. */
  done(): void
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
  readonly #pendingOf = new Map<string, number>()

  constructor({ clock }: ArrivalsComponents, limits: ArrivalLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  setLimits(limits: ArrivalLimits): void {
    this.#limits = limits
  }

  /**
   * Undefined where the connection may not go on.
   * @param ip undefined while only the proxy is known that it comes through
   */
  open(ip: string | undefined, { isCounted = false }: ArrivalOptions = {}): Arrival | undefined {
    if (this.#pending >= this.#limits.pending) return undefined
    this.#pending++
    let group: string | undefined
    const arrival: Arrival = {
      from: client => {
        const its = ipGroup(client)
        if (!this.#mayPend(its) || (!isCounted && !this.#count(its))) return false
        group = its
        this.#pendingOf.set(group, (this.#pendingOf.get(group) ?? 0) + 1)
        return true
      },
      done: () => {
        this.#pending--
        if (group !== undefined) this.#forget(group)
      }
    }
    if (ip === undefined || arrival.from(ip)) return arrival
    arrival.done()
    return undefined
  }

  #mayPend(group: string): boolean {
    return (this.#pendingOf.get(group) ?? 0) < Math.ceil(this.#limits.pending * SHARE_OF_PENDING)
  }

  #count(group: string): boolean {
    const now = this.#clock()
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#recent.clear()
    }
    const recent = this.#recent.get(group) ?? 0
    if (recent >= this.#limits.perIpPerSecond) return false
    this.#recent.set(group, recent + 1)
    return true
  }

  #forget(group: string): void {
    const left = (this.#pendingOf.get(group) ?? 1) - 1
    if (left === 0) this.#pendingOf.delete(group)
    else this.#pendingOf.set(group, left)
  }
}
