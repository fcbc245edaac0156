import type { Settings } from '../shared/settings.ts'
import { keys, fieldOf, type Key } from '../shared/settings.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { createPublicHttp, type PublicHttp } from './net/public-http.ts'
import { createCounters, type Counters } from './observe/counters.ts'
import { createBus, type NodeBus } from './observe/events.ts'
import { logEvents } from './observe/log-events.ts'
import type { Log } from './observe/log.ts'
import { startSummary } from './observe/summary.ts'
import { loadOrCreateIdentity } from './relay/identity.ts'
import { RelayNode } from './relay/node.ts'

export interface AppComponents {
  log: Log
}

export interface AppOptions {
  settings: Settings
  dataDir: string
  /** The key file; `identity.key` in the data folder unless given. */
  identityFile?: string
  version: string
  /** What the person asked for by flag: if one of these cannot listen, the start fails. */
  askedFor?: ReadonlySet<string>
  debug?: string
}

/** What a change of settings came to. */
export interface Applied {
  applied: Key[]
  needsRestart: Key[]
}

/**
 * The node with everything around it. Making one starts nothing; `start` opens its parts in order, `stop`
 * closes them in reverse and can be called at any time.
 */
export class App {
  readonly bus: NodeBus = createBus()
  readonly counters: Counters = createCounters(this.bus)
  readonly #log: Log
  readonly #options: AppOptions
  #settings: Settings
  #node: RelayNode | undefined
  #http: PublicHttp | undefined
  /** What `stop` has to undo, in the order it was done. */
  readonly #undo: (() => void | Promise<void>)[] = []
  #stopped: Promise<void> | undefined

  constructor({ log }: AppComponents, options: AppOptions) {
    this.#log = log
    this.#options = options
    this.#settings = options.settings
    logEvents(this.bus, log, () => this.#settings)
  }

  /** @throws AppError; what was opened before it is closed again */
  async start(): Promise<void> {
    try {
      const folder = await openDataFolder(this.#options.dataDir)
      await folder.lock()
      this.#undo.push(() => folder.unlock())
      await this.#startNode(folder)
      if (this.#settings['http.enabled']) await this.#startHttp()
      this.#undo.push(this.#startSummary())
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Takes no new work, lets circuits finish for that many seconds, then ends them. `stop` comes after. */
  async drain(seconds: number): Promise<void> {
    await this.#node?.relay.drain(seconds * 1000)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  get node(): RelayNode {
    if (this.#node === undefined) throw new Error('the app was not started')
    return this.#node
  }

  /** Where the public pages are, for someone on this machine. */
  get identityUrls(): string[] {
    const local = (url: string): string =>
      url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
    return (this.#http?.addresses() ?? []).map(url => `${local(url)}/api/v1/identity`)
  }

  /** Applies what can be applied while the node runs, and says what cannot. The settings must be valid. */
  applySettings(settings: Settings): Applied {
    const changed = keys.filter(key => JSON.stringify(settings[key]) !== JSON.stringify(this.#settings[key]))
    const applied = changed.filter(key => fieldOf(key).applies === 'live')
    const live = Object.fromEntries(applied.map(key => [key, settings[key]]))
    this.#settings = { ...this.#settings, ...live }
    this.#log.level = this.#settings['log.level']
    this.#node?.applySettings(this.#settings)
    this.#http?.setRequestsPerIpPerMinute(this.#settings['http.requestsPerIpPerMinute'])
    return { applied, needsRestart: changed.filter(key => !applied.includes(key)) }
  }

  async #startNode(folder: DataFolder): Promise<void> {
    const { version, askedFor, debug, identityFile } = this.#options
    const identity = await loadOrCreateIdentity(identityFile ?? folder.identityFile)
    if (identity.warning !== undefined) this.#log.warn(identity.warning)
    if (identity.created) this.#log.info({ peerId: identity.peerId }, 'created a new identity')
    const node = new RelayNode(
      { privateKey: identity.privateKey, bus: this.bus, warn: sentence => this.#log.warn(sentence) },
      { settings: this.#settings, version, askedFor, debug }
    )
    await node.start()
    this.#node = node
    this.#undo.push(() => node.stop())
  }

  async #startHttp(): Promise<void> {
    const http = createPublicHttp(
      {
        log: this.#log,
        version: this.#options.version,
        identity: () => ({
          peer_id: this.node.peerId,
          addresses: this.node.addresses.all,
          protocol_version: this.node.protocolVersion,
          agent_version: this.node.agentVersion
        }),
        health: () => this.#health()
      },
      {
        hosts: [...this.#settings['listen.ip4'], ...this.#settings['listen.ip6']],
        port: this.#settings['http.port'],
        requestsPerIpPerMinute: this.#settings['http.requestsPerIpPerMinute']
      }
    )
    try {
      await http.start()
    } catch (error) {
      // The relay does without these pages, unless the person asked for them.
      if (this.#options.askedFor?.has('http') === true) throw error
      this.#log.warn(error instanceof Error ? error.message : String(error))
      return
    }
    this.#http = http
    this.#undo.push(() => http.stop())
  }

  #health() {
    const { mode } = this.node.relay
    const draining = mode !== 'open' && mode !== 'paused'
    return {
      alive: true as const,
      listening: this.node.addresses.listening.length > 0,
      draining,
      reasons: draining ? [mode] : []
    }
  }

  #startSummary(): () => void {
    return startSummary({
      log: this.#log,
      counters: this.counters,
      activity: () => ({
        activeCircuits: this.node.relay.circuits.size,
        reservedPeers: this.node.relay.reservations.size,
        connectedPeers: this.node.connectedPeers
      }),
      clock: () => performance.now()
    })
  }

  async #stopAll(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#log.warn({ err: error }, 'a part of the node did not stop cleanly')
      }
    }
  }
}
