import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Each run of a monitor wakes an idle process, which in the desktop app costs ten times what it does in plain Node: one
 * at Node's default of 10 ms would cost there more than all the rest.
 */
const RESOLUTION_MS = 500
/** As long as Prometheus waits between scrapes by default, so that none misses anything. */
const WINDOW_MS = 60_000

/** By how much timers were late. */
export interface DelayFigures {
  p50Seconds: number
  p99Seconds: number
  maxSeconds: number
}

/**
 * Delays of this process' event loop in the last minute or two, whoever asks and how often. Of two monitors the older
 * answers; every minute it begins anew and the other, by then a minute old, takes over. A single one would miss the
 * delay it was reset in, and longer delays the more likely.
 */
export class EventLoopDelay {
  #older = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #younger = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  /** Measures until the returned function is called. Keeps no process alive. */
  start(): () => void {
    const monitors = [this.#older, this.#younger]
    for (const monitor of monitors) monitor.enable()
    const timer = setInterval(() => this.turn(), WINDOW_MS).unref()
    return () => {
      clearInterval(timer)
      for (const monitor of monitors) monitor.disable()
    }
  }

  current(): DelayFigures {
    return {
      p50Seconds: delaySeconds(this.#older.percentile(50)),
      p99Seconds: delaySeconds(this.#older.percentile(99)),
      maxSeconds: delaySeconds(this.#older.max)
    }
  }

  /** A window is over: what was before it is forgotten. */
  turn(): void {
    const older = this.#older
    older.reset()
    this.#older = this.#younger
    this.#younger = older
  }
}

/** The histogram holds nanoseconds between two runs of a timer, so its period is no delay. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000)
}
