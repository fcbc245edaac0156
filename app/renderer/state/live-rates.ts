import type { BothWays, HistoryRecord } from '../../shared/api.ts'

const KEPT_SECONDS = 300

/** Points for a chart: times in seconds since 1970, bytes a second each way; null where nothing is known. */
export interface Series {
  times: number[]
  toTarget: (number | null)[]
  toSource: (number | null)[]
}

/** The last five minutes, second by second. */
export class LiveRates {
  #points: { at: number; rate: BothWays | null }[] = []
  readonly #listeners = new Set<() => void>()

  add(atMs: number, rate: BothWays): void {
    const at = Math.round(atMs / 1000)
    this.#points = this.#points.filter(point => point.at > at - KEPT_SECONDS && point.at < at)
    this.#points.push({ at, rate })
    this.#tell()
  }

  /** What comes next is not joined to what was before. */
  pause(): void {
    const last = this.#points.at(-1)
    if (last?.rate) this.#points.push({ at: last.at + 1, rate: null })
  }

  /** Begins with what the history has by the minute, where nothing better is known. */
  fill(minutes: readonly HistoryRecord[], nowMs: number): void {
    const now = Math.floor(nowMs / 1000)
    const known = this.#points.find(({ rate }) => rate !== null)?.at ?? now
    const earlier = minutes.flatMap(({ at, bytes }) => {
      const begin = Math.round(Date.parse(at) / 1000)
      const seconds = Math.min(60, now - begin)
      if (seconds <= 0) return []
      const rate = { toTarget: bytes.toTarget / seconds, toSource: bytes.toSource / seconds }
      return [begin, begin + seconds - 1].map(second => ({ at: second, rate }))
    })
    this.#points = [...earlier.filter(({ at }) => at > now - KEPT_SECONDS && at < known), ...this.#points]
    this.#tell()
  }

  get series(): Series {
    return {
      times: this.#points.map(({ at }) => at),
      toTarget: this.#points.map(({ rate }) => rate?.toTarget ?? null),
      toSource: this.#points.map(({ rate }) => rate?.toSource ?? null)
    }
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
