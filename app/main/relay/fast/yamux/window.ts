import { FIRST_WINDOW_BYTES } from './frame.ts'

/**
 * A window so large that it lets through so much is not what holds the sender up: it only grows on a path longer
 * than that, and so stays small between two processes of one machine.
 */
const PLENTY_BYTES_PER_MS = 128 * 1024

/**
 * What the sender of a stream may send us: never more than one window that we have not finished reading. It doubles,
 * up to the largest, when the sender used it up within a few round trips: then it was the window that held it up.
 */
export class ReceiveWindow {
  readonly #mostBytes: number
  #bytes = FIRST_WINDOW_BYTES
  /** What the sender may still send. */
  #left = FIRST_WINDOW_BYTES
  /** What has arrived and is not read yet. */
  #held = 0
  /** What is read, and the sender does not know of. */
  #credited = 0
  #openedMs = -Infinity

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get held(): number {
    return this.#held
  }

  /** The sender has begun to send so much; false where it may not. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  arrived(bytes: number): void {
    this.#held += bytes
  }

  /** So much has been read. */
  credit(bytes: number): void {
    // A stream's user may put bytes back, and read them twice.
    const read = Math.min(bytes, this.#held)
    this.#held -= read
    this.#credited += read
  }

  /** Enough was read that the sender should know. */
  get due(): boolean {
    return this.#credited >= this.#bytes / 4
  }

  /** What to tell the sender that it may send more; `rttMs` is negative where it is not known. */
  open(nowMs: number, rttMs: number): number {
    // At this rate a whole window passes within four round trips.
    const quick = nowMs - this.#openedMs < (4 * rttMs * this.#credited) / this.#bytes
    const grown = quick && rttMs > this.#bytes / PLENTY_BYTES_PER_MS ? 2 * this.#bytes : this.#bytes
    const bytes = Math.max(this.#bytes, Math.min(grown, this.#mostBytes))
    const more = this.#credited + bytes - this.#bytes
    this.#bytes = bytes
    this.#left += more
    this.#credited = 0
    this.#openedMs = nowMs
    return more
  }
}
