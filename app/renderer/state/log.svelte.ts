import type { ApiEvent, LogLine } from '../../shared/api.ts'
import { eventText, log as text } from '../text/log.ts'
import { joinLines, kindOf, lineText, MOST_ENTRIES, type Entry, type Level } from './log-entries.ts'
import type { NodeState } from './node.svelte.ts'
import type { Visibility } from './visibility.svelte.ts'
import { errorText } from '../text/errors.ts'

/** What comes in bursts is shown together. */
const SETTLE_MS = 200

/** The node's log lines, and its events since someone first looked at them. Both are kept up to a length. */
export class LogState {
  lines = $state.raw<Entry[]>([])
  events = $state.raw<Entry[]>([])
  /** Why the lines cannot be read. */
  problem = $state<string>()
  readonly #node: NodeState
  #known: LogLine[] = []
  #newLines: LogLine[] = []
  #newEvents: Entry[] = []
  #reading = false
  #settling = false
  #nextId = 1

  constructor(node: NodeState) {
    this.#node = node
    node.listen(event => this.#on(event))
  }

  /** Reads what the log holds whenever the page is seen again. To be called while a component is set up. */
  follow(visibility: Visibility): void {
    $effect(() => {
      if (visibility.visible && this.#node.connection === 'connected') void this.#read()
    })
  }

  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      const newest = await this.#node.client.api.logs()
      this.#known = joinLines(this.#known, newest, this.#newLines.splice(0))
      this.lines = this.#known.map(line => this.#entryOf(line))
      this.problem = undefined
    } catch (error) {
      this.problem = errorText(error)
    } finally {
      this.#reading = false
    }
  }

  #on(event: ApiEvent): void {
    if (event.name === 'log') this.#newLines.push(event.value)
    else if (event.name === 'missed-events') this.#missed()
    else this.#addEvent(event)
    if (this.#settling) return
    this.#settling = true
    setTimeout(() => this.#settle(), SETTLE_MS)
  }

  #addEvent(event: ApiEvent): void {
    const tag = kindOf(event.name)
    if (tag !== undefined)
      this.#newEvents.push({ id: this.#nextId++, at: event.at, tag, text: eventText(event) })
  }

  #missed(): void {
    if (this.events.length + this.#newEvents.length > 0) {
      this.#newEvents.push({
        id: this.#nextId++,
        at: new Date(this.#node.now()).toISOString(),
        tag: 'gap',
        text: text.gap
      })
    }
    void this.#read()
  }

  #settle(): void {
    this.#settling = false
    if (this.#newEvents.length > 0)
      this.events = [...this.events, ...this.#newEvents.splice(0)].slice(-MOST_ENTRIES)
    // While all are read anew these are joined with them.
    if (this.#reading || this.#newLines.length === 0) return
    const added = this.#newLines.splice(0)
    this.#known = [...this.#known, ...added].slice(-MOST_ENTRIES)
    this.lines = [...this.lines, ...added.map(line => this.#entryOf(line))].slice(-MOST_ENTRIES)
  }

  #entryOf(line: LogLine): Entry {
    return { id: this.#nextId++, at: line.time, tag: line.level as Level, text: lineText(line) }
  }
}

const logs = new WeakMap<NodeState, LogState>()

/** The one log of a node: it goes on while other pages are shown. */
export function logOf(node: NodeState): LogState {
  const log = logs.get(node) ?? new LogState(node)
  logs.set(node, log)
  return log
}
