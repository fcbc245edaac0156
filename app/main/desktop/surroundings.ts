import { homedir } from 'node:os'
import path from 'node:path'
import { app, dialog, Menu, nativeTheme, Notification, powerMonitor, Tray } from 'electron'
import type { Api } from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'
import { defaultsOf } from '../../shared/settings.ts'
import type { ShellInfo } from '../../shared/shell.ts'
import type { Log } from '../observe/log.ts'
import type { LoadOptions } from '../settings/load.ts'
import { createAutostart, type Autostart, type AutostartState } from './autostart.ts'
import { offerToGoBack } from './go-back.ts'
import type { NodeHost } from './node-host.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import { createStartRecord, type StartRecord } from './start-record.ts'
import type { WindowStore } from './store.ts'
import { createSystemUpdates } from './system-updates.ts'
import { textsFor } from './texts.ts'
import { systemPresence, trayPresence, type TrayPresence } from './tray-presence.ts'
import type { TrayView } from './tray-state.ts'
import { createTray, type TrayIcon } from './tray.ts'
import type { Updates } from './update.ts'

export interface SurroundingsComponents {
  log: Log
  node: NodeHost
  store: WindowStore
  openWindow: (page?: string) => void
  /** Drains, then ends. */
  quit: () => void
  /** Ends at once; the node is stopped. */
  exit: () => void
  /** `info` is another. */
  changed: () => void
}

export interface SurroundingsOptions {
  load: Omit<LoadOptions, 'patch'>
  stateDir: string
  version: string
  /** The clone, or the installed app's archive. */
  appPath: string
}

/** A desktop that is just starting may show its tray after us. */
const TRAY_COMES_MS = 35_000

/** What the system shows of the app beside its window: tray, notifications, start at login, updates. */
export class Surroundings {
  readonly #components: SurroundingsComponents
  readonly #options: SurroundingsOptions
  readonly #autostart: Autostart
  readonly #notifications: Notifications
  readonly #starts: StartRecord
  readonly #tray: TrayIcon
  #updates: Updates | undefined
  #startAtLogin: AutostartState = { supported: false, on: false }

