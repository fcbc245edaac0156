import type { ApiEvent, ApiEvents, ModeInfo, SettingsInfo, Status } from '../../shared/api.ts'
import type { ShellEvent } from '../../shared/bridge.ts'
import type { ShellInfo } from '../../shared/shell.ts'
import { ApiFault, type Client, type Connection } from '../client/client.ts'
import { LiveRates } from './live-rates.ts'
import type { Visibility } from './visibility.svelte.ts'

type Listener = (event: ApiEvent) => void
/** What happens to the addresses comes in bursts: one new snapshot serves for all of them. */
const SETTLE_MS = 300
/** Totals and the peers of the DHT have no events: they are read anew this often while someone looks. */
const REFRESH_MS = 5_000
const RETRY_MS = 1_000

/**
 * The node as the pages see it: a snapshot, then events by id. While nobody sees the page it listens to nothing;
 * when it is seen again it goes on from its last event, or takes a new snapshot.
 */
export class NodeState {
  readonly client: Client
  connection = $state<Connection>('connecting')
  status = $state.raw<Status>()
  settings = $state.raw<SettingsInfo>()
  tick = $state.raw<ApiEvents['tick']>()
  shell = $state.raw<ShellInfo>()
  /** Why the node's program part gives no status. */
  fault = $state.raw<ApiFault>()
  /** Relayed bytes a second of the last minutes, second by second. */
  readonly live = new LiveRates()
  readonly #visibility: Visibility
  readonly #listeners = new Set<Listener>()
  readonly #onShell: (event: ShellEvent) => void
  #lastId: string | undefined
  #stop: (() => void) | undefined
  #timers: ReturnType<typeof setTimeout>[] = []
  #refresh: ReturnType<typeof setInterval> | undefined
  #snapshot: Promise<void> | undefined
  #clockAheadMs = 0

  constructor(client: Client, visibility: Visibility, onShell: (event: ShellEvent) => void = () => {}) {
    this.client = client
    this.#visibility = visibility
    this.#onShell = onShell
  }

  /** Follows the node for as long as the page can be seen. To be called while a component is set up. */
  follow(): void {
    $effect(() => {
      if (!this.#visibility.visible) return
      this.#begin()
      return () => this.#end()
    })
  }

  get mode(): ModeInfo | undefined {
    return this.status?.mode
  }

  /** A setting's value that runs, or would run. */
  value(key: string): unknown {
    return this.settings?.settings.find(setting => setting.key === key)?.value
  }

  /**
   * The node's time, in milliseconds since 1970: a dashboard's browser may be on another machine, whose clock goes
   * differently.
   */
  now(): number {
    return Date.now() + this.#clockAheadMs
  }

  /** Is told of every event while the page can be seen; after `missed-events` what is known must be read anew. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads everything anew. */
  async reload(): Promise<void> {
    this.#snapshot ??= this.#read().finally(() => (this.#snapshot = undefined))
    return this.#snapshot
  }

  /** Of a browser. @throws ApiFault, and it is signed in still */
  async signOut(): Promise<void> {
    await this.client.signOut?.()
    await this.#readStatus()
  }

  async reloadSettings(): Promise<void> {
    this.settings = await this.client.api.settings()
  }

  #begin(): void {
    if (this.client.shell !== undefined) {
      void this.client.shell.info().then(
        info => (this.shell = info),
        () => {}
      )
    }
    const fresh = this.#lastId === undefined
    void this.reload().then(() => {
      // What happened while nobody looked is in the snapshot; lists hear of it by this.
      if (!fresh) this.#tell({ id: '', name: 'missed-events', at: '', value: { eventId: '' } })
    })
    this.#refresh = setInterval(() => void this.#readAgain(), REFRESH_MS)
  }

  #end(): void {
    this.#stop?.()
    this.#stop = undefined
    clearInterval(this.#refresh)
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    this.live.pause()
  }

  async #read(): Promise<void> {
    this.#stop?.()
    this.#stop = undefined
    const read = await this.#readStatus()
    if (!this.#visibility.visible) return
    if (read) {
      await this.reloadSettings().catch(() => {})
      this.#lastId = this.status?.eventId
    }
    this.#stop = this.client.subscribe(
      this.#lastId === undefined ? {} : { lastId: this.#lastId },
      event => this.#on(event),
      state => this.#onConnection(state)
    )
    // The desktop's node may be starting, or have failed to.
    if (!read && this.client.shell !== undefined) this.#later(() => void this.reload(), RETRY_MS)
  }

  async #readAgain(): Promise<void> {
    // Until there is a session again, which the carrier notices.
    if (this.connection === 'signed-out') return
    const read = await this.#readStatus()
    // They were asked for while the connection was lost.
    if (read && this.settings === undefined) await this.reloadSettings().catch(() => {})
  }

  async #readStatus(): Promise<boolean> {
    try {
      this.status = await this.client.api.status()
      this.fault = undefined
      // Without a tick this is the best that is known of the node's clock.
      const { startedAt, uptimeSeconds } = this.status
      if (this.tick === undefined) this.#setClock(Date.parse(startedAt) + uptimeSeconds * 1000)
      if (this.connection === 'signed-out') this.connection = 'connecting'
      return true
    } catch (error) {
      if (error instanceof ApiFault) this.fault = error
      if (error instanceof ApiFault && error.code === 'not-authorised') this.connection = 'signed-out'
      return false
    }
  }

  #setClock(nowMs: number): void {
    this.#clockAheadMs = nowMs - Date.now()
  }

  #onConnection(state: Connection): void {
    const before = this.connection
    this.connection = state
    if (state === 'lost') this.live.pause()
    // Totals have moved on meanwhile; what else happened comes by events.
    if (state === 'connected' && (before === 'lost' || before === 'signed-out')) void this.#readAgain()
  }

  #on(event: ApiEvent | ShellEvent): void {
    if (event.name === 'shell-changed') this.#onShellInfo(event.value)
    if (event.name === 'shell-changed' || event.name === 'navigate' || event.name === 'network-link') {
      return this.#onShell(event)
    }
    if (event.id !== '') this.#lastId = event.id
    this.#apply(event)
    this.#tell(event)
  }

  #apply(event: ApiEvent): void {
    switch (event.name) {
      case 'tick':
        this.tick = event.value
        this.#setClock(Date.parse(event.at))
        this.live.add(Date.parse(event.at), event.value.rates['10s'])
        break
      case 'mode-changed':
        if (this.status !== undefined) this.status = { ...this.status, mode: event.value }
        this.#soon()
        break
      case 'settings-changed':
        void this.reloadSettings().catch(() => {})
        this.#soon()
        break
      case 'address-changed':
      case 'mapping-changed':
      case 'auto-tls-changed':
        this.#soon()
        break
      case 'missed-events':
        this.#lastId = undefined
        void this.reload()
        break
    }
  }

  #onShellInfo(info: ShellInfo): void {
    const started = this.shell?.node !== 'running' && info.node === 'running'
    this.shell = info
    if (started) void this.reload()
  }

  #soon(): void {
    this.#later(() => void this.#readStatus(), SETTLE_MS)
  }

  #later(run: () => void, milliseconds: number): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    this.#timers.push(setTimeout(run, milliseconds))
  }

  #tell(event: ApiEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
