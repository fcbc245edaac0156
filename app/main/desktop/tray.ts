import path from 'node:path'
import type { Menu, MenuItemConstructorOptions, NativeTheme, Tray } from 'electron'
import type { ApiEvent, EventName } from '../../shared/api.ts'
import type { Log } from '../observe/log.ts'
import type { DesktopTexts } from './texts.ts'
import { secondsUntilTomorrow, trayMenu, type TrayAction, type TrayEntry } from './tray-menu.ts'
import type { TrayPresence } from './tray-presence.ts'
import { panelIsAlwaysDark, tooltipOf, trayIconName, trayLook, type TrayView } from './tray-state.ts'

export interface TrayComponents {
  /** Of Electron: `import { Tray, Menu, nativeTheme } from 'electron'`. */
  electron: {
    Tray: new (image: string) => Tray
    Menu: Pick<typeof Menu, 'buildFromTemplate'>
    nativeTheme: Pick<NativeTheme, 'on' | 'off' | 'shouldUseDarkColors'> &
      Partial<Pick<NativeTheme, 'shouldUseDarkColorsForSystemIntegratedUI'>>
  }
  /** What the tray shows, as it is now. */
  view: () => Promise<TrayView>
  /** Events of the node: `app.events.listen`, or what outlasts a node that is made anew. Returns what ends it. */
  listen: (listener: (event: ApiEvent) => void, names: readonly EventName[]) => () => void
  node: { pause: (request?: { seconds?: number }) => Promise<unknown>; resume: () => Promise<unknown> }
  openWindow: () => void
  setStartAtLogin: (on: boolean) => unknown
  installUpdate: () => unknown
  quit: () => void
  /** Linux: whether the desktop shows our icon; elsewhere every desktop does. */
  presence: () => Promise<TrayPresence>
  presenceChanged: (presence: TrayPresence) => void
  log: Pick<Log, 'warn'>
  now?: () => Date
}

export interface TrayOptions {
  platform: NodeJS.Platform
  /** The folder of the icons: `resources/tray` of the clone, `tray` in the installed app's resources. */
  iconDir: string
  texts: DesktopTexts
  /** For times of the day: app.getLocale(). */
  locale: string
  /** XDG_CURRENT_DESKTOP. */
  currentDesktop?: string
}

/** What changes the line of state is shown at once; what only counts up, this often at most. */
const AT_ONCE: readonly EventName[] = [
  'mode-changed',
  'address-changed',
  'mapping-changed',
  'settings-changed'
]
const COUNTS: readonly EventName[] = [
  'circuit-accepted',
  'circuit-closed',
  'reservation-accepted',
  'reservation-ended',
  'reservation-expired'
]
const SOON_MS = 200
const COUNTS_EVERY_MS = 10_000
/** While circuits run, today's bytes grow without events. */
const BYTES_EVERY_MS = 60_000
/** The panel of a desktop that is just starting may come after us. */
const LOOK_AGAIN_MS = [1000, 5000, 30_000, 120_000]

/**
 * The icon in the tray, its tooltip and its menu. `start()` shows it, after Electron is ready; `refresh()` is to be
 * called when something of the desktop's own changed (the node starts or fails, an update, start at login), the node's
 * events it follows itself. No timer runs while the node has no circuits, but one for midnight.
 *
 * `presence` says what is known of whether it is seen: `none` on Linux until the desktop has taken the icon.
 * `check()` asks anew, which is worth it before a window is hidden.
 *
 * A test drives the menu by wrapping `Menu.buildFromTemplate` and emitting `updated` on nativeTheme, which always builds
 * it anew (submenus first): `menu.getMenuItemById('pause-hour').click()`.
 */
export function createTray(components: TrayComponents, options: TrayOptions): TrayIcon {
  return new TrayIcon(components, options)
}

export class TrayIcon {
  readonly #components: TrayComponents
  readonly #options: TrayOptions
  readonly #undo: (() => void)[] = []
  #tray: Tray | undefined
  #presence: TrayPresence = 'none'
  #shown: { icon?: string; tooltip?: string; menu?: string } = {}
  #timer: { due: number; handle: NodeJS.Timeout } | undefined
  #lookAgain: NodeJS.Timeout | undefined
  #refreshing: Promise<void> | undefined
  #refreshedAt = 0
  #running = false

  constructor(components: TrayComponents, options: TrayOptions) {
    this.#components = components
    this.#options = options
  }