  constructor(components: SurroundingsComponents, options: SurroundingsOptions) {
    this.#components = components
    this.#options = options
    this.#starts = createStartRecord(
      { log: components.log },
      { dataDir: options.stateDir, version: options.version }
    )
    this.#autostart = this.#createAutostart()
    this.#notifications = this.#createNotifications()
    this.#tray = this.#createTray()
  }

  get info(): Pick<ShellInfo, 'tray' | 'startAtLogin' | 'update'> {
    return {
      tray: this.#tray.presence,
      startAtLogin: this.#startAtLogin,
      update: this.#updates?.info ?? { state: 'off' }
    }
  }

  get startedHidden(): boolean {
    return this.#autostart.startedHidden(process.argv)
  }

  start(): void {
    const { node, log } = this.#components
    this.#starts.start()
    node.onChange(() => this.#onNode())
    this.#tray.start()
    this.#notifications.start()
    // Timers stand still while the machine sleeps, so that of midnight is late.
    powerMonitor.on('resume', () => this.#tray.refresh())
    const failed = (what: string) => (error: unknown) => log.warn({ err: error }, `${what} is not available`)
    void this.#autostart
      .start()
      .then(() => this.#autostart.state())
      .then(state => this.#setStartAtLogin(state))
      .catch(failed('start at login'))
    void this.#startUpdates().catch(failed('looking for updates'))
  }

  stop(): void {
    this.#starts.quit()
    this.#tray.stop()
    this.#notifications.stop()
    this.#updates?.stop()
  }

  async setStartAtLogin(on: boolean): Promise<void> {
    this.#setStartAtLogin(await this.#autostart.set(on))
  }

  async check(): Promise<void> {
    await this.#updates?.check()
  }

  async install(): Promise<void> {
    await this.#updates?.install()
  }

  async offerPrevious(): Promise<void> {
    await this.#updates?.offerPrevious()
  }

  /** Whether the person sees our icon now. */
  checkTray(): Promise<TrayPresence> {
    return this.#tray.check()
  }

  /** After a start at login: the desktop has had time to show the icon, and has not. */
  async whetherTrayStaysAway(): Promise<boolean> {
    if (process.platform !== 'linux') return false
    await new Promise<void>(resolve => setTimeout(resolve, TRAY_COMES_MS).unref())
    return (await this.#tray.check()) === 'none'
  }

  toldOfClosing(): void {
    this.#notifications.stillRunning()
  }

  #onNode(): void {
    const { node } = this.#components
    if (node.state === 'running') this.#starts.nodeRuns()
    this.#tray.refresh()
  }

  #setStartAtLogin(state: AutostartState): void {
    this.#startAtLogin = state
    this.#tray.refresh()
    this.#components.changed()
  }

  async #startUpdates(): Promise<void> {
    const { node, log, changed, exit } = this.#components
    const { version, load } = this.#options
    const dataDir = load.flags?.options.dataDir
    const updates = await createSystemUpdates(
      {
        log,
        exit,
        wanted: () => node.settings?.['updates.check'] ?? false,
        listen: (listener, names) => node.listen(listener, names),
        changed: () => {
          this.#tray.refresh()
          changed()
        },
        available: found => this.#notifications.updateAvailable(found),
        stopNode: () => node.drain(node.drainSeconds).then(() => node.stop()),
        startNode: () => node.start(),
        starts: this.#starts
      },
      { version, args: dataDir === undefined ? [] : ['--data-dir', path.resolve(dataDir)] }
    )
    this.#updates = updates
    void offerToGoBack({ dialog, updates }, { version, texts: textsFor(app.getLocale()) })
    // What it is to do depends on the settings, which the node reads.
    await node.start()
    updates.start()
    changed()
  }

  #createAutostart(): Autostart {
    const { load } = this.#options
    const given = load.flags?.options.dataDir
    return createAutostart(
      { app },
      {
        platform: process.platform,
        packaged: app.isPackaged,
        execPath: process.execPath,
        env: process.env,
        home: homedir(),
        ...(given !== undefined && { dataDir: path.resolve(given) })
      }
    )
  }

  #createNotifications(): Notifications {
    const { node, openWindow, store, log } = this.#components
    return createNotifications(
      {
        Notification,
        status: () => this.#api.status(),
        listen: (listener, names) => node.listen(listener, names),
        settings: () => node.settings ?? defaultsOf('home'),
        openWindow,
        told: {
          get: what => store.state.told[what],
          set: (what, value) => store.tell(what, value)
        },
        log
      },
      { texts: textsFor(app.getLocale()) }
    )
  }

  #createTray(): TrayIcon {
    const { node, openWindow, quit, log, changed } = this.#components
    const iconDir = app.isPackaged
      ? path.join(process.resourcesPath, 'tray')
      : path.join(this.#options.appPath, 'resources/tray')
    return createTray(
      {
        electron: { Tray, Menu, nativeTheme },
        view: () => this.#trayView(),
        listen: (listener, names) => node.listen(listener, names),
        node: { pause: async request => this.#api.pause(request), resume: async () => this.#api.resume() },
        openWindow,
        setStartAtLogin: on => this.setStartAtLogin(on),
        installUpdate: () => this.install(),
        quit,
        presence: () => trayPresence(systemPresence, process.pid),
        presenceChanged: changed,
        log
      },
      {
        platform: process.platform,
        iconDir,
        texts: textsFor(app.getLocale()),
        locale: app.getLocale(),
        currentDesktop: process.env['XDG_CURRENT_DESKTOP']
      }
    )
  }

  async #trayView(): Promise<TrayView> {
    const { node } = this.#components
    const { startAtLogin, update } = this.info
    const status = await node.api?.status()
    return { node: node.state, startAtLogin, update, ...(status !== undefined && { status }) }
  }

  get #api(): Api {
    const { api } = this.#components.node
    if (api === undefined) throw new AppError('not-running', 'The node does not run.')
    return api
  }
}
