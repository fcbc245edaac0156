/** What the soak's processes say to each other. */

/** How a client reaches the relay. */
export const WAYS = ['tcp', 'tls', 'ws', 'quic'] as const
export type Way = (typeof WAYS)[number]

/** How a client leaves: it closes, resets its connection, lets its socket die, or its whole process is killed. */
export type Leaving = 'close' | 'reset' | 'cut'

/** What happened, counted. */
export interface Tally {
  /** Clients that came. */
  lives: number
  byWay: Record<Way, number>
  reserved: number
  completed: number
  /** Because an end left or reset it. */
  broken: number
  refused: number
  /** What came through a circuit was not what had been sent. */
  corrupt: number
  bytes: number
  left: Record<Leaving, number>
}

export const emptyTally = (): Tally => ({
  lives: 0,
  byWay: { tcp: 0, tls: 0, ws: 0, quic: 0 },
  reserved: 0,
  completed: 0,
  broken: 0,
  refused: 0,
  corrupt: 0,
  bytes: 0,
  left: { close: 0, reset: 0, cut: 0 }
})

/** Adds `more` to the figures of `sum`. */
export function add<T extends object>(sum: T, more: T): void {
  for (const [key, value] of Object.entries(more) as [keyof T, unknown][]) {
    if (typeof value === 'number') sum[key] = ((sum[key] as number) + value) as T[keyof T]
    else add(sum[key] as object, value as object)
  }
}

export interface WorkerInit {
  addresses: Record<Way, string>
  clients: number
  /** Clients of the same name come back with the same identity. */
  name: string
}

export type ToWorker = { targets: string[] } | 'leave'

export type FromWorker =
  /** Has a reservation from now on, or has none. */
  | { reserved: string }
  | { gone: string }
  /** Since the last one. */
  | { tally: Tally }
