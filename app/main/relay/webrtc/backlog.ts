/** What all streams together may hold beyond their windows. */
const SHARED_BYTES = 64 * 1024 * 1024
/** What one may: the largest window that other implementations give a stream within a circuit. */
const MOST_OF_ONE = 16 * 1024 * 1024

/**
 * Bytes that wait for slow readers beyond what a stream may hold by itself. Nobody can slow down who sends by WebRTC, but
 * within a circuit the two ends have a window of their own; so there is an end to it, and this is room for that.
 */
export class Backlog {
  #left = SHARED_BYTES

  /** An account of one stream. */
  open(windowBytes: number): Account {
    let waiting = 0
    const beyond = (): number => Math.max(0, waiting - windowBytes)
    const change = (bytes: number): void => {
      const before = beyond()
      waiting += bytes
      this.#left += before - beyond()
    }
    return {
      add: bytes => {
        change(bytes)
        return beyond() <= MOST_OF_ONE && this.#left >= 0
      },
      drop: bytes => change(-bytes),
      close: () => change(-waiting)
    }
  }
}

export interface Account {
  /** More bytes wait; false if they are too many now. */
  add(bytes: number): boolean
  /** So many are done with. */
  drop(bytes: number): void
  close(): void
}
