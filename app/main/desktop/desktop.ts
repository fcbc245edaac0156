import path from 'node:path'
import {
  app,
  autoUpdater,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  powerMonitor,
  session,
  shell as system,
  type Session
} from 'electron'
import manifest from '../../../package.json' with { type: 'json' }
import { messageOf } from '../../shared/errors.ts'
import { parseNetwork } from '../../shared/network-link.ts'
import type { ShellInfo } from '../../shared/shell.ts'
import type { LogTail } from '../observe/log-tail.ts'
import type { Log } from '../observe/log.ts'
import { createSystemPower } from '../power/system-power.ts'
import type { LoadOptions } from '../settings/load.ts'
import { electronPower } from './electron-power.ts'
import { EventPorts } from './event-ports.ts'
import { openIpc } from './ipc.ts'
import { Lifecycle } from './lifecycle.ts'
import { menuTemplate } from './menu.ts'
import { NodeHost } from './node-host.ts'
import { PersonFiles } from './person-files.ts'
import { serveRenderer } from './protocol.ts'
import { guardContents, hostsOf, lockSession } from './security.ts'
import { createShellApi } from './shell-api.ts'
import { showFolder } from './show-folder.ts'
import { shellTextsFor } from './shell-texts.ts'
import { openWindowStore } from './store.ts'
import { Surroundings } from './surroundings.ts'
import { MainWindow } from './window.ts'

export interface DesktopComponents {
  log: Log
  logTail: LogTail
}

export interface DesktopOptions {
  load: Omit<LoadOptions, 'patch'>
  dataDir: string
  /** Where window.json and the like go: the data folder, unless nothing can be written there. */
  stateDir: string
  /** Started at login: no window is shown. */
  hidden: boolean
  version: string
  debug?: string
}

/** Draining that takes longer than this is shown. */
const SHOW_ENDING_AFTER_MS = 300

const openFolder = async (folder: string): Promise<string> =>
  showFolder(folder, { system, platform: process.platform })

/** Puts the desktop app together: the node, its window, and what the system shows of both. */
export class Desktop {
  readonly #components: DesktopComponents
  readonly #options: DesktopOptions
  readonly #node: NodeHost
  readonly #lifecycle: Lifecycle
  readonly #ports: EventPorts
  #surroundings: Surroundings | undefined
  #window: MainWindow | undefined
  /** An update closes the windows itself. */
  #isLeaving = false
  /** The person is being told of a link that is none. */
  #refusing = false

