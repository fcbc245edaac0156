import { randomBytes } from 'node:crypto'
import type { Connection, Libp2pEvents, Startable, TypedEventTarget } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { openStream } from './direct-streams.ts'
import { PING_PROTOCOL } from './ping.ts'

const PING_BYTES = 32
/** How often a connection is tried, while there are few enough. */
const EVERY_MS = 30_000
/** The most of them in a second, whatever there are. */
const MOST_PER_SECOND = 8
const TIMEOUT_MS = 15_000

export interface CheckComponents {
  events: TypedEventTarget<Libp2pEvents>
}

export interface CheckOptions {
  everyMs?: number
  mostPerSecond?: number
  timeoutMs?: number
}

/**
 * Finds connections whose other side is gone without a word, and ends them, in place of libp2p's monitor, which tries
 * all at once. With more than a few hundred it takes them in turn, so that ten thousand idle ones cost next to
 * nothing: that a machine lost its power or its network is noticed by the system's own probes (SocketDuct) and by
 * QUIC's idle timeout, in less than a minute. Left for this is a program that hangs while its system goes on.
 */
export class ConnectionCheck implements Startable {
  readonly #components: CheckComponents
  readonly #options: Required<CheckOptions>
  /** When each was last tried, in milliseconds; the longest ago first. */
  readonly #triedAt = new Map<Connection, number>()
  #timer: ReturnType<typeof setInterval> | undefined
  #stopping = new AbortController()

  constructor(components: CheckComponents, options: CheckOptions = {}) {
    this.#components = components
    this.#options = {
      everyMs: EVERY_MS,
      mostPerSecond: MOST_PER_SECOND,
      timeoutMs: TIMEOUT_MS,
      ...options
    }
  }

  start(): void {
    const { events } = this.#components
    this.#stopping = new AbortController()
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    this.#stopping.abort()
    this.#triedAt.clear()
    this.#rest()
  }

  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.status !== 'open') return
    this.#triedAt.set(connection, performance.now())
    this.#timer ??= setInterval(() => this.#tick(), 1000)
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.#triedAt.delete(connection)
    // A node without connections need not wake up.
    if (this.#triedAt.size === 0) this.#rest()
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const { everyMs, mostPerSecond } = this.#options
    const now = performance.now()
    let tried = 0
    for (const [connection, at] of this.#triedAt) {
      if (now - at < everyMs || tried++ >= mostPerSecond) return
      this.#triedAt.delete(connection)
      this.#triedAt.set(connection, now)
      this.#check(connection).catch((error: Error) => connection.abort(error))
    }
  }

  /** @throws where nothing came back */
  async #check(connection: Connection): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(this.#options.timeoutMs)])
    try {
      const stream = await openStream(connection, PING_PROTOCOL, signal)
      const bytes = byteStream(stream)
      try {
        await Promise.all([
          bytes.write(randomBytes(PING_BYTES), { signal }),
          bytes.read({ bytes: PING_BYTES, signal })
        ])
        await stream.close({ signal })
      } catch (error) {
        stream.abort(error as Error)
        throw error
      }
    } catch (error) {
      // A peer that says it does not speak this is there.
      if ((error as Error).name !== 'UnsupportedProtocolError' && !this.#stopping.signal.aborted) throw error
    }
  }
}
