import type { NativeConnection, NativeServer } from './native.ts'

/** Accepts kept beside those whose handshakes go on. */
const SPARE = 64
/** The most at once: a thousand cost 2 MB, and each of them a little in every event the engine sends us. */
const MOST = 1024
/** How often it is looked whether enough are spare. */
const LOOK_MS = 1000

interface AcceptsEvents {
  accepted(connection: NativeConnection): void
  /** A handshake came to nothing. */
  failed(): void
}

/**
 * Accepts connections. The binding gives one when its handshake is done, so one accept at a time would let a single
 * half-open client hold up all others: there are always more of them than handshakes that go on.
 */
export class Accepts {
  readonly #server: NativeServer
  readonly #events: AcceptsEvents
  readonly #timer = setInterval(() => this.#fill(), LOOK_MS).unref()
  #waiting = 0
  #settled = 0
  #stopped = false

  constructor(server: NativeServer, events: AcceptsEvents) {
    this.#server = server
    this.#events = events
    this.#fill()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  get #wanted(): number {
    const underWay = this.#server.stats().acceptedHandshakes - this.#settled
    return Math.min(SPARE + 4 * underWay, MOST)
  }

  #fill(): void {
    for (const wanted = this.#wanted; this.#waiting < wanted;) void this.#accept()
  }

  async #accept(): Promise<void> {
    this.#waiting++
    try {
      do await this.#next()
      while (!this.#stopped && this.#waiting <= this.#wanted)
    } finally {
      this.#waiting--
    }
  }

  async #next(): Promise<void> {
    try {
      const connection = await this.#server.inboundConnection()
      this.#settled++
      this.#events.accepted(connection)
    } catch (error) {
      // A closed server would fail again at once, for ever.
      if (String(error).includes('server closed')) return this.stop()
      // Others were refused before the engine counted them. To take too many for handshakes that go on is safe.
      if (BEGUN.test(String(error))) this.#settled++
      this.#events.failed()
    }
  }
}

/** How a handshake ends that had begun. */
const BEGUN = /timed out|closed by peer|reset by peer|aborted by peer|closed$/
