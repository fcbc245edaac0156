import { residentMiB } from '../support/cpu.ts'
import type { Figures } from './figures.ts'

const LOOK_MS = 50

/** Watches a process's resident memory, from now until it is asked for the figures. */
export class Memory {
  readonly #pid: number
  readonly #beforeMiB: number
  #peakMiB: number

  constructor(pid: number) {
    this.#pid = pid
    this.#beforeMiB = this.#peakMiB = residentMiB(pid)
  }

  /** Looks again and again while that is done; a process that rests needs no looking at. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => this.#look(), LOOK_MS)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  }

  get figures(): Figures {
    const afterMiB = residentMiB(this.#pid)
    return {
      rssBeforeMiB: this.#beforeMiB,
      rssPeakMiB: this.#peakMiB,
      rssAfterMiB: afterMiB,
      rssGrowthMiB: this.#peakMiB - this.#beforeMiB,
      rssLeftMiB: afterMiB - this.#beforeMiB
    }
  }

  #look(): void {
    try {
      this.#peakMiB = Math.max(this.#peakMiB, residentMiB(this.#pid))
    } catch {
      // It has ended: whoever speaks to it will say so.
    }
  }
}
