import {
  accessSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync
} from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import path from 'node:path'
import { app, dialog, protocol } from 'electron'
import manifest from '../../../package.json' with { type: 'json' }
import { AppError, messageOf } from '../../shared/errors.ts'
import { LogTail } from '../observe/log-tail.ts'
import { createLog, type LogOutput } from '../observe/log.ts'
import { defaultsOf } from '../../shared/settings.ts'
import { loadSettings } from '../settings/load.ts'
import { folderProblem } from '../data-folder.ts'
import { resolveDataDir } from '../settings/paths.ts'
import { surviveFaults } from '../survive-faults.ts'
import { checkLength, type CommandLine } from './command-line.ts'
import { Desktop } from './desktop.ts'
import { declareScheme } from './protocol.ts'
import { shellTextsFor } from './shell-texts.ts'
import { openStore } from './store.ts'

/** What the first instance is told by one that was started after it. */
interface SecondStart {
  link?: string
  /** The system started it, at login: nobody asked for the window. */
  hidden?: boolean
}

/**
 * The desktop app. Must be called before Electron is ready, and returns before it is: what is done here has to be done
 * that early, the rest is `Desktop`'s.
 */
export function startDesktop(line: CommandLine): void {
  app.enableSandbox()
  declareScheme(protocol)
  try {
    start(line)
  } catch (error) {
    refuse(error)
  }
}

function start(line: CommandLine): void {
  const { flags, link, hidden } = line
  const [wrong] = flags.errors
  if (wrong !== undefined) throw wrong
  checkLength(process.argv)
  const { env } = process
  const dataDir = resolveDataDir(flags.options.dataDir, env)
  const stateDir = keepChromiumIn(dataDir)
  const second: SecondStart = { hidden, ...(link !== undefined && { link }) }
  if (stateDir === dataDir && !app.requestSingleInstanceLock(second)) {
    process.stderr.write(`Waystation runs already on ${dataDir}${hidden ? '' : '; its window is shown'}.\n`)
    return app.exit(0)
  }
  const links = new Links()
  if (link !== undefined) links.open(link)
  app.on('open-url', (event, url) => {
    event.preventDefault()
    links.open(url)
  })
  const load = { flags, env, dataDir, entry: 'desktop', openStore } as const
  const logTail = new LogTail()
  const log = createLog(logSettings(load), logTail, usableOutput())
  surviveFaults(log)
  const desktop = new Desktop(
    { log, logTail },
    { load, dataDir, stateDir, hidden, version: manifest.version, debug: env['DEBUG'] }
  )
  app.on('second-instance', (_event, _argv, _cwd, data) => {
    const { link: other, hidden: unasked } = (data ?? {}) as SecondStart
    if (unasked !== true) desktop.openWindow()
    if (typeof other === 'string') links.open(other)
  })
  app
    .whenReady()
    .then(() => {
      desktop.start()
      links.deliverTo(each => desktop.openLink(each))
    })
    .catch(refuse)
}

/**
 * Chromium's files, and with them the lock of the one instance, go into a folder of their own in the data folder. Where
 * that cannot be written, the window must be able to say so: then they go to a temporary folder, and there is no lock.
 * Returns the folder that can be written. @throws AppError where there is none, as on a disk that is full
 */
function keepChromiumIn(dataDir: string): string {
  try {
    const own = path.join(dataDir, 'chromium')
    makeFolder(own)
    accessSync(own, constants.W_OK)
    app.setPath('userData', own)
    return dataDir
  } catch (error) {
    try {
      return keepChromiumAside()
    } catch {
      throw folderProblem(dataDir, error)
    }
  }
}

/** Into a temporary folder, which is returned. */
function keepChromiumAside(): string {
  const temporary = mkdtempSync(path.join(tmpdir(), 'waystation-'))
  const own = path.join(temporary, 'chromium')
  mkdirSync(own)
  app.setPath('userData', own)
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
  return temporary
}

/** mkdir's own `recursive` never returns where a folder's parent takes none (below /proc, for one). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) makeFolder(parent)
  mkdirSync(folder, { mode: 0o700 })
}

/** For the log alone: what is wrong with the settings is said where the node is started. */
function logSettings(load: Parameters<typeof loadSettings>[0]) {
  try {
    return loadSettings(load).settings
  } catch {
    return defaultsOf('home')
  }
}

/** An app of Windows that has no console has no standard output, and writing there would be an error each time. */
function usableOutput(): LogOutput {
  try {
    fstatSync(process.stdout.fd)
    return process.stdout
  } catch {
    return { fd: openSync(devNull, 'w') }
  }
}

const NOT_UNDERSTOOD = new Set(['unknown-flag', 'bad-setting', 'unknown-setting'])

/** Says why the app cannot start, where the person looks, and ends it. */
function refuse(error: unknown): void {
  const code = error instanceof AppError && NOT_UNDERSTOOD.has(error.code) ? 2 : 1
  const message = error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error))
  process.stderr.write(`waystation: ${message}\n`)
  if (process.stderr.isTTY) return app.exit(code)
  app.on('will-quit', () => app.exit(code))
  void app
    .whenReady()
    .then(() =>
      dialog.showMessageBox({
        type: 'error',
        message: shellTextsFor(app.getLocale()).cannotStart,
        detail: message
      })
    )
    .finally(() => app.exit(code))
}

/** Links that come before there is anyone to take them wait. */
class Links {
  #waiting: string[] = []
  #deliver: ((link: string) => void) | undefined

  open(link: string): void {
    if (this.#deliver === undefined) this.#waiting.push(link)
    else this.#deliver(link)
  }

  deliverTo(deliver: (link: string) => void): void {
    this.#deliver = deliver
    for (const link of this.#waiting.splice(0)) deliver(link)
  }
}
