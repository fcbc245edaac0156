import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Api, ModeInfo, Networks, SettingsChanged, StorageInfo } from '../shared/api.ts'
import { keys, type Settings } from '../shared/settings.ts'
import { openFilesLimit, openFilesWarnings } from './advise/open-files.ts'
import { EventLog } from './api/event-log.ts'
import { forwardEvents } from './api/forward-events.ts'
import { createNodeApi } from './api/node-api.ts'
import { Budget } from './budget/budget.ts'
import { worstCaseOf } from './budget/worst-case.ts'
import { openControl, type Control } from './control.ts'
import { openDataFolder } from './data-folder.ts'
import { Figures } from './figures.ts'
import { IdentityBackups } from './identity-backup.ts'
import { networksOf } from './networks.ts'
import { NodeRunner } from './node-runner.ts'
import { TlsFront } from './net/tls/tls-front.ts'
import { Upgrades } from './net/upgrades.ts'
import { createBus, type NodeBus } from './observe/events.ts'
import { unknownPower, type PowerSource } from './power/power-source.ts'
import { logEvents } from './observe/log-events.ts'
import type { LogTail } from './observe/log-tail.ts'
import type { Log } from './observe/log.ts'
import { startSummary } from './observe/summary.ts'
import { PublicPages } from './public-pages.ts'
import { Reachability, type ReachabilityOptions } from './reachability.ts'
import { Arrivals } from './relay/fast/arrivals.ts'
import { loadOrCreateIdentity, type LoadedIdentity } from './relay/identity.ts'
import { arrivalsOf } from './relay/limits.ts'
import type { RelayNode } from './relay/node.ts'
import { RunningSettings, type Applied } from './running-settings.ts'
import { restartFor, SettingsKeeper } from './settings/keeper.ts'
import { storageOf } from './storage.ts'
import type { Loaded, LoadOptions } from './settings/load.ts'

export interface AppComponents {
  log: Log
  logTail: LogTail
  /** What the system tells of battery, connection and screen; nothing unless given. */
  power?: PowerSource
  /** Someone asked for the end over the Api: let circuits finish for that many seconds, then stop. */
  stopRequested: (seconds: number) => void
}

export interface AppOptions {
  loaded: Loaded
  /** How the settings were loaded, to load them again. */
  load: Omit<LoadOptions, 'patch'>
  version: string
  debug?: string
  reachability?: ReachabilityOptions
  /** A libp2p node that cannot open at the start is the mode's fault and tried again, rather than the end of the start. */
  patient?: boolean
}

const SECOND_MS = 1000

/**
 * The node with everything around it. Making one starts nothing; `start` opens its parts in order, `stop`
 * closes them in reverse and can be called at any time.
 */