  constructor(components: DesktopComponents, options: DesktopOptions) {
    const { log, logTail } = components
    const { load, version, debug } = options
    this.#components = components
    this.#options = options
    this.#node = new NodeHost(
      {
        log,
        logTail,
        power: createSystemPower(electronPower(powerMonitor, process.platform)),
        stopRequested: seconds => this.#lifecycle.quit(seconds)
      },
      { load, version, debug }
    )
    this.#lifecycle = new Lifecycle({
      node: this.#node,
      showEnding: () => this.#showEnding(),
      exit: code => this.#exit(code),
      log,
      now: () => performance.now()
    })
    this.#ports = new EventPorts({ events: () => this.#node.events })
    // What other parts register before Electron is ready.
    app.on('before-quit', event => {
      if (this.#isLeaving || this.#lifecycle.isEnded) return
      event.preventDefault()
      this.#lifecycle.quit()
    })
    // The node lives without a window.
    app.on('window-all-closed', () => {})
    app.on('activate', () => this.openWindow())
    const linkHosts = hostsOf([(manifest as { homepage?: string }).homepage])
    guardContents(app, { openExternal: url => system.openExternal(url), log }, { linkHosts })
  }

  /** When Electron is ready. */
  start(): void {
    const { log } = this.#components
    const { stateDir, hidden, version } = this.#options
    const texts = shellTextsFor(app.getLocale())
    const store = openWindowStore(stateDir, log)
    const window = this.#createWindow(this.#openSession(), store, texts)
    this.#window = window
    const surroundings = new Surroundings(
      {
        log,
        node: this.#node,
        store,
        openWindow: page => this.openWindow(page),
        quit: () => this.#lifecycle.quit(),
        exit: () => this.#exit(0),
        changed: () => this.#tellShell()
      },
      { ...this.#options, appPath: app.getAppPath() }
    )
    this.#surroundings = surroundings
    this.#openIpc(window, surroundings)
    this.#openMenu(window, texts)
    this.#followSystem()
    app.setAboutPanelOptions({ applicationName: 'Waystation', applicationVersion: version })
    this.#node.onChange(() => this.#onNode())
    surroundings.start()
    void this.#node.start()
    if (!hidden && !surroundings.startedHidden) window.show()
    else
      void surroundings
        .whetherTrayStaysAway()
        .then(away => away && !window.isVisible && window.showMinimised())
  }

  /** Brings the window to the front, at that page. */
  openWindow(page?: string): void {
    if (page !== undefined) this.#ports.tell({ name: 'navigate', value: { page } })
    this.#window?.show()
  }

  /** A network's link, as a browser or the system gave it. */
  openLink(link: string): void {
    try {
      parseNetwork(link)
    } catch (error) {
      this.#refuseLink(error)
      return
    }
    this.#ports.tell({ name: 'network-link', value: { link } })
    this.#window?.show()
  }

  /** One box at a time: a page can offer one bad link after the other. */
  #refuseLink(error: unknown): void {
    if (this.#refusing) return
    this.#refusing = true
    const shown = dialog.showMessageBox({ type: 'error', message: messageOf(error) })
    void shown.finally(() => (this.#refusing = false))
  }

  get #info(): ShellInfo {
    const { trouble, state } = this.#node
    return {
      platform: process.platform as ShellInfo['platform'],
      version: this.#options.version,
      packaged: app.isPackaged,
      node: state,
      ...(trouble !== undefined && { trouble }),
      ...(this.#surroundings?.info ?? {
        tray: 'none',
        startAtLogin: { supported: false, on: false },
        update: { state: 'off' }
      })
    }
  }

  /** In memory alone: the window has nothing to keep, and what a browser caches is none of the person's business. */
  #openSession(): Session {
    const own = session.fromPartition('window', { cache: false })
    lockSession(session.defaultSession)
    lockSession(own)
    serveRenderer(own, path.join(app.getAppPath(), 'out/renderer'))
    return own
  }

  #createWindow(
    own: Session,
    store: ReturnType<typeof openWindowStore>,
    texts: ReturnType<typeof shellTextsFor>
  ): MainWindow {
    return new MainWindow(
      {
        session: own,
        store,
        log: this.#components.log,
        shown: () => this.#ports.resume(),
        hidden: () => this.#ports.pause(),
        isLeaving: () => this.#isLeaving,
        closed: () => void this.#onClosed(),
        quit: () => this.#lifecycle.quit(),
        systemEnds: () => this.#lifecycle.endNow()
      },
      { preload: path.join(app.getAppPath(), 'out/preload/index.cjs'), texts, devTools: !app.isPackaged }
    )
  }

  #openIpc(window: MainWindow, surroundings: Surroundings): void {
    const { log } = this.#components
    const { dataDir } = this.#options
    const files = new PersonFiles(
      { dialog, window: () => window.browserWindow },
      { dataDir, documents: app.getPath('documents') }
    )
    const shell = createShellApi(
      {
        info: () => this.#info,
        node: this.#node,
        files,
        showFolder: openFolder,
        clipboard,
        setStartAtLogin: on => surroundings.setStartAtLogin(on),
        updates: surroundings,
        quit: () => this.#lifecycle.quit()
      },
      { dataDir }
    )
    openIpc({
      ipcMain,
      node: this.#node,
      shell,
      ports: this.#ports,
      isOurs: event => window.sent(event),
      log
    })
  }

  #openMenu(window: MainWindow, texts: ReturnType<typeof shellTextsFor>): void {
    const template = menuTemplate(
      {
        openPage: page => this.openWindow(page),
        zoom: direction => window.zoom(direction),
        showDataFolder: () => void openFolder(this.#options.dataDir),
        quit: () => this.#lifecycle.quit()
      },
      { platform: process.platform, texts, devTools: !app.isPackaged }
    )
    Menu.setApplicationMenu(Menu.buildFromTemplate(template))
  }

  #followSystem(): void {
    // Electron's own types have this event for Linux and macOS alone; Windows tells its windows.
    powerMonitor.on('shutdown', () => this.#lifecycle.endNow())
    autoUpdater.on('before-quit-for-update', () => (this.#isLeaving = true))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Electron has put its own handler in the place of earlier ones; it ends the app unasked at the second signal. Node
      // takes the signal back only with its first listener.
      process.removeAllListeners(signal)
      process.on(signal, () => this.#lifecycle.quit())
    }
    if (app.isPackaged && process.platform !== 'linux') {
      // Behind --, so that no link can bring flags along. Linux has it in the desktop entry.
      app.setAsDefaultProtocolClient('waystation', process.execPath, ['--'])
    }
    if (process.platform === 'win32') app.setAppUserModelId('waystation.desktop')
  }

  #onNode(): void {
    this.#ports.sourceChanged()
    this.#tellShell()
  }

  #tellShell(): void {
    this.#ports.tell({ name: 'shell-changed', value: this.#info })
  }

  /** The person closed the window: it goes where they can get it back from. */
  async #onClosed(): Promise<void> {
    const seen = await this.#surroundings?.checkTray()
    const window = this.#window?.browserWindow
    if (window === undefined) return
    if (seen !== 'shown' && process.platform !== 'darwin') return window.minimize()
    window.hide()
    this.#surroundings?.toldOfClosing()
  }

  #showEnding(): void {
    setTimeout(() => {
      if (!this.#lifecycle.isEnded) this.openWindow('overview')
    }, SHOW_ENDING_AFTER_MS).unref()
  }

  #exit(code: number): void {
    this.#window?.save()
    this.#surroundings?.stop()
    app.exit(code)
  }
}
