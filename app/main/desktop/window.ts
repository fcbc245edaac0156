import { BrowserWindow, dialog, nativeTheme, screen, type Rectangle, type Session } from 'electron'
import type { Log } from '../observe/log.ts'
import { isOurs, pageUrl } from './origin.ts'
import { ReloadLimit } from './lifecycle.ts'
import type { WindowStore } from './store.ts'
import { placeOn, SMALLEST, zoomStep, type Bounds } from './window-state.ts'
import type { ShellTexts } from './shell-texts.ts'

export interface MainWindowComponents {
  session: Session
  store: WindowStore
  log: Log
  /** The person sees it, or does not any more. */
  shown: () => void
  hidden: () => void
  /** The person closed it; it is still there. */
  closed: () => void
  /** It may really be closed: the app is about to be replaced. */
  isLeaving: () => boolean
  quit: () => void
  /** Windows logs the person off, or shuts down: it waits for nobody. */
  systemEnds: () => void
}

export interface MainWindowOptions {
  preload: string
  texts: ShellTexts
  /** Not in an installed app. */
  devTools: boolean
  icon?: string
}

/** Long enough for a drag of the window to have ended. */
const SAVE_AFTER_MS = 500

/** As in the renderer's stylesheet, so that nothing flashes before it is painted. */
const BACKGROUND = { light: '#f5f4ef', dark: '#11171a' }

/** The one window. It is made when it is first needed; closing hides it. */
export class MainWindow {
  readonly #components: MainWindowComponents
  readonly #options: MainWindowOptions
  readonly #reloads = new ReloadLimit()
  #window: BrowserWindow | undefined
  #saving: NodeJS.Timeout | undefined
  #asking = false

  constructor(components: MainWindowComponents, options: MainWindowOptions) {
    this.#components = components
    this.#options = options
  }

  get browserWindow(): BrowserWindow | undefined {
    return this.#window
  }

  get isVisible(): boolean {
    return this.#window !== undefined && this.#window.isVisible() && !this.#window.isMinimized()
  }

  /** Makes it if there is none, and brings it to the front. */
  show(): void {
    const window = this.#window
    // One that is just being made shows itself when it is painted.
    if (window === undefined) return this.#make(false)
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
  }

  /** Where no tray could bring a hidden window back. */
  showMinimised(): void {
    if (this.#window === undefined) return this.#make(true)
    this.#window.minimize()
  }

  /** Whether a message is from the window's main frame, at our own page. */
  sent({ sender, senderFrame }: { sender: unknown; senderFrame: { url: string } | null }): boolean {
    const contents = this.#window?.webContents
    return (
      contents !== undefined &&
      sender === contents &&
      senderFrame === contents.mainFrame &&
      isOurs(senderFrame.url)
    )
  }

  zoom(direction: 'in' | 'out' | 'none'): void {
    const contents = this.#window?.webContents
    if (contents === undefined) return
    const factor = direction === 'none' ? 1 : zoomStep(contents.getZoomFactor(), direction)
    contents.setZoomFactor(factor)
    this.#components.store.save({ zoomFactor: factor })
  }

  /** Where it is, and how large. */
  save(): void {
    clearTimeout(this.#saving)
    const window = this.#window
    if (window === undefined || window.isDestroyed() || window.isMinimized()) return
    const { x, y, width, height } = window.getNormalBounds()
    this.#components.store.save({ bounds: { x, y, width, height }, maximised: window.isMaximized() })
  }

  #make(minimised: boolean): void {
    const { store, session } = this.#components
    const { preload, devTools, icon } = this.#options
    const { state } = store
    const window = new BrowserWindow({
      ...placeOn(workAreas(), state.bounds),
      minWidth: SMALLEST.width,
      minHeight: SMALLEST.height,
      show: false,
      autoHideMenuBar: true,
      title: 'Waystation',
      backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
      ...(icon !== undefined && { icon }),
      webPreferences: {
        preload,
        session,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        experimentalFeatures: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        backgroundThrottling: true,
        safeDialogs: true,
        devTools
      }
    })
    this.#window = window
    if (state.maximised) window.maximize()
    this.#follow(window)
    window.webContents.on('did-finish-load', () => window.webContents.setZoomFactor(store.state.zoomFactor))
    window.once('ready-to-show', () => (minimised ? window.minimize() : window.show()))
    this.#load(pageUrl())
  }

  #load(url: string): void {
    const { log } = this.#components
    this.#window
      ?.loadURL(url)
      .catch((error: unknown) => log.error({ err: error }, 'the window cannot be loaded'))
  }

  #follow(window: BrowserWindow): void {
    const { shown, hidden, closed, isLeaving, systemEnds } = this.#components
    for (const event of ['show', 'restore'] as const) window.on(event as 'show', shown)
    for (const event of ['hide', 'minimize'] as const) window.on(event as 'hide', hidden)
    for (const event of ['resize', 'move', 'maximize', 'unmaximize'] as const) {
      window.on(event as 'resize', () => this.#saveSoon())
    }
    window.on('close', event => {
      this.save()
      if (isLeaving()) return
      event.preventDefault()
      closed()
    })
    window.on('session-end', systemEnds)
    window.on('closed', () => {
      clearTimeout(this.#saving)
      this.#window = undefined
      hidden()
    })
    const { webContents: contents } = window
    contents.on('zoom-changed', (_event, direction) => this.zoom(direction))
    contents.on('render-process-gone', (_event, { reason }) => void this.#onCrash(reason))
    contents.on('unresponsive', () => void this.#onUnresponsive())
  }

  async #onCrash(reason: string): Promise<void> {
    const { log, quit } = this.#components
    const { texts } = this.#options
    if (reason === 'clean-exit') return
    log.error({ reason }, 'the window crashed; the node goes on')
    if (!this.#reloads.allows(performance.now())) {
      const { message, detail, reload, quit: end } = texts.crashed
      const { response } = await dialog.showMessageBox({
        type: 'error',
        message,
        detail,
        buttons: [reload, end],
        defaultId: 0,
        cancelId: 0
      })
      if (response === 1) return quit()
      this.#reloads.reset()
    }
    this.#window?.webContents.reload()
  }

  async #onUnresponsive(): Promise<void> {
    const window = this.#window
    if (window === undefined || this.#asking) return
    this.#components.log.warn('the window does not respond; the node goes on')
    this.#asking = true
    const { message, detail, wait, reload } = this.#options.texts.unresponsive
    const buttons = [wait, reload]
    const { response } = await dialog.showMessageBox(window, {
      type: 'warning',
      message,
      detail,
      buttons,
      cancelId: 0
    })
    this.#asking = false
    // What hangs cannot be asked to reload; its end is a crash, and that loads it again.
    if (response === 1) window.webContents.forcefullyCrashRenderer()
  }

  #saveSoon(): void {
    clearTimeout(this.#saving)
    this.#saving = setTimeout(() => this.save(), SAVE_AFTER_MS)
  }
}

function workAreas(): Bounds[] {
  const primary = screen.getPrimaryDisplay()
  const others = screen.getAllDisplays().filter(({ id }) => id !== primary.id)
  return [primary, ...others].map(({ workArea }: { workArea: Rectangle }) => workArea)
}
