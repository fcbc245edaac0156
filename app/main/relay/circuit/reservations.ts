/** A peer's reservation. It ends with the peer's last connection, or at `expiresAt`. */
export interface Reservation {
  peer: string
  /** The IPv4 address or IPv6 /56 the peer reserved from, or its relay-less stand-in. */
  ipGroup: string
  since: number
  /** Milliseconds of the node's clock. */
  expiresAt: number
  /** Its peer was told: before that it takes its slot, but nothing has happened. */
  granted: boolean
}

/** The reservations a relay holds: one a peer, counted by IP group. */
export class Reservations {
  readonly #byPeer = new Map<string, Reservation>()
  readonly #perIp = new Map<string, number>()

  get size(): number {
    return this.#byPeer.size
  }

  get(peer: string): Reservation | undefined {
    return this.#byPeer.get(peer)
  }

  values(): Iterable<Reservation> {
    return this.#byPeer.values()
  }

  countFrom(ipGroup: string): number {
    return this.#perIp.get(ipGroup) ?? 0
  }

  /** Takes the place of the peer's earlier reservation, and returns that one. */
  put(reservation: Reservation): Reservation | undefined {
    const earlier = this.delete(reservation.peer)
    this.#byPeer.set(reservation.peer, reservation)
    this.#perIp.set(reservation.ipGroup, this.countFrom(reservation.ipGroup) + 1)
    return earlier
  }

  delete(peer: string): Reservation | undefined {
    const reservation = this.#byPeer.get(peer)
    if (reservation === undefined) return undefined
    this.#byPeer.delete(peer)
    const left = this.countFrom(reservation.ipGroup) - 1
    if (left > 0) this.#perIp.set(reservation.ipGroup, left)
    else this.#perIp.delete(reservation.ipGroup)
    return reservation
  }
}
