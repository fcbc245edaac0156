import { errorOf } from '../shared/api-error.ts'
import type { AddressState, ApiError, ModeInfo, NodeMode, Status } from '../shared/api.ts'
import { AppError, messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import type { Budget } from './budget/budget.ts'
import { RULE_WORDS } from './budget/rule-words.ts'
import { Modes } from './modes.ts'
import type { TrafficHints } from './net/traffic.ts'
import type { NodeBus } from './observe/events.ts'
import type { Log } from './observe/log.ts'
import type { Mode as RelayMode } from './relay/circuit/admission.ts'
import { counter } from './relay/circuit/service.ts'
import type { Identity } from './relay/identity.ts'
import { RelayNode, type RelayNodeComponents } from './relay/node.ts'

export interface NodeRunnerComponents {
  log: Log
  bus: NodeBus
  settings: () => Settings
  budget: Pick<Budget, 'look' | 'overloaded' | 'isOverShare' | 'rateCeiling'>
  /** What must be known after a restart too. */
  remember: {
    rememberPause(paused: { until?: number } | undefined): Promise<void>
    readonly rememberedPause: { until?: number } | undefined
  }
  /** Is told of datagrams. */
  traffic: TrafficHints
  /** Where secure WebSocket listens. */
  tls: RelayNodeComponents['tls']
  /** Who may begin a handshake, there too. */
  arrivals: RelayNodeComponents['arrivals']
  modeChanged: (info: ModeInfo) => void
  /** The node has closed, or could not open: the next one may have other settings. */
  closed: () => void
}

export interface NodeRunnerOptions {
  version: string
  /** Transports the person asked for by flag. */
  askedFor: ReadonlySet<string>
  debug?: string
  /** A node that cannot open at the start is tried again, as later ones are. */
  patient?: boolean
}

/** Figures of the moment; how many addresses there are of each state. */
export interface Activity extends Pick<Status, 'reservations' | 'circuits' | 'connections' | 'dhtPeers'> {
  mode: NodeMode
  addresses: Partial<Record<AddressState, number>>
}

/** How long after a failed attempt to open the node the next one is made. */
const RETRY_MS = 30_000
/** Who switches it off wants it to stop: circuits get this long to finish. */
const OFF_SECONDS = 5

/**
 * Runs the node and says when it takes work. Switched off, or held by its budget, it lets circuits finish and then stops
 * the node, so that it listens nowhere and nothing more is used; when the reason is gone, it makes a new one.
 */
export class NodeRunner {
  readonly #components: NodeRunnerComponents
  readonly #options: NodeRunnerOptions
  readonly #modes: Modes
  readonly #nextCircuitId = counter()
  #identity: Identity | undefined
  #dataDir = ''
  #node: RelayNode | undefined
  #opening = false
  #fault: ApiError | undefined
  #warnings: string[] = []
  #settling: Promise<void> | undefined
  #restarting: Promise<void> | undefined
  #retryAt = 0
  /** Between the end of `start` and the beginning of `stop`: only then does the mode wake it, or put it to sleep. */
  #settles = false

  constructor(components: NodeRunnerComponents, options: NodeRunnerOptions) {
    this.#components = components
    this.#options = options
    this.#modes = new Modes(
      {
        now: () => Date.now(),
        circuits: () => this.#node?.relay.circuits.size ?? 0,
        reservations: () => this.#node?.relay.reservations.size ?? 0,
        changed: () => this.#onMode()
      },
      { off: !components.settings()['relay.enabled'] }
    )
  }

  get node(): RelayNode | undefined {
    return this.#node
  }

  /** Whether there is a node, or one is being made: settings of its making can no longer be changed. */
  get hasNode(): boolean {
    return this.#node !== undefined || this.#opening
  }

  /** Switched off, also while the program stops. */
  get off(): boolean {
    return this.#modes.off
  }

  get mode(): ModeInfo {
    const fault = this.#isWanted ? this.#fault : undefined
    return {
      ...this.#modes.info,
      ...(this.#opening && { starting: true }),
      ...(fault !== undefined && { fault })
    }
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

  /** Starts the node, if its mode asks for it. @throws AppError where it cannot listen, unless it is patient */
  async start(identity: Identity, dataDir: string): Promise<void> {
    this.#identity = identity
    this.#dataDir = dataDir
    this.#resumePause()
    this.#readSettings()
    if (this.#isWanted) await (this.#options.patient === true ? this.#wake() : this.#open())
    this.#settles = true
  }

  async stop(): Promise<void> {
    this.#settles = false
    // First, because what falls asleep waits for its circuits; and again, because it may just have woken.
    await this.#close()
    await this.#settling
    await this.#restarting
    await this.#close()
  }

  /** Ends the circuits, and opens a new node in the place of this one. A fault is in the mode then. */
  restart(): Promise<void> {
    if (!this.#settles || !this.#isWanted) return Promise.resolve()
    this.#restarting ??= this.#reopen().finally(() => {
      this.#restarting = undefined
      this.#settle()
    })
    return this.#restarting
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
    this.#readSettings()
    // Another port may be what the fault was waiting for.
    if (this.#fault !== undefined) {
      this.#retryAt = 0
      this.#settle()
    }
  }

  /** To be called whenever a rule of the budget may say another thing. */
  checkBudget(): void {
    const { budget } = this.#components
    const { hold, spent } = budget.look()
    this.#modes.setHeld(hold)
    if (spent) this.#node?.relay.endCircuits()
  }

  /** Once a second. */
  tick(): void {
    this.#modes.tick()
    this.#node?.inspector.sample()
    this.#node?.relay.setRateCeiling(this.#components.budget.rateCeiling)
    this.#settle()
  }

  #readSettings(): void {
    this.#modes.setOff(!this.#components.settings()['relay.enabled'])
    this.checkBudget()
  }

  /** Whether the mode asks for a node; while draining it is left as it is. */
  get #isWanted(): boolean {
    const { mode } = this.#modes
    return mode === 'open' || mode === 'paused'
  }

  /** The mode, as requests are refused and circuits ended by it. */
  get #relayMode(): RelayMode {
    const { mode, rule } = this.#modes
    if (mode === 'off') return 'draining'
    if (mode !== 'held') return mode
    return rule === undefined ? 'draining' : RULE_WORDS[rule].cause
  }

  /** Why it sleeps, for the log. */
  get #reason(): { why: string; until: string } {
    const { mode, rule } = this.#modes
    return mode === 'held' && rule !== undefined
      ? RULE_WORDS[rule]
      : { why: 'relay.enabled is off', until: 'relay.enabled is on' }
  }

  #onMode(): void {
    const { mode } = this.#modes
    if (!this.#isWanted) this.#fault = undefined
    this.#components.modeChanged(this.mode)
    // Also where it waits for circuits already, because of the budget: that may be for long.
    if (mode === 'off') void this.#node?.relay.drain(OFF_SECONDS * 1000)
    else this.#node?.relay.setMode(this.#relayMode)
    this.#retryAt = 0
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
    if (this.#settling !== undefined || this.#restarting !== undefined || !this.#settles) return
    const asleep = this.#node === undefined
    if (asleep !== this.#isWanted || this.#modes.mode === 'draining') return
    if (asleep && performance.now() < this.#retryAt) return
    this.#settling = (asleep ? this.#wake() : this.#fallAsleep()).finally(() => {
      this.#settling = undefined
      this.#settle()
    })
  }

  /** Returns early where the mode is another meanwhile. */
  async #fallAsleep(): Promise<void> {
    const { log, settings } = this.#components
    const { mode } = this.#modes
    const off = mode === 'off'
    const seconds = off ? OFF_SECONDS : settings()['shutdown.timeoutSeconds']
    const level = this.#relayMode === 'quota' ? 'warn' : 'info'
    log[level]({ seconds }, `${this.#reason.why}: circuits may finish, then the node sleeps`)
    const relayMode = this.#relayMode
    if (relayMode === 'open' || relayMode === 'paused') return
    const drained = await this.#node?.relay.drain(seconds * 1000, relayMode)
    if (drained === false || this.#modes.mode !== mode || !this.#settles) return
    const { until } = this.#reason
    await this.#close()
    log.info(`the node sleeps until ${until}`)
    this.#components.modeChanged(this.mode)
  }

  async #reopen(): Promise<void> {
    // As in stop: what falls asleep waits for circuits, and what opens has settings of before.
    await this.#close()
    await this.#settling
    await this.#close()
    if (this.#settles && this.#isWanted) await this.#wake()
  }

  /** Opens the node; what is in the way is the mode's fault, and tried again later. */
  async #wake(): Promise<void> {
    const { log } = this.#components
    try {
      await this.#open()
      log.info('the node is awake')
    } catch (error) {
      this.#retryAt = performance.now() + RETRY_MS
      this.#fault =
        error instanceof AppError ? errorOf(error) : { code: 'internal', message: messageOf(error) }
      log.error({ code: this.#fault.code, retrySeconds: RETRY_MS / 1000 }, this.#fault.message)
      this.#components.modeChanged(this.mode)
    }
  }

  async #open(): Promise<void> {
    const { modeChanged, closed } = this.#components
    this.#opening = true
    modeChanged(this.mode)
    try {
      this.#node = await this.#openedNode()
      this.#fault = undefined
    } finally {
      this.#opening = false
      if (this.#node === undefined) closed()
    }
    modeChanged(this.mode)
  }

  async #openedNode(): Promise<RelayNode> {
    const { bus, log, settings, traffic, tls, arrivals, budget } = this.#components
    const identity = this.#identity
    if (identity === undefined) throw new Error('the node was not started')
    const warnings: string[] = []
    this.#warnings = warnings
    const node = new RelayNode(
      {
        privateKey: identity.privateKey,
        bus,
        traffic,
        tls,
        arrivals,
        budget,
        nextCircuitId: this.#nextCircuitId,
        warn: sentence => {
          warnings.push(sentence)
          log.warn(sentence)
        }
      },
      { settings: settings(), dataDir: this.#dataDir, ...this.#options }
    )
    await node.start()
    // Both may have changed while it started.
    node.applySettings(settings())
    node.relay.setMode(this.#relayMode)
    return node
  }

  async #close(): Promise<void> {
    const node = this.#node
    if (node === undefined) return
    this.#node = undefined
    this.#warnings = []
    await node.stop()
    this.#components.closed()
  }
}
