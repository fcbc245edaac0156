import type { ApiEvent } from '../../shared/api.ts'
import type { ShellEvent } from '../../shared/bridge.ts'
import type { EventLog } from '../api/event-log.ts'

/** Main's end of a message channel (Electron's MessagePortMain). */
export interface EventPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: { data: unknown }) => void): unknown
  on(event: 'close', listener: () => void): unknown
  start(): void
  close(): void
}

export interface EventPortsComponents {
  /** The events of the node that runs now; undefined if none does. */
  events: () => EventLog | undefined
}

/** What may be on its way to a window that does not read; it goes on from its last id when it reads again. */
const MOST_UNREAD = 1000
/** A page has one or two; a reload closes its own. */
const MOST_PORTS = 8

/**
 * Sends the node's events and the desktop's own to the window. While paused (the window is hidden) nothing is listened to,
 * so that nothing is made for nobody; then every port goes on after its last id.
 */
export class EventPorts {
  readonly #components: EventPortsComponents
  readonly #ports: Subscription[] = []
  /** What the window is to be told when it looks: the newest of each kind. */
  readonly #kept = new Map<ShellEvent['name'], ShellEvent>()
  #paused = false

  constructor(components: EventPortsComponents) {
    this.#components = components
  }

  /** Sends what happened after `lastId`, then what happens. */
  add(port: EventPort, lastId?: string): void {
    const subscription = new Subscription(port, lastId ?? this.#components.events()?.lastId)
    while (this.#ports.length >= MOST_PORTS) this.#ports.shift()?.close()
    this.#ports.push(subscription)
    port.on('message', ({ data }) => subscription.acknowledge(data))
    port.on('close', () => this.#remove(subscription))
    port.start()
    if (this.#paused) return
    subscription.listen(this.#components.events())
    this.#tellKept()
  }

  /** Tells all ports now, or the next one that there is. */
  tell(event: ShellEvent): void {
    this.#kept.set(event.name, event)
    if (!this.#paused) this.#tellKept()
  }

  pause(): void {
    this.#paused = true
    for (const each of this.#ports) each.ignore()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.sourceChanged()
    this.#tellKept()
  }

  /** There is another node, or none. */
  sourceChanged(): void {
    if (this.#paused) return
    for (const each of this.#ports) each.listen(this.#components.events())
  }

  #tellKept(): void {
    if (this.#ports.length === 0) return
    for (const event of this.#kept.values()) for (const each of this.#ports) each.send(event)
    this.#kept.clear()
  }

  #remove(subscription: Subscription): void {
    subscription.ignore()
    const at = this.#ports.indexOf(subscription)
    if (at !== -1) this.#ports.splice(at, 1)
  }
}

class Subscription {
  readonly #port: EventPort
  #lastId: string | undefined
  #source: EventLog | undefined
  #stop: (() => void) | undefined
  #unread = 0

  constructor(port: EventPort, lastId: string | undefined) {
    this.#port = port
    this.#lastId = lastId
  }

  /** From its last id on. */
  listen(source: EventLog | undefined): void {
    this.ignore()
    this.#source = source
    this.#open()
  }

  ignore(): void {
    this.#source = undefined
    this.#close()
  }

  #open(): void {
    if (this.#source === undefined || this.#isFull) return
    const stop = this.#source.listen(event => this.#pass(event), undefined, this.#lastId)
    // What was missed is passed before `listen` returns; it may already be all that the window can take.
    if (this.#isFull) stop()
    else this.#stop = stop
  }

  #close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #pass(event: ApiEvent): void {
    if (this.#isFull) return this.#close()
    this.#lastId = event.id
    this.send(event)
  }

  get #isFull(): boolean {
    return this.#unread >= MOST_UNREAD
  }

  send(event: ApiEvent | ShellEvent): void {
    this.#unread++
    this.#port.postMessage(event)
  }

  /** The window has read that many. */
  acknowledge(count: unknown): void {
    if (typeof count !== 'number' || !(count > 0)) return
    this.#unread = Math.max(0, this.#unread - count)
    if (this.#stop === undefined) this.#open()
  }

  close(): void {
    this.ignore()
    this.#port.close()
  }
}
