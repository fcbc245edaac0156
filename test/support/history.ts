import type { Amounts, HistoryRecord } from '../../app/shared/api.ts'
import { openHistory, type History } from '../../app/main/observe/history/history.ts'

/** A clock that stands still until it is set, and the log lines of what runs by it. */
export class Scene {
  now: number
  readonly warnings: string[] = []
  readonly lines: string[] = []

  constructor(at: string) {
    this.now = Date.parse(at)
  }

  set(at: string): void {
    this.now = Date.parse(at)
  }

  /** What the history's parts are made with. */
  get components(): Parameters<typeof openHistory>[0] {
    const keep =
      (kept: string[]) =>
      (first: unknown, text = first): void =>
        void kept.push(String(text))
    return { log: { info: keep(this.lines), warn: keep(this.warnings) } as never, now: () => this.now }
  }

  open(dir: string, timeZone = 'UTC'): Promise<History> {
    return openHistory(this.components, { dir, timeZone })
  }
}

/** Increments whose every figure differs: bytes to the target, twice as many back, and so on; of 0, nothing at all. */
export function amountsOf(count: number): Amounts {
  const chat = { bytes: { toTarget: 9 * count, toSource: 10 * count }, circuits: 11 * count }
  return {
    bytes: { toTarget: count, toSource: 2 * count },
    traffic: { received: 3 * count, sent: 4 * count },
    circuits: 5 * count,
    refusals: { 'per-ip-full': 6 * count, 'total-full': 7 * count },
    uptimeSeconds: 8 * count,
    networks: count === 0 ? {} : { chat },
    heldSeconds: count === 0 ? {} : { schedule: 12 * count, battery: 13 * count }
  }
}

/** By `amountsOf`; throws if the figures are not of one count. */
export function countOf(amounts: Amounts): number {
  const { bytes, traffic, circuits, refusals, uptimeSeconds, networks, heldSeconds } = amounts
  const count = bytes.toTarget
  const found = JSON.stringify({ bytes, traffic, circuits, refusals, uptimeSeconds, networks, heldSeconds })
  const nothing = { ...amountsOf(0), refusals: {} }
  if (found !== JSON.stringify(count === 0 ? nothing : amountsOf(count))) throw new Error(`mixed: ${found}`)
  return count
}

/** The sum of the records' counts, step by step, and of the totals: in a history of less than a day all the same. */
export async function sums(history: History): Promise<Record<'minute' | 'hour' | 'day' | 'ever', number>> {
  const sumOf = async (step: 'minute' | 'hour' | 'day'): Promise<number> =>
    (await history.query({ step })).reduce((sum, record) => sum + countOf(record), 0)
  const [minute, hour, day] = [await sumOf('minute'), await sumOf('hour'), await sumOf('day')]
  return { minute, hour, day, ever: countOf(history.totals().ever) }
}

/** When each record begins, and its count. */
export function counts(records: HistoryRecord[]): Record<string, number> {
  return Object.fromEntries(records.map(record => [record.at, countOf(record)]))
}