  get presence(): TrayPresence {
    return this.#presence
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    const { listen, electron } = this.#components
    this.#undo.push(
      listen(() => this.#schedule(SOON_MS), AT_ONCE),
      listen(
        () => this.#schedule(Math.max(SOON_MS, this.#refreshedAt + COUNTS_EVERY_MS - Date.now())),
        COUNTS
      )
    )
    const onTheme = (): void => {
      this.#shown = {}
      this.refresh()
    }
    electron.nativeTheme.on('updated', onTheme)
    this.#undo.push(() => electron.nativeTheme.off('updated', onTheme))
    this.#create()
    this.refresh()
    if (this.#options.platform === 'linux') this.#lookLater(0)
    else if (this.#tray !== undefined) this.#setPresence('shown')
  }

  stop(): void {
    this.#running = false
    for (const undo of this.#undo.splice(0)) undo()
    clearTimeout(this.#timer?.handle)
    clearTimeout(this.#lookAgain)
    this.#timer = undefined
    this.#tray?.destroy()
    this.#tray = undefined
  }

  refresh(): void {
    this.#schedule(0)
  }

  /** Asks the desktop whether it shows the icon. */
  async check(): Promise<TrayPresence> {
    if (this.#options.platform !== 'linux' || !this.#running) return this.#presence
    const found = this.#tray === undefined ? 'none' : await this.#components.presence()
    if (this.#running) this.#setPresence(found)
    return found
  }

  /** What the menu's entry does. */
  act(id: TrayAction, checked = false): unknown {
    const { node, openWindow, setStartAtLogin, installUpdate, quit, log } = this.#components
    const now = this.#components.now?.() ?? new Date()
    const told = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: unknown) => log.warn({ err: error, id }, 'the tray could not do what was asked'))
    switch (id) {
      case 'open':
        return openWindow()
      case 'pause-hour':
        return told(node.pause({ seconds: 3600 }))
      case 'pause-tomorrow':
        return told(node.pause({ seconds: secondsUntilTomorrow(now) }))
      case 'pause-until-resumed':
        return told(node.pause())
      case 'resume':
        return told(node.resume())
      case 'start-at-login':
        return told(
          Promise.resolve()
            .then(() => setStartAtLogin(checked))
            .finally(() => this.#rebuild())
        )
      case 'update':
        return told(Promise.resolve().then(installUpdate))
      case 'quit':
        return quit()
    }
  }

  #create(): void {
    const { Tray } = this.#components.electron
    const { platform } = this.#options
    this.#tray?.destroy()
    this.#tray = undefined
    this.#shown = {}
    const icon = this.#iconFile('off')
    try {
      const tray = new Tray(icon)
      // On macOS a click opens the menu.
      if (platform !== 'darwin') tray.on('click', () => void this.act('open'))
      if (platform !== 'linux') tray.on('mouse-enter', () => this.#onPointer())
      this.#tray = tray
    } catch (error) {
      this.#components.log.warn({ err: error, icon }, 'no tray icon')
    }
  }

  /** The tooltip and the menu come next. */
  #onPointer(): void {
    if (Date.now() - this.#refreshedAt > 2000) this.refresh()
  }

  #schedule(inMs: number): void {
    if (!this.#running) return
    const due = Date.now() + inMs
    if (this.#timer !== undefined && this.#timer.due <= due) return
    clearTimeout(this.#timer?.handle)
    const handle = setTimeout(() => {
      this.#timer = undefined
      this.#refreshing = (this.#refreshing ?? Promise.resolve()).then(() => this.#show())
    }, inMs)
    handle.unref()
    this.#timer = { due, handle }
  }

  async #show(): Promise<void> {
    this.#refreshedAt = Date.now()
    let view: TrayView
    try {
      view = await this.#components.view()
    } catch (error) {
      this.#components.log.warn({ err: error }, 'the tray does not know what the node does')
      return
    }
    const tray = this.#tray
    if (!this.#running || tray === undefined) return
    const { texts, locale } = this.#options
    const now = this.#components.now?.() ?? new Date()
    const look = trayLook(view, texts, locale, now)
    this.#changed('icon', this.#iconFile(look.state), icon => tray.setImage(icon))
    this.#changed('tooltip', tooltipOf(look, texts), text => tray.setToolTip(text))
    const entries = trayMenu(view, look, texts)
    // Linux takes no changes of a menu it has; a new one is set.
    this.#changed('menu', JSON.stringify(entries), () => {
      tray.setContextMenu(this.#components.electron.Menu.buildFromTemplate(this.#template(entries)))
    })
    if ((view.status?.circuits.running ?? 0) > 0) this.#schedule(BYTES_EVERY_MS)
    else if (look.today !== texts.nothingToday) this.#schedule((secondsUntilTomorrow(now) + 1) * 1000)
  }

  #changed(part: 'icon' | 'tooltip' | 'menu', value: string, set: (value: string) => void): void {
    if (this.#shown[part] === value) return
    this.#shown[part] = value
    set(value)
  }

  /** The platform ticks a checkbox by itself: it is set to what really is. */
  #rebuild(): void {
    delete this.#shown.menu
    this.refresh()
  }

  #template(entries: TrayEntry[]): MenuItemConstructorOptions[] {
    return entries.map(({ submenu, ...entry }) => ({
      ...entry,
      ...(submenu !== undefined && { submenu: this.#template(submenu) }),
      click: item => void this.act(entry.id as TrayAction, item.checked)
    }))
  }

  #iconFile(state: 'relaying' | 'paused' | 'off' | 'trouble'): string {
    const { platform, iconDir, currentDesktop } = this.#options
    const theme = this.#components.electron.nativeTheme
    const dark =
      (platform === 'linux' && panelIsAlwaysDark(currentDesktop)) ||
      (theme.shouldUseDarkColorsForSystemIntegratedUI ?? theme.shouldUseDarkColors)
    return path.join(iconDir, trayIconName(state, platform, dark))
  }

  /** An icon that was made before the panel came is not taken later: it is made anew. */
  #lookLater(attempt: number): void {
    const inMs = LOOK_AGAIN_MS[attempt]
    if (inMs === undefined) return
    this.#lookAgain = setTimeout(() => {
      void this.check().then(found => {
        if (found === 'shown' || !this.#running) return
        if (attempt > 0) {
          this.#create()
          this.refresh()
        }
        this.#lookLater(attempt + 1)
      })
    }, inMs)
    this.#lookAgain.unref()
  }

  #setPresence(presence: TrayPresence): void {
    if (presence === this.#presence) return
    this.#presence = presence
    this.#components.presenceChanged(presence)
  }
}
