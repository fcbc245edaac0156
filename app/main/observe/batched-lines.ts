import type { DestinationStream } from 'pino'

/** How long a line may wait for others. */
const WAIT_MS = 100
const MOST_CHARACTERS = 32 * 1024
/** pino's number of the level `warn`. */
const WARN = 40

/** Those that have lines to write; the process writes them before it ends. */
const waiting = new Set<BatchedLines>()
let onExit: (() => void) | undefined

/**
 * Writes many lines at once: each write wakes up whoever reads the log, and on a busy relay that cost more than the
 * circuits themselves. Warnings and errors are written at once, with what came before them.
 */
export class BatchedLines implements DestinationStream {
  readonly #destination: DestinationStream
  #lines = ''
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(destination: DestinationStream) {
    this.#destination = destination
  }

  write(line: string): void {
    this.#lines += line
    if (this.#lines.length >= MOST_CHARACTERS || levelOf(line) >= WARN) return this.flush()
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.flush(), WAIT_MS).unref()
    waiting.add(this)
    if (onExit === undefined) {
      onExit = () => {
        for (const lines of waiting) lines.flush()
      }
      process.on('exit', onExit)
    }
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    waiting.delete(this)
    const lines = this.#lines
    this.#lines = ''
    if (lines !== '') this.#destination.write(lines)
  }
}

/** Of a line as pino writes it: its level comes first. */
function levelOf(line: string): number {
  return Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? WARN)
}
