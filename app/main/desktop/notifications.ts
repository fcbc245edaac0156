import type { Notification, NotificationConstructorOptions } from 'electron'
import type { ApiEvent, EventName, MappingInfo, ModeInfo, Status } from '../../shared/api.ts'
import type { Settings } from '../../shared/settings.ts'
import type { Log } from '../observe/log.ts'
import type { DesktopTexts } from './texts.ts'

type NotifySettings = Pick<
  Settings,
  'notify.firstCircuit' | 'notify.mapping' | 'notify.quota' | 'notify.update' | 'upnp'
>

/** What was told already, so that it is not told twice. Kept over restarts (in window.json). */
export interface Told {
  get: (what: string) => string | undefined
  set: (what: string, value: string | undefined) => void
}

export interface NotificationsComponents {
  /** Electron's Notification. */
  Notification: (new (options: NotificationConstructorOptions) => Notification) & {
    isSupported: () => boolean
  }
  status: () => Promise<Status>
  /** Events of the node: `app.events.listen`, or what outlasts a node that is made anew. Returns what ends it. */
  listen: (listener: (event: ApiEvent) => void, names: readonly EventName[]) => () => void
  /** The settings in force: each notification has its own. */
  settings: () => NotifySettings
  openWindow: (page?: string) => void
  told: Told
  log: Pick<Log, 'warn'>
}

export interface NotificationsOptions {
  texts: DesktopTexts
  /** A picture, where the platform does not take the app's own. */
  icon?: string
}

const NAMES = ['circuit-accepted', 'mapping-changed', 'mode-changed'] as const
/** A router that is just restarting, or a laptop that just woke up, is no news. */
const MAPPING_FAILS_FOR_MS = 60_000

/**
 * The few notifications of the desktop app: the first circuit ever, a router that does not forward, a quota that is
 * used up, an update, and once that closing the window ends nothing. None is shown twice for the same thing. `start()`
 * follows the node's events; updates and the window's closing are told by `updateAvailable` and `stillRunning`.
 */
export function createNotifications(
  components: NotificationsComponents,
  options: NotificationsOptions
): Notifications {
  return new Notifications(components, options)
}

export class Notifications {
  readonly #components: NotificationsComponents
  readonly #options: NotificationsOptions
  /** Held until they are gone: one that is collected as garbage cannot be clicked any more. */
  readonly #open = new Set<Notification>()
  #unlisten: (() => void) | undefined
  #mappingTimer: NodeJS.Timeout | undefined
  #askingForFirst = false

  constructor(components: NotificationsComponents, options: NotificationsOptions) {
    this.#components = components
    this.#options = options
  }

  start(): void {
    this.#unlisten ??= this.#components.listen(event => {
      if (event.name === 'circuit-accepted') void this.#onCircuit()
      else if (event.name === 'mapping-changed') this.#onMapping(event.value)
      else if (event.name === 'mode-changed') this.#onMode(event.value)
    }, NAMES)
  }

  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    clearTimeout(this.#mappingTimer)
    for (const notification of this.#open) notification.close()
    this.#open.clear()
  }

  updateAvailable(version: string): void {
    const { settings, told } = this.#components
    if (!settings()['notify.update'] || told.get('update') === version) return
    if (this.#show(this.#texts.update(version), 'settings')) told.set('update', version)
  }

  /** The window was closed and the node goes on: said once, ever. */
  stillRunning(): void {
    const { told } = this.#components
    if (told.get('still-running') !== undefined) return
    if (this.#show(this.#texts.stillRunning)) told.set('still-running', 'yes')
  }

  get #texts(): DesktopTexts['notifications'] {
    return this.#options.texts.notifications
  }

  async #onCircuit(): Promise<void> {
    const { told, settings, status, log } = this.#components
    if (told.get('first-circuit') !== undefined || this.#askingForFirst) return
    this.#askingForFirst = true
    try {
      const { totals, relayedConnections } = await status()
      told.set('first-circuit', 'yes')
      // Those of this run do not count: several may have come at once.
      const isFirst = totals.ever.circuits <= relayedConnections
      if (isFirst && settings()['notify.firstCircuit']) this.#show(this.#texts.firstCircuit, 'overview')
    } catch (error) {
      log.warn({ err: error }, 'could not ask whether this was the first circuit')
    } finally {
      this.#askingForFirst = false
    }
  }

  #onMapping({ state, code }: MappingInfo): void {
    const { told } = this.#components
    if (state === 'searching') return
    clearTimeout(this.#mappingTimer)
    if (state !== 'failed') return told.set('mapping', undefined)
    const cause = code ?? 'unknown'
    this.#mappingTimer = setTimeout(() => {
      const settings = this.#components.settings()
      if (!settings.upnp || !settings['notify.mapping'] || told.get('mapping') === cause) return
      if (this.#show(this.#texts.mapping, 'network')) told.set('mapping', cause)
    }, MAPPING_FAILS_FOR_MS)
    this.#mappingTimer.unref()
  }

  #onMode({ rule, until }: ModeInfo): void {
    const { told, settings } = this.#components
    if (rule !== 'quota-month') return
    // Until when it sleeps names the month. Raised and used up again in the same month is no news.
    const month = until ?? 'unknown'
    if (!settings()['notify.quota'] || told.get('quota') === month) return
    if (this.#show(this.#texts.quota, 'overview')) told.set('quota', month)
  }

  /** False where the system shows no notifications (Linux without libnotify): then nothing was told. */
  #show(text: { title: string; body: string }, page?: string): boolean {
    const { Notification, openWindow, log } = this.#components
    if (!Notification.isSupported()) return false
    const { icon } = this.#options
    const notification = new Notification({ ...text, ...(icon !== undefined && { icon }) })
    this.#open.add(notification)
    notification.on('click', () => openWindow(page))
    notification.on('close', () => this.#open.delete(notification))
    notification.on('failed', (_, error) => {
      this.#open.delete(notification)
      log.warn({ error }, 'a notification could not be shown')
    })
    notification.show()
    return true
  }
}
