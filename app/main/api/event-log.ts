import type { ApiEvent, ApiEvents, EventName } from '../../shared/api.ts'
import { isoTime } from '../observe/iso-time.ts'

/** What a client that was away may still get: so many events, and none older than this. */
const KEPT_EVENTS = 2000
const KEPT_MS = 5 * 60_000

export interface EventLogComponents {
  /** Milliseconds since 1970. */
  now: () => number
  /** A word that no other run of the node had: ids of another run are not taken for ours. */
  run: string
}

type Listener = (event: ApiEvent) => void

/** Figures and lines that repeat: who missed some is better served by the next. */
const PASSING: ReadonlySet<EventName> = new Set(['tick', 'log'])

/** The node's events, numbered, the newest kept for clients that lost their connection for a moment. */
export class EventLog {
  readonly #components: EventLogComponents
  readonly #kept: { number: number; event: ApiEvent; at: number }[] = []
  readonly #listeners = new Map<Listener, ReadonlySet<EventName> | undefined>()
  #last = 0

  constructor(components: EventLogComponents) {
    this.#components = components
  }

  /** The id of the newest event: those after it have happened since. */
  get lastId(): string {
    return this.#idOf(this.#last)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Whether someone listens to events of that name: those that repeat need not be made otherwise. */
  hasListener(name: EventName): boolean {
    for (const names of this.#listeners.values()) if (names === undefined || names.has(name)) return true
    return false
  }

  emit<Name extends EventName>(name: Name, value: ApiEvents[Name]): void {
    const at = this.#components.now()
    const passing = PASSING.has(name)
    if (!passing) this.#last++
    const event = { id: this.lastId, name, at: isoTime(at), value } as ApiEvent
    if (!passing) this.#keep(event, at)
    for (const [listener, names] of this.#listeners)
      if (names === undefined || names.has(name)) listener(event)
  }

  /**
   * Listens to events of those names (all, if none are given), first to those after `lastId`. Returns what ends it.
   */
  listen(listener: Listener, names?: readonly EventName[], lastId?: string): () => void {
    const wanted = names === undefined ? undefined : new Set(names)
    for (const event of this.#after(lastId)) {
      if (wanted === undefined || wanted.has(event.name) || event.name === 'missed-events') listener(event)
    }
    this.#listeners.set(listener, wanted)
    return () => void this.#listeners.delete(listener)
  }

  #after(id: string | undefined): ApiEvent[] {
    if (id === undefined) return []
    this.#forget(this.#components.now())
    const [run, text = ''] = id.split('.')
    const number = Number(text)
    const oldest = this.#kept[0]?.number ?? this.#last + 1
    const known =
      run === this.#components.run && /^\d+$/.test(text) && number <= this.#last && number >= oldest - 1
    if (known) return this.#kept.filter(each => each.number > number).map(({ event }) => event)
    const at = new Date(this.#components.now()).toISOString()
    return [{ id: this.lastId, name: 'missed-events', at, value: { eventId: this.lastId } }]
  }

  #keep(event: ApiEvent, at: number): void {
    this.#kept.push({ number: this.#last, event, at })
    if (this.#kept.length > 2 * KEPT_EVENTS) this.#kept.splice(0, this.#kept.length - KEPT_EVENTS)
    // Peers' doings are not kept for longer than they may be asked for.
    if (at - (this.#kept[0]?.at ?? at) > 2 * KEPT_MS) this.#forget(at)
  }

  #forget(now: number): void {
    const from = this.#kept.findIndex(({ at }) => now - at <= KEPT_MS)
    this.#kept.splice(0, from === -1 ? this.#kept.length : from)
  }

  #idOf(number: number): string {
    return `${this.#components.run}.${number}`
  }
}
