import { createParser } from 'eventsource-parser'
import type { ApiEvent } from '../../shared/api.ts'
import type { Connection } from './client.ts'
import type { Page } from './page.ts'

export interface FeedComponents {
  page: Page
  headers: () => Record<string, string>
  listener: (event: ApiEvent) => void
  onConnection: (state: Connection) => void
}

export interface FeedTiming {
  /** The node sends a sign of life every 10 s; after this long without one it is lost. */
  silenceMs: number
  /** Waits between attempts: each twice the one before, up to the second. */
  firstWaitMs: number
  longestWaitMs: number
}

const TIMING: FeedTiming = { silenceMs: 30_000, firstWaitMs: 500, longestWaitMs: 10_000 }

/**
 * The node's events by Server-Sent Events, over fetch, because EventSource sends no header. It goes on by the last id
 * after a lost connection, and holds none while the page is hidden.
 */
export class EventFeed {
  readonly #components: FeedComponents
  readonly #timing: FeedTiming
  #lastId: string | undefined
  #attempt: AbortController | undefined
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #unlisten: (() => void) | undefined

  constructor(components: FeedComponents, { lastId }: { lastId?: string }, timing: Partial<FeedTiming> = {}) {
    this.#components = components
    this.#lastId = lastId
    this.#timing = { ...TIMING, ...timing }
  }

  start(): void {
    this.#unlisten = this.#components.page.onChange(() => this.#onChange())
    if (!this.#components.page.hidden) void this.#connect()
  }

  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#rest()
  }

  /** Shown again, or on a network again: at once. Hidden: nobody sees the events. */
  #onChange(): void {
    if (this.#components.page.hidden) this.#rest()
    else if (this.#attempt === undefined) void this.#connect()
  }

  #rest(): void {
    clearTimeout(this.#retry)
    const attempt = this.#attempt
    this.#attempt = undefined
    attempt?.abort()
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#retry)
    const attempt = new AbortController()
    this.#attempt = attempt
    const end = await this.#read(attempt).catch(() => 'lost' as const)
    // Ended by us: stopped, or hidden.
    if (this.#attempt !== attempt) return
    this.#attempt = undefined
    attempt.abort()
    this.#components.onConnection(end)
    if (end === 'signed-out') return
    this.#retry = setTimeout(() => void this.#connect(), this.#wait())
  }

  #wait(): number {
    const { firstWaitMs, longestWaitMs } = this.#timing
    const wait = Math.min(firstWaitMs * 2 ** this.#failures, longestWaitMs)
    this.#failures++
    // Many pages must not all come back in one moment.
    return wait * (0.75 + Math.random() / 4)
  }

  async #read(attempt: AbortController): Promise<'lost' | 'signed-out'> {
    const { page, headers, onConnection } = this.#components
    let silence = this.#endIfSilent(attempt)
    try {
      const resume = this.#lastId === undefined ? undefined : { 'last-event-id': this.#lastId }
      const response = await page.fetch('/api/events', {
        headers: { accept: 'text/event-stream', ...headers(), ...resume },
        cache: 'no-store',
        signal: attempt.signal
      })
      if (response.status === 401) return 'signed-out'
      if (!response.ok || response.body === null) return 'lost'
      const parser = this.#parser(attempt)
      const decoder = new TextDecoder()
      const reader = response.body.getReader()
      onConnection('connected')
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        clearTimeout(silence)
        silence = this.#endIfSilent(attempt)
        // Something came through: the next loss is a first one.
        this.#failures = 0
        parser.feed(decoder.decode(read.value, { stream: true }))
      }
      return 'lost'
    } finally {
      clearTimeout(silence)
    }
  }

  #endIfSilent(attempt: AbortController): ReturnType<typeof setTimeout> {
    return setTimeout(() => attempt.abort(), this.#timing.silenceMs)
  }

  #parser(attempt: AbortController): ReturnType<typeof createParser> {
    return createParser({
      onId: id => (this.#lastId = id),
      onEvent: ({ id = '', event = '', data }) => {
        // What came with the same piece of data after someone stopped listening.
        if (this.#attempt !== attempt) return
        const { at, value } = JSON.parse(data) as { at: string; value: unknown }
        this.#components.listener({ id, name: event, at, value } as ApiEvent)
      }
    })
  }
}
