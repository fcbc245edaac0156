import { UniqueCount } from '../unique-count.ts'
import { recordKeys, type Calendar, type Periods } from './calendar.ts'
import { createFingerprint } from './fingerprint.ts'
import type { Tallies } from './tallies.ts'

/** Beyond, peers of a period are estimated, within about 1 %. */
const MOST_PEERS = 2 ** 15

/** Different peers of the running minute, hour and day: in memory only, under a salt that is never written. */
export class PeerCounts {
  readonly #calendar: Calendar
  readonly #now: () => number
  /** By key of the record. */
  readonly #counts = new Map<string, UniqueCount>()
  /** What #counts has for a minute, found once and not for every peer. */
  #counting: { periods: Periods; counts: UniqueCount[] } | undefined
  readonly #fingerprint = createFingerprint()

  constructor({ calendar, now }: { calendar: Calendar; now: () => number }) {
    this.#calendar = calendar
    this.#now = now
  }

  /** Again and again does no harm. */
  seen(peer: string): void {
    const fingerprint = this.#fingerprint(peer)
    for (const count of this.#running()) count.add(fingerprint)
  }

  /** Brings the tallies up to date, and forgets the periods that are over. */
  settle(tallies: Tallies): void {
    const running = recordKeys(this.#calendar.periodsAt(this.#now()))
    for (const [key, { count }] of this.#counts) {
      const tally = tallies.toChange(key)
      tally.peers = Math.max(tally.peers, count)
      if (!running.includes(key)) this.#counts.delete(key)
    }
    this.#counting = undefined
  }

  clear(): void {
    this.#counts.clear()
    this.#counting = undefined
  }

  #running(): UniqueCount[] {
    const periods = this.#calendar.periodsAt(this.#now())
    if (this.#counting?.periods !== periods) {
      const counts = recordKeys(periods).map(key => {
        const count = this.#counts.get(key) ?? new UniqueCount({ most: MOST_PEERS })
        this.#counts.set(key, count)
        return count
      })
      this.#counting = { periods, counts }
    }
    return this.#counting.counts
  }
}
