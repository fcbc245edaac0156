import type { AddressState, ModeInfo, NodeMode, Status } from '../shared/api.ts'
import { messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import { Modes } from './modes.ts'
import type { TrafficHints } from './net/traffic.ts'
import type { NodeBus } from './observe/events.ts'
import type { Log } from './observe/log.ts'
import { nextMonth } from './quota.ts'
import { counter } from './relay/circuit/service.ts'
import type { Identity } from './relay/identity.ts'
import { RelayNode } from './relay/node.ts'

export interface NodeRunnerComponents {
  log: Log
  bus: NodeBus
  settings: () => Settings
  /** Whether the month's bytes are used up. */
  quotaUsedUp: () => boolean
  /** What must be known after a restart too. */
  remember: {
    rememberPause(paused: { until?: number } | undefined): Promise<void>
    readonly rememberedPause: { until?: number } | undefined
  }
  /** Is told of datagrams. */
  traffic: TrafficHints
  modeChanged: (info: ModeInfo) => void
}

export interface NodeRunnerOptions {
  version: string
  /** Transports the person asked for by flag. */
  askedFor: ReadonlySet<string>
  debug?: string
}

/** Figures of the moment; how many addresses there are of each state. */
export interface Activity extends Pick<Status, 'reservations' | 'circuits' | 'connections' | 'dhtPeers'> {
  mode: NodeMode
  addresses: Partial<Record<AddressState, number>>
}

/** How long after a failed attempt to wake the node the next one is made. */
const RETRY_MS = 30_000

/**
 * Runs the node and says when it takes work. Beyond its quota it lets circuits finish and then stops the node, so
 * that it listens nowhere and nothing more is used; with the new month, or a larger quota, it makes a new one.
 */
export class NodeRunner {
  readonly #components: NodeRunnerComponents
  readonly #options: NodeRunnerOptions
  readonly #modes: Modes
  readonly #nextCircuitId = counter()
  #identity: Identity | undefined
  #node: RelayNode | undefined
  #warnings: string[] = []
  #settling: Promise<void> | undefined
  #retryAt = 0
  /** Between the end of `start` and the beginning of `stop`: only then does the mode wake it, or put it to sleep. */
  #settles = false

  constructor(components: NodeRunnerComponents, options: NodeRunnerOptions) {
    this.#components = components
    this.#options = options
    this.#modes = new Modes({
      now: () => Date.now(),
      circuits: () => this.#node?.relay.circuits.size ?? 0,
      changed: info => this.#onMode(info)
    })
  }

  get node(): RelayNode | undefined {
    return this.#node
  }

  get mode(): ModeInfo {
    return this.#modes.info
  }

  /** What it does now, also while it sleeps. */
  get activity(): Activity {
    const node = this.#node
    const settings = this.#components.settings()
    const addresses: Activity['addresses'] = {}
    for (const { state } of node?.addressStates() ?? []) addresses[state] = (addresses[state] ?? 0) + 1
    return {
      mode: this.#modes.mode,
      reservations: { held: node?.relay.reservations.size ?? 0, limit: settings['relay.reservations.total'] },
      circuits: { running: node?.relay.circuits.size ?? 0, limit: settings['relay.circuits.total'] },
      connections: { peers: node?.connectedPeers ?? 0, byTransport: node?.connectionsByTransport() ?? {} },
      dhtPeers: node?.dhtSize ?? 0,
      addresses
    }
  }

  /** Sentences about what could not be opened at the node's last start. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** Starts the node, unless its quota is used up. @throws AppError where it cannot listen */
  async start(identity: Identity): Promise<void> {
    this.#identity = identity
    this.#resumePause()
    this.checkQuota()
    if (this.#modes.mode !== 'quota') await this.#open()
    this.#settles = true
  }

  async stop(): Promise<void> {
    this.#settles = false
    // First, because what falls asleep waits for its circuits; and again, because it may just have woken.
    await this.#close()
    await this.#settling
    await this.#close()
  }

  /** Takes no new work, lets circuits finish for that many seconds, then ends them. */
  async drain(seconds: number): Promise<void> {
    this.#modes.drain(Date.now() + seconds * 1000)
    await this.#node?.relay.drain(seconds * 1000)
  }

  /** Until that time in milliseconds since 1970, or until resumed. */
  async pause(until: number | undefined): Promise<void> {
    this.#modes.pause(until)
    await this.#components.remember.rememberPause(until === undefined ? {} : { until })
  }

  async resume(): Promise<void> {
    this.#modes.resume()
    await this.#components.remember.rememberPause(undefined)
  }

  /** To be called when the settings have changed. */
  settingsChanged(): void {
    this.#node?.applySettings(this.#components.settings())
    this.checkQuota()
  }

  /** To be called whenever more may have been used, or the month may be another. */
  checkQuota(): void {
    this.#modes.setQuota(this.#components.quotaUsedUp() ? nextMonth(Date.now()) : undefined)
  }

  /** Once a second. */
  tick(): void {
    this.#modes.tick()
    this.#node?.inspector.sample()
    this.#settle()
  }

  #onMode(info: ModeInfo): void {
    const { mode } = info
    this.#components.modeChanged(info)
    this.#node?.relay.setMode(mode)
    this.#settle()
  }

  /** A pause that has ended while the node did not run is none. */
  #resumePause(): void {
    const paused = this.#components.remember.rememberedPause
    if (paused === undefined) return
    if (paused.until === undefined || paused.until > Date.now()) this.#modes.pause(paused.until)
    else void this.#components.remember.rememberPause(undefined)
  }

  /** Brings the node to what the mode asks for, one step at a time. */
  #settle(): void {
    if (this.#settling !== undefined || !this.#settles) return
    const asleep = this.#node === undefined
    if (asleep === (this.#modes.mode === 'quota')) return
    if (asleep && (performance.now() < this.#retryAt || this.#modes.mode === 'draining')) return
    this.#settling = (asleep ? this.#wake() : this.#fallAsleep()).finally(() => (this.#settling = undefined))
  }

  async #fallAsleep(): Promise<void> {
    const seconds = this.#components.settings()['shutdown.timeoutSeconds']
    this.#components.log.warn(
      { seconds },
      'the quota of the month is used up: circuits may finish, then the node sleeps'
    )
    await this.#node?.relay.drain(seconds * 1000, 'quota')
    if (this.#modes.mode !== 'quota' || !this.#settles) return
    await this.#close()
    this.#components.log.info('the node sleeps until the month ends or quota.bytesPerMonth is raised')
  }

  async #wake(): Promise<void> {
    try {
      await this.#open()
      this.#components.log.info('the node is awake')
    } catch (error) {
      this.#retryAt = performance.now() + RETRY_MS
      this.#warnings = [messageOf(error)]
      this.#components.log.error({ retrySeconds: RETRY_MS / 1000 }, messageOf(error))
    }
  }

  async #open(): Promise<void> {
    const { bus, log, settings, traffic } = this.#components
    const identity = this.#identity
    if (identity === undefined) throw new Error('the node was not started')
    const warnings: string[] = []
    const node = new RelayNode(
      {
        privateKey: identity.privateKey,
        bus,
        traffic,
        nextCircuitId: this.#nextCircuitId,
        warn: sentence => {
          warnings.push(sentence)
          log.warn(sentence)
        }
      },
      { settings: settings(), ...this.#options }
    )
    await node.start()
    this.#warnings = warnings
    // Both may have changed while it started.
    node.applySettings(settings())
    node.relay.setMode(this.#modes.mode)
    this.#node = node
  }

  async #close(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    await node?.stop()
  }
}
