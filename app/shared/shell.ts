import type { ApiError } from './api.ts'

/**
 * What the desktop app adds to the Api, for its own window only: the things of the desktop that are not the node's.
 * Methods are called as `shell.NAME` over the same carrier, and answer with the same results.
 */
export interface Shell {
  info(): Promise<ShellInfo>
  /** Starts the node's program part again after `trouble`. */
  retry(): Promise<ShellInfo>
  setStartAtLogin(request: { on: boolean }): Promise<ShellInfo>
  /** Looks for a new version now. */
  checkForUpdates(): Promise<ShellInfo>
  /** Drains the node, installs what is ready, and starts again. */
  installUpdate(): Promise<void>
  /** Downloads the installer of the version before and shows it in its folder; its settings and key still load there. */
  offerPrevious(): Promise<void>
  /** Shows the data folder in the system's file manager. */
  showDataFolder(): Promise<void>
  /** Asks where, and writes it for the owner alone. False if the person gave up. */
  saveText(request: { name: string; text: string }): Promise<{ saved: boolean }>
  /** Asks for a file of at most 1 MiB; null if the person gave up. */
  openText(request: { title: string }): Promise<{ name: string; text: string } | null>
  copy(request: { text: string }): Promise<void>
  /** Drains the node, then ends the app. */
  quit(): Promise<void>
}

export type ShellMethod = keyof Shell

export interface ShellInfo {
  platform: 'win32' | 'darwin' | 'linux'
  version: string
  /** An installed app, rather than one started from a clone. */
  packaged: boolean
  /** Its node: `failed` says why in `trouble`. */
  node: 'starting' | 'running' | 'failed' | 'stopping'
  /** Why the node's program part could not start: its data folder, its key or its settings cannot be used. */
  trouble?: ApiError
  /** Some Linux desktops show no tray: closing the window then minimises it. */
  tray: 'shown' | 'none'
  startAtLogin: { supported: boolean; on: boolean }
  update: UpdateInfo
}

export interface UpdateInfo {
  /** `off`: the person did not switch it on; `unsupported`: this way of installing has none, `cause` says why. */
  state: 'off' | 'unsupported' | 'idle' | 'checking' | 'available' | 'downloading' | 'ready' | 'failed'
  /** The version found. */
  version?: string
  /** 0 to 100 while downloading. */
  percent?: number
  cause?: string
  /** Where a person can get it by hand. */
  url?: string
  /** Set after two failed starts of this version: the one before, to go back to. */
  previous?: string
}

/** Events of the desktop beside those of the Api; they have no ids, and are not sent again. */
export interface ShellEvents {
  'shell-changed': ShellInfo
  /** The tray or a menu asks for a page. */
  navigate: { page: string }
  /** The person opened a network's link with this app. */
  'network-link': { link: string }
}
