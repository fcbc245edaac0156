import type { NativeStream } from './native.ts'

/** What a read makes room for, and the engine clears, before it knows how much there is. */
const LARGEST_READ_BYTES = 64 * 1024
const SMALLEST_READ_BYTES = 4096
/** Bytes that may wait for their reader before no more are asked for. */
const UNCREDITED_BYTES = 64 * 1024
/** They may be short of that before the last read. */
export const MOST_UNCREDITED_BYTES = UNCREDITED_BYTES + LARGEST_READ_BYTES
/** How often a paused stream is looked at. */
const LOOK_MS = 1000

interface InflowEvents {
  bytes(chunk: Uint8Array): void
  ended(): void
  failed(error: unknown): void
}

/**
 * Reads of a stream. While it is paused nothing is read: what the peer sends then waits in QUIC's own receive window,
 * and when that is full the peer waits too.
 */
export class Inflow {
  readonly #native: NativeStream
  readonly #events: InflowEvents
  readonly #arrived = (chunk: Uint8Array | null): void => this.#take(chunk)
  readonly #failed = (error: unknown): void => {
    this.#over = true
    this.#events.failed(error)
  }
  #room = SMALLEST_READ_BYTES
  #reading = false
  #over = false
  #paused = false
  #uncredited = 0
  #look: NodeJS.Timeout | undefined

  constructor(native: NativeStream, events: InflowEvents) {
    this.#native = native
    this.#events = events
  }

  /** Reads on, if nothing keeps it from it. */
  go(): void {
    if (this.#reading || this.#over) return
    if (this.#paused || this.#uncredited >= UNCREDITED_BYTES) this.#lookLater()
    else this.#read(this.#room)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.go()
  }

  /** So many bytes wait for their reader. */
  debit(bytes: number): void {
    this.#uncredited += bytes
  }

  credit(bytes: number): void {
    this.#uncredited -= bytes
    this.go()
  }

  stop(): void {
    this.#over = true
    clearTimeout(this.#look)
  }

  #read(bytes: number): void {
    this.#reading = true
    this.#native.read(bytes).then(this.#arrived, this.#failed)
  }

  #take(chunk: Uint8Array | null): void {
    this.#reading = false
    if (this.#over) return
    if (chunk === null) {
      this.stop()
      return this.#events.ended()
    }
    this.#room = roomAfter(chunk.byteLength, this.#room)
    this.#events.bytes(chunk)
    this.go()
  }

  /**
   * A reset shows only to a reader. A stream that is paused still takes a byte now and then, or its circuit would keep
   * its place after its peer has given it up.
   */
  #lookLater(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined
      if (!this.#reading && !this.#over) this.#read(1)
    }, LOOK_MS)
  }
}

/** Little while the peer sends little, since an idle stream always has a read open. */
function roomAfter(read: number, room: number): number {
  if (read < SMALLEST_READ_BYTES) return SMALLEST_READ_BYTES
  const next = read < room ? Math.max(2 * read, room / 2) : 4 * room
  return Math.min(next, LARGEST_READ_BYTES)
}
