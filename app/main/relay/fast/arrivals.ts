import { ipGroup } from '../../net/ip.ts'

const WINDOW_MS = 1000
/** Of those on their way through the handshake, so many may be one client's: whoever dawdles must not use up the rest. */
const SHARE_OF_PENDING = 1 / 4

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
  open(ip: string | undefined): Arrival | undefined {
    if (this.#pending >= this.#limits.pending) return undefined
    this.#pending++
    let group: string | undefined
    const arrival: Arrival = {
      from: client => {
        if (!this.#count(client)) return false
        group = ipGroup(client)
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

  #count(ip: string): boolean {
    const now = this.#clock()
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#recent.clear()
    }
    const recent = this.#recent.get(ip) ?? 0
    const pending = this.#pendingOf.get(ipGroup(ip)) ?? 0
    if (recent >= this.#limits.perIpPerSecond) return false
    if (pending >= Math.ceil(this.#limits.pending * SHARE_OF_PENDING)) return false
    this.#recent.set(ip, recent + 1)
    return true
  }

  #forget(group: string): void {
    const left = (this.#pendingOf.get(group) ?? 1) - 1
    if (left === 0) this.#pendingOf.delete(group)
    else this.#pendingOf.set(group, left)
  }
}
