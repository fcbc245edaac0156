import type { Traffic } from '../../../shared/api.ts'
import { dayAfter } from './calendar.ts'
import type { Store } from './store.ts'
import type { Tallies } from './tallies.ts'

const STATE_KEY = 'state/quota-carry'

/** What quotas go by of the time before the figures were forgotten, on that day. */
interface Carry {
  today: string
  ofToday: Traffic
  before: Traffic
}

/** What quotas count: the traffic of whole days, also of those whose figures were deleted. Days as `2026-07-30`. */
export class QuotaTraffic {
  readonly #store: Store
  readonly #tallies: Tallies

  constructor({ store, tallies }: { store: Store; tallies: Tallies }) {
    this.#store = store
    this.#tallies = tallies
  }

  /** From the first day on until now; also if the clock was set back behind the day of the deletion. */
  since(first: string, today: string): Traffic {
    return this.#sum(first, dayAfter(today), this.#carry)
  }

  /** From the first day on, without the day `end`. */
  between(first: string, end: string): Traffic {
    const carry = this.#carry
    return this.#sum(first, end, carry !== undefined && carry.today < end ? carry : undefined)
  }

  /** To be called before the figures are deleted: keeps two sums, the traffic since that day and that of today. */
  carryOver(today: string, since: string): void {
    const ofToday = this.since(today, today)
    const all = this.since(since, today)
    const before = { received: all.received - ofToday.received, sent: all.sent - ofToday.sent }
    this.#store.set(STATE_KEY, JSON.stringify({ today, ofToday, before } satisfies Carry))
  }

  #sum(first: string, end: string, carry: Carry | undefined): Traffic {
    const sum = { received: 0, sent: 0 }
    const add = ({ received, sent }: Traffic): void => {
      sum.received += received
      sum.sent += sent
    }
    if (carry !== undefined && carry.today >= first) add(carry.ofToday)
    if (carry !== undefined && carry.today > first) add(carry.before)
    for (let day = first; day < end; day = dayAfter(day)) add(this.#tallies.get(`day/${day}`))
    return sum
  }

  get #carry(): Carry | undefined {
    const text = this.#store.get(STATE_KEY)
    return text === undefined ? undefined : (JSON.parse(text) as Carry)
  }
}
