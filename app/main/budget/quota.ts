import type { Settings } from '../../shared/settings.ts'
import type { Traffic } from '../../shared/api.ts'
import { wakeAt, type Period } from './periods.ts'

/** A quota that has put the node to sleep: kept over a restart. Milliseconds since 1970, bytes. */
export interface QuotaHold {
  start: number
  end: number
  wakeAt: number
  limitBytes: number
}

export interface QuotaFacts {
  now: number
  period: Period
  /** In this period, counted as the setting says. */
  usedBytes: number
  /** 0: there is no quota. */
  limitBytes: number
  /** From which share of the quota on its last part is shared out; 100: never. */
  softPercent: number
  /** What circuits would use at their present rate while they may finish. */
  finishingBytes: number
  /** What is on its way already, and comes even if all circuits end now. */
  inFlightBytes: number
  peerId: string
}

export interface QuotaVerdict {
  state: 'free' | 'soft' | 'holding'
  /** When it wakes. */
  until?: number
  /** Nothing is left: what still runs is to end now. */
  spent: boolean
  /** Until it is spent. */
  leftBytes: number
}

/** What circuits may have of a quota to finish in. */
const FINISHING_SHARE = 0.01
/** And of that, what is kept for what is on its way. */
const IN_FLIGHT_SHARE = 0.005

/**
 * One quota. It holds as soon as what is left is what circuits would use while they finish, at most the last percent,
 * and from then on until it wakes, also if less is used than was feared. A quota that was raised lets go at once.
 */
export class Quota {
  #hold: QuotaHold | undefined

  constructor(hold?: QuotaHold) {
    this.#hold = hold
  }

  /** What is to be remembered over a restart. */
  get hold(): QuotaHold | undefined {
    return this.#hold
  }

  judge(facts: QuotaFacts): QuotaVerdict {
    const { period, usedBytes, limitBytes, softPercent, finishingBytes, inFlightBytes, peerId } = facts
    if (!this.#stillHolds(facts)) this.#hold = undefined
    if (limitBytes === 0) return { state: 'free', spent: false, leftBytes: Infinity }
    const end = limitBytes - Math.min(limitBytes * IN_FLIGHT_SHARE, inFlightBytes)
    const left = { spent: usedBytes >= end, leftBytes: Math.max(0, end - usedBytes) }
    const spare = Math.min(limitBytes * FINISHING_SHARE, finishingBytes + inFlightBytes)
    if (this.#hold === undefined && usedBytes >= limitBytes - spare) {
      this.#hold = { start: period.start, end: period.end, wakeAt: wakeAt(period, peerId), limitBytes }
    }
    if (this.#hold !== undefined) return { state: 'holding', until: this.#hold.wakeAt, ...left }
    const soft = softPercent < 100 && usedBytes >= (limitBytes * softPercent) / 100
    return { state: soft ? 'soft' : 'free', ...left }
  }

  #stillHolds({ now, usedBytes, limitBytes }: QuotaFacts): boolean {
    const hold = this.#hold
    // A clock that ran ahead and was set back must not hold it until a time that is far off.
    if (hold === undefined || limitBytes === 0 || now < hold.start || now >= hold.wakeAt) return false
    return now < hold.end ? usedBytes >= limitBytes * (1 - FINISHING_SHARE) : limitBytes <= hold.limitBytes
  }
}

/** Bytes as the person's provider counts them. */
export function countedBytes({ received, sent }: Traffic, counts: Settings['quota.counts']): number {
  switch (counts) {
    case 'both':
      return received + sent
    case 'received':
      return received
    case 'sent':
      return sent
    case 'larger':
      return Math.max(received, sent)
  }
}

/** How many bytes of the quota one relayed byte uses, without headers: it comes in once and goes out once. */
export function usedPerRelayedByte(counts: Settings['quota.counts']): number {
  return counts === 'both' ? 2 : 1
}
