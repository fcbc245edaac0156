import type { Timing } from '../../../app/main/relay/budget/shaper.ts'

/** A clock that moves only when it is told to, in milliseconds, and the timers set on it. */
export class VirtualTiming implements Timing {
  #now = 0
  #timers: { at: number; run: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(milliseconds: number, run: () => void): () => void {
    // Like Node's: whole milliseconds, and never at once.
    const timer = { at: this.#now + Math.max(1, Math.ceil(milliseconds)), run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.length
  }

  /** Time goes by while something runs, so that no timer can. */
  pass(milliseconds: number): void {
    this.#now += milliseconds
  }

  /** Moves the clock on, running each timer at its time, or up to `late` milliseconds after it. */
  advance(milliseconds: number, late: () => number = () => 0): void {
    const end = this.#now + milliseconds
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#now = Math.max(this.#now, Math.min(end, next.at + late()))
      next.run()
    }
    this.#now = Math.max(this.#now, end)
  }
}
