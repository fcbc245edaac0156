import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { App } from 'electron'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import { escapeValue, execLine, isSwitchedOn, parseDesktopEntry } from './desktop-entry.ts'

export interface AutostartComponents {
  /** Electron's app. */
  app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings'>
}

export interface AutostartOptions {
  platform: NodeJS.Platform
  /** A clone is not offered: what would start is not ours to put into the system. */
  packaged: boolean
  /** process.execPath; the AppImage's own file goes before it. */
  execPath: string
  env: Readonly<Record<string, string | undefined>>
  home: string
  /** Given with --data-dir at this start, absolute: carried along. macOS has no way to. */
  dataDir?: string
}

export interface AutostartState {
  supported: boolean
  on: boolean
}

export const HIDDEN_FLAG = '--hidden'
const FILE = 'waystation.desktop'

/**
 * Start at login, without a window. Windows and macOS keep it themselves, Linux in an entry of the session's autostart
 * folder. `start()` mends an entry whose program has moved; `state()` reads what the system says, because people also
 * switch it there; `set()` changes it.
 */
export function createAutostart(components: AutostartComponents, options: AutostartOptions): Autostart {
  return new Autostart(components, options)
}

export class Autostart {
  readonly #components: AutostartComponents
  readonly #options: AutostartOptions

  constructor(components: AutostartComponents, options: AutostartOptions) {
    this.#components = components
    this.#options = options
  }

  get #supported(): boolean {
    const { packaged, platform } = this.#options
    return packaged && ['win32', 'darwin', 'linux'].includes(platform)
  }

  async start(): Promise<void> {
    if (this.#options.platform !== 'linux' || !this.#supported) return
    const text = await readIfThere(this.#file)
    if (text === undefined || !isSwitchedOn(parseDesktopEntry(text))) return
    const exec = parseDesktopEntry(text).get('Exec')
    if (exec !== execLine(this.#command)) await this.#write()
  }

  /** macOS says itself that it was the login; elsewhere the flag does. */
  startedHidden(argv: readonly string[]): boolean {
    if (argv.includes(HIDDEN_FLAG)) return true
    return this.#options.platform === 'darwin' && this.#components.app.getLoginItemSettings().wasOpenedAtLogin
  }

  async state(): Promise<AutostartState> {
    if (!this.#supported) return { supported: false, on: false }
    return { supported: true, on: await this.#isOn() }
  }

  /** @throws AppError file-unwritable */
  async set(on: boolean): Promise<AutostartState> {
    if (!this.#supported) return this.state()
    if (this.#options.platform === 'linux') await (on ? this.#write() : this.#remove())
    else this.#components.app.setLoginItemSettings({ openAtLogin: on, ...this.#loginItem })
    return this.state()
  }

  async #isOn(): Promise<boolean> {
    const { app } = this.#components
    if (this.#options.platform !== 'linux') {
      const found = app.getLoginItemSettings(this.#loginItem)
      // Windows: the Task Manager can switch off what the registry still holds.
      return found.openAtLogin && (this.#options.platform !== 'win32' || found.executableWillLaunchAtLogin)
    }
    const text = await readIfThere(this.#file)
    return text !== undefined && isSwitchedOn(parseDesktopEntry(text))
  }

  get #loginItem(): { path?: string; args?: string[] } {
    if (this.#options.platform !== 'win32') return {}
    const [program = '', ...args] = this.#command
    // Electron joins them with spaces into one value of the registry, as they are (electron/electron#53911).
    return {
      path: `"${program}"`,
      args: args.map(argument => (/\s/.test(argument) ? `"${argument}"` : argument))
    }
  }

  get #command(): string[] {
    const { env, execPath, dataDir, platform } = this.#options
    const program = (platform === 'linux' && env['APPIMAGE']) || execPath
    return [program, HIDDEN_FLAG, ...(dataDir === undefined ? [] : ['--data-dir', dataDir])]
  }

  /** XDG: a folder that is not absolute is to be ignored. */
  get #file(): string {
    const { env, home } = this.#options
    const config = env['XDG_CONFIG_HOME']
    const dir = config !== undefined && path.isAbsolute(config) ? config : path.join(home, '.config')
    return path.join(dir, 'autostart', FILE)
  }

  async #remove(): Promise<void> {
    try {
      await rm(this.#file, { force: true })
    } catch (error) {
      throw problemWith(this.#file, error)
    }
  }

  async #write(): Promise<void> {
    const command = this.#command
    const lines = [
      '[Desktop Entry]',
      'Type=Application',
      'Name=Waystation',
      'Comment=Relays for peer-to-peer apps, within the limits you set',
      `Exec=${execLine(command)}`,
      // An AppImage that was thrown away is passed over in silence.
      `TryExec=${escapeValue(command[0] ?? '')}`,
      'Icon=waystation',
      'Terminal=false',
      'StartupNotify=false',
      'X-GNOME-Autostart-enabled=true'
    ]
    const file = this.#file
    const temporary = `${file}.${process.pid}.tmp`
    try {
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(temporary, `${lines.join('\n')}\n`)
      await rename(temporary, file)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw problemWith(file, error)
    }
  }
}

function problemWith(file: string, error: unknown): AppError {
  const message = `Start at login could not be changed in ${file}: ${messageOf(error)}. Check the folder's rights.`
  return new AppError('file-unwritable', message, { file }, error)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