export class App {
  readonly bus: NodeBus = createBus()
  readonly figures: Figures
  readonly settings: SettingsKeeper
  readonly events: EventLog
  readonly api: Api
  readonly #components: AppComponents
  readonly #options: AppOptions
  readonly #runner: NodeRunner
  readonly #budget: Budget
  readonly #reachability: Reachability
  readonly #startedAt = new Date()
  readonly #front: TlsFront
  /** Of the TLS listener and the node: one client has one share of both. */
  readonly #arrivals: Arrivals
  readonly #pages: PublicPages
  readonly #running: RunningSettings
  /** Whether the last change of settings is in the file. */
  #saved = true
  #lastMode: string
  #identity: LoadedIdentity | undefined
  readonly #backups = new IdentityBackups()
  /** Absolute, once it was started. */
  #places = { dataDir: '', identityFile: '' }
  #control: Control | undefined
  readonly #warnings: string[] = []
  readonly #openFiles = openFilesLimit()
  /** What `stop` has to undo, in the order it was done. */
  readonly #undo: (() => void | Promise<void>)[] = []
  #starting: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  constructor(components: AppComponents, options: AppOptions) {
    const { log, logTail } = components
    const { loaded, load, version, debug, patient } = options
    this.#components = components
    this.#options = options
    this.#running = new RunningSettings({ hasNode: () => this.#runner.hasNode }, loaded.settings)
    this.events = new EventLog({ now: () => Date.now(), run: randomBytes(4).toString('hex') })
    this.figures = new Figures(
      {
        bus: this.bus,
        log,
        settings: () => this.#settings,
        gauges: () => ({
          ...this.#runner.activity,
          certificates: this.#front.certificateEnds,
          networks: this.#networks.networks
        }),
        heldSeconds: () => this.#budget.heldSeconds,
        connectedPeers: () => this.#runner.node?.connectedPeerIds() ?? []
      },
      { version }
    )
    // Where the node is switched off, nothing but the control API is open.
    const publicSettings = (): Settings | undefined => (this.#runner.off ? undefined : this.#settings)
    this.#arrivals = new Arrivals({ clock: () => performance.now() }, arrivalsOf(loaded.settings))
    this.#front = new TlsFront({
      log,
      upgrades: new Upgrades(),
      arrivals: this.#arrivals,
      settings: publicSettings
    })
    this.#budget = this.#createBudget()
    this.#runner = new NodeRunner(
      {
        log,
        bus: this.bus,
        settings: () => this.#settings,
        budget: this.#budget,
        remember: this.figures,
        traffic: this.figures.traffic,
        tls: this.#front,
        arrivals: this.#arrivals,
        modeChanged: info => this.#onMode(info),
        closed: () => this.#applyWaiting()
      },
      { version, debug, askedFor: loaded.listenerFlags, patient }
    )
    this.#reachability = new Reachability(
      {
        log,
        settings: () => this.#settings,
        node: () => this.#runner.node,
        mode: () => this.#runner.mode,
        circuitsEver: () => this.figures.counters.relayedConnections
      },
      options.reachability
    )
    this.#lastMode = modeKey(this.#runner.mode)
    this.#pages = new PublicPages(
      {
        log,
        runner: this.#runner,
        peerId: () => this.peerId,
        front: this.#front,
        settings: publicSettings
      },
      { version }
    )
    this.settings = new SettingsKeeper(
      {
        apply: settings => this.applySettings(settings),
        preview: settings => ({ ...this.#running.preview(settings), worstCase: worstCaseOf(settings) }),
        running: () => this.#settings
      },
      { loaded, load, openStore: load.openStore }
    )
    this.api = this.#createApi()
    logEvents(this.bus, log, () => this.#settings)
    forwardEvents(this.bus, this.events)
    // The tail outlives the app where another is made after it.
    const wantsLines = (): boolean => this.events.hasListener('log')
    this.#undo.push(logTail.onLine(line => this.events.emit('log', line), wantsLines))
  }

  /** False if it was stopped meanwhile. @throws AppError; what was opened before it is closed again */
  async start(): Promise<boolean> {
    const starting = this.#open()
    this.#starting = starting
    try {
      await starting
    } catch (error) {
      await this.stop()
      throw error
    }
    await this.#stopped
    return this.#stopped === undefined
  }

  async #open(): Promise<void> {
    const { loaded } = this.#options
    const folder = await openDataFolder(loaded.dataDir)
    await folder.lock()
    this.#undo.push(() => folder.unlock())
    this.#undo.push(await this.figures.start(folder.dir))
    const identityFile = path.resolve(loaded.identity ?? folder.identityFile)
    this.#places = { dataDir: folder.dir, identityFile }
    for (const warning of openFilesWarnings(this.#settings, this.#openFiles)) {
      this.#components.log.warn(warning)
    }
    const identity = await this.#loadIdentity(identityFile)
    if (this.#stopped !== undefined) return
    await this.#openFront()
    this.#undo.push(this.#budget.start(identity.peerId), () => this.#runner.stop())
    await this.#budget.powerKnown()
    if (this.#stopped !== undefined) return
    await this.#runner.start(identity, folder.dir)
    if (this.#stopped !== undefined) return
    await this.#openPublicPages()
    await this.#openControl(folder.dir)
    this.#undo.push(this.#startSummary())
    this.#undo.push(() => this.#reachability.stop())
    const everySecond = setInterval(() => this.#onSecond(), SECOND_MS)
    this.#undo.push(() => clearInterval(everySecond))
  }

  /** Takes no new work, lets circuits finish for that many seconds, then ends them. `stop` comes after. */
  async drain(seconds: number): Promise<void> {
    await this.#runner.drain(seconds)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  /** @throws if it was not started, or sleeps */
  get node(): RelayNode {
    const { node } = this.#runner
    if (node === undefined) throw new Error('the node does not run')
    return node
  }

  /** What is in force. */
  get #settings(): Settings {
    return this.#running.current
  }

  get mode(): ModeInfo {
    return this.#runner.mode
  }

  /** @throws if the app was not started */
  get peerId(): string {
    return this.#loadedIdentity.peerId
  }

  get #loadedIdentity(): LoadedIdentity {
    if (this.#identity === undefined) throw new Error('the app was not started')
    return this.#identity
  }

  /** Complete multiaddrs that clients may try; none while the node sleeps. */
  get addresses(): string[] {
    return this.#runner.node?.addresses.all ?? []
  }

  get controlUrl(): string | undefined {
    return this.#control?.controlUrl
  }

  /** Where the public pages are, for someone on this machine. */
  get identityUrls(): string[] {
    const local = (url: string): string =>
      url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
    return this.#pages.urls.map(url => `${local(url)}/api/v1/identity`)
  }

  /** Applies what can be applied now, and says what cannot. The settings must be valid. */
  applySettings(settings: Settings): Applied {
    const result = this.#running.apply(settings)
    this.#onSettings()
    return result
  }

  #onSettings(): void {
    this.#components.log.level = this.#settings['log.level']
    this.#runner.settingsChanged()
    this.#arrivals.setLimits(arrivalsOf(this.#settings))
    this.#front.follow()
    this.#pages.follow()
  }

  /** The node is gone: what it was made with is what the settings say from now on. */
  #applyWaiting(): void {
    if (this.#stopped !== undefined) return
    const { applied, needsRestart } = this.#running.applyWaiting()
    if (applied.length === 0) return
    this.#onSettings()
    this.#told({ applied, needsRestart, ...restartFor(needsRestart), saved: this.#saved, warnings: [] })
  }

  /** Reads the settings file anew and applies it. @throws AppError; the settings stay as they were then */
  reloadSettings(): SettingsChanged {
    // A renewal of the certificate tells us by the same signal.
    void this.#front.look()
    return this.#told(this.settings.reload())
  }

  get #networks(): Networks {
    return networksOf(this.#settings, this.#runner.node, this.figures.networks)
  }

  #createBudget(): Budget {
    const { figures, bus } = this
    return new Budget({
      bus,
      settings: () => this.#settings,
      power: this.#components.power ?? unknownPower,
      now: () => Date.now(),
      clock: () => performance.now(),
      cpuSeconds,
      trafficSince: day => figures.trafficSince(day),
      traffic: () => figures.traffic.totals(),
      relayed: () => ({ toTarget: figures.counters.bytesToTarget, toSource: figures.counters.bytesToSource }),
      circuits: () => this.#runner.node?.relay.circuits.carried() ?? [],
      isHeld: () => this.#runner.mode.mode === 'held',
      remember: figures,
      changed: () => this.#runner.checkBudget()
    })
  }

  #createApi(): Api {
    const { figures } = this
    const runner = this.#runner
    return createNodeApi({
      version: this.#options.version,
      peerId: () => this.peerId,
      profile: () => this.settings.loaded.profile,
      startedAt: this.#startedAt,
      node: () => runner.node,
      activity: () => runner.activity,
      settings: {
        running: () => this.#settings,
        describe: () => this.settings.describe(),
        check: values => this.settings.check(values),
        change: values => this.#told(this.settings.change(values)),
        reload: () => this.reloadSettings()
      },
      modes: {
        info: () => runner.mode,
        pause: seconds => runner.pause(seconds === undefined ? undefined : Date.now() + seconds * 1000),
        resume: () => runner.resume(),
        restart: () => this.#restartNode(),
        drain: seconds => this.#components.stopRequested(seconds ?? this.#settings['shutdown.timeoutSeconds'])
      },
      figures,
      budget: () => this.#budget.info,
      networks: () => this.#networks,
      reachability: this.#reachability,
      storage: () => this.#storage(),
      identity: {
        export: passphrase => this.#backups.export(this.#loadedIdentity, passphrase),
        import: (text, passphrase) => this.#importIdentity(text, passphrase)
      },
      logs: lines => this.#components.logTail.newest(lines),
      lastEventId: () => this.events.lastId,
      urls: () => ({
        publicUrls: [...this.#pages.urls, ...this.#front.urls],
        metricsUrls: this.#control?.metricsUrls ?? []
      }),
      tls: () => this.#front.info,
      warnings: () => [
        ...runner.warnings,
        ...this.#front.warnings,
        ...this.#pages.warnings,
        ...this.settings.loaded.warnings,
        ...openFilesWarnings(this.#settings, this.#openFiles),
        ...this.#warnings,
        ...figures.warnings
      ]
    })
  }

  #told(change: SettingsChanged): SettingsChanged {
    const { applied, needsRestart, saved } = change
    this.#saved = saved
    this.#components.log.info({ applied, needsRestart, saved }, 'settings changed')
    this.events.emit('settings-changed', change)
    return change
  }

  #onMode(info: ModeInfo): void {
    this.events.emit('mode-changed', info)
    this.#front.follow()
    this.#pages.follow()
    // Draining tells its progress every second; that is for those who watch it.
    if (modeKey(info) === this.#lastMode) return
    this.#lastMode = modeKey(info)
    this.#components.log.info({ ...info }, 'mode changed')
  }

  #onSecond(): void {
    this.figures.tick()
    this.#budget.tick()
    this.#runner.tick()
    this.#reachability.tick()
    this.#runner.checkBudget()
    if (!this.events.hasListener('tick')) return
    const { activity, mode } = this.#runner
    const { rates, counters } = this.figures
    this.events.emit('tick', {
      rates,
      circuits: activity.circuits.running,
      reservations: activity.reservations.held,
      peers: activity.connections.peers,
      bytes: { toTarget: counters.bytesToTarget, toSource: counters.bytesToSource },
      mode
    })
  }

  async #loadIdentity(file: string): Promise<LoadedIdentity> {
    const { log } = this.#components
    const identity = await loadOrCreateIdentity(file)
    if (identity.warning !== undefined) this.#warn(identity.warning)
    if (identity.created) log.info({ peerId: identity.peerId }, 'created a new identity')
    this.#identity = identity
    return identity
  }

  async #importIdentity(text: string, passphrase: string): Promise<{ peerId: string }> {
    const imported = await this.#backups.import(this.#places.identityFile, { text, passphrase })
    this.#warn(`The identity was replaced: from the next start on the peer id is ${imported.peerId}.`)
    return imported
  }

  #storage(): Promise<StorageInfo> {
    const { file, sources } = this.settings.loaded
    const settingsInFile = keys.filter(key => sources[key].from === 'file')
    return storageOf({ ...this.#places, settingsFile: file }, { settingsInFile })
  }

  /** Said in the log and, as long as the app runs, in its status. */
  #warn(sentence: string): void {
    this.#warnings.push(sentence)
    this.#components.log.warn(sentence)
  }

  async #openControl(dataDir: string): Promise<void> {
    const { loaded, version } = this.#options
    const control = await openControl(
      {
        api: this.api,
        events: this.events,
        metrics: this.figures.metrics,
        log: this.#components.log,
        warn: sentence => this.#warn(sentence)
      },
      { dataDir, version, settings: this.#settings, askedFor: loaded.listenerFlags }
    )
    this.#control = control
    this.#undo.push(() => control.stop())
  }

  async #openFront(): Promise<void> {
    this.#undo.push(() => this.#front.stop())
    try {
      await this.#front.start()
    } catch (error) {
      // By flag: then it must open.
      const { loaded, patient = false } = this.#options
      if (loaded.listenerFlags.has('tls') && !patient) throw error
    }
  }

  async #openPublicPages(): Promise<void> {
    this.#undo.push(() => this.#pages.stop())
    try {
      await this.#pages.start()
    } catch (error) {
      // By flag: then they must open.
      const { loaded, patient = false } = this.#options
      if (loaded.listenerFlags.has('http') && !patient) throw error
    }
  }

  async #restartNode(): Promise<void> {
    await Promise.all([this.#front.close(), this.#pages.close()])
    await this.#runner.restart()
    this.#front.follow()
    this.#pages.follow()
  }

  #startSummary(): () => void {
    return startSummary({
      log: this.#components.log,
      counters: this.figures.counters,
      activity: () => {
        const { circuits, reservations, connections } = this.#runner.activity
        return {
          activeCircuits: circuits.running,
          reservedPeers: reservations.held,
          connectedPeers: connections.peers
        }
      },
      clock: () => performance.now()
    })
  }

  async #stopAll(): Promise<void> {
    // What it is about to open is to be closed too. Why it failed is told to who started it.
    await this.#starting?.catch(() => {})
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#components.log.warn({ err: error }, 'a part of the node did not stop cleanly')
      }
    }
  }
}

/** What is told of: draining tells its progress by the same mode. */
function modeKey({ mode, rule }: ModeInfo): string {
  return rule === undefined ? mode : `${mode} ${rule}`
}

/** User and system time of this process so far. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
