import { pino } from 'pino'
import type { LogLine } from '../../shared/api.ts'

/** Enough to see what led to a fault, little enough to forget about. */
const KEPT_LINES = 1000

/** The newest lines of the log, as they were logged: what the log leaves out is not in here either. */
export class LogTail {
  readonly #lines: string[] = []
  readonly #listeners = new Map<(line: LogLine) => void, () => boolean>()

  /** pino writes here. */
  write(json: string): void {
    this.#lines.push(json)
    // In bulk: shifting at every line would move a thousand each time.
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES)
    let line: LogLine | undefined
    for (const [listener, wants] of this.#listeners) if (wants()) listener((line ??= parse(json)))
  }

  /** The newest, oldest first. */
  newest(count: number = KEPT_LINES): LogLine[] {
    return count <= 0 ? [] : this.#lines.slice(-Math.min(count, KEPT_LINES)).map(parse)
  }

  /** `wants`: whether the listener has a use for lines at the moment; to read one costs more than to write it. */
  onLine(listener: (line: LogLine) => void, wants = (): boolean => true): () => void {
    this.#listeners.set(listener, wants)
    return () => void this.#listeners.delete(listener)
  }
}

function parse(json: string): LogLine {
  const {
    level,
    time,
    msg = '',
    ...fields
  } = JSON.parse(json) as { level: number; time: string; msg?: string }
  return { time, level: pino.levels.labels[level] ?? String(level), message: msg, fields }
}
