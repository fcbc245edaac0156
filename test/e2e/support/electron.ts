import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findProgram } from '../../support/needs.ts'
import { ROOT } from '../../support/package.ts'

/** Electron refuses to run as root, and its sandbox is never switched off: root's tests start it as this user (nobody). */
const USER_ID = 65_534
const isRoot = process.getuid?.() === 0

/** The Electron to test with: the folder that ELECTRON_OVERRIDE_DIST_PATH names, or the downloaded one. */
export function findElectron(): string | undefined {
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? path.join(ROOT, 'node_modules/electron/dist')
  const inFolder = {
    darwin: 'Electron.app/Contents/MacOS/Electron',
    win32: 'electron.exe'
  } as Partial<Record<NodeJS.Platform, string>>
  const file = path.join(folder, inFolder[process.platform] ?? 'electron')
  return existsSync(file) ? file : undefined
}

/**
 * Whether the desktop app's tests must be skipped. Electron's binary is a download of its own, so that even where all
 * else is installed on purpose (CI) its absence is a skip, which is counted as one.
 */
export function electronMissing(): boolean {
  const needs: [string, boolean][] = [
    [
      'Electron (npx install-electron, or a folder in ELECTRON_OVERRIDE_DIST_PATH)',
      findElectron() !== undefined
    ],
    [
      'Xvfb (Debian: apt-get install xvfb)',
      process.platform !== 'linux' || findProgram('Xvfb') !== undefined
    ],
    ['setpriv (Debian: apt-get install util-linux)', !isRoot || findProgram('setpriv') !== undefined]
  ]
  const absent = needs.filter(([, present]) => !present).map(([what]) => what)
  for (const what of absent) console.warn(`skipped: ${what} is needed`)
  return absent.length > 0
}

/** A person's computer as the app sees it: a home, a folder for its data, and the way to start a program there. */
export class Home {
  readonly dir: string
  /** The app's data folder. */
  readonly dataDir: string
  /** What starts Electron, as an ordinary user. */
  readonly program: string

  private constructor(dir: string, program: string) {
    this.dir = dir
    this.dataDir = path.join(dir, 'data')
    this.program = program
  }

  static async create(): Promise<Home> {
    const dir = await mkdtemp(path.join(tmpdir(), 'waystation-home-'))
    for (const name of ['', 'home', 'run', 'data']) own(path.join(dir, name))
    await chmod(path.join(dir, 'run'), 0o700)
    const electron = findElectron()
    if (electron === undefined) throw new Error('There is no Electron.')
    if (!isRoot) return new Home(dir, electron)
    const program = path.join(dir, 'electron-as-user')
    // exec, so that the process that is started here is Electron itself.
    writeFileSync(program, `#!/bin/sh\nexec ${asUser([electron]).join(' ')} "$@"\n`, { mode: 0o755 })
    return new Home(dir, program)
  }

  /** Nothing of whoever runs the tests but what is needed. */
  env(more: NodeJS.ProcessEnv = {}): Record<string, string> {
    const env = {
      PATH: process.env['PATH'],
      TZ: process.env['TZ'],
      HOME: path.join(this.dir, 'home'),
      XDG_CONFIG_HOME: path.join(this.dir, 'home/.config'),
      XDG_RUNTIME_DIR: path.join(this.dir, 'run'),
      TMPDIR: this.dir,
      LANG: 'en_US.UTF-8',
      LANGUAGE: 'en',
      ...more
    }
    return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** A command as it is run by the user who runs Electron. */
export function asUser(command: readonly string[]): string[] {
  if (!isRoot) return [...command]
  return ['setpriv', `--reuid=${USER_ID}`, `--regid=${USER_ID}`, '--clear-groups', ...command]
}

/** Makes the folder if need be, and gives it to who runs Electron. */
function own(dir: string): void {
  mkdirSync(dir, { recursive: true })
  if (isRoot) chownSync(dir, USER_ID, USER_ID)
}

let appFolder: Promise<string> | undefined

/** The built app: the clone itself, or a copy where the user who runs Electron may not read the clone. */
export function builtApp(): Promise<string> {
  return (appFolder ??= findApp())
}

async function findApp(): Promise<string> {
  const files = [
    'out/desktop/index.js',
    'out/preload/index.cjs',
    'out/renderer/index.html',
    'node_modules/classic-level',
    'node_modules/sodium-native'
  ]
  if (!isRoot || files.every(file => isReadable(path.join(ROOT, file)))) return ROOT
  const copy = await mkdtemp(path.join(tmpdir(), 'waystation-app-'))
  process.once('exit', () => void spawnSync('rm', ['-rf', copy]))
  await chmod(copy, 0o755)
  for (const name of ['package.json', 'out', 'resources']) {
    await cp(path.join(ROOT, name), path.join(copy, name), { recursive: true })
  }
  for (const name of await packagesOf(['classic-level', '@chainsafe/libp2p-quic', 'sodium-native'])) {
    await cp(path.join(ROOT, 'node_modules', name), path.join(copy, 'node_modules', name), {
      recursive: true
    })
  }
  return copy
}

function isReadable(file: string): boolean {
  const [program = '', ...args] = asUser(['test', '-r', file])
  return spawnSync(program, args).status === 0
}

/** Packages that were not bundled, with what they depend on, as far as it is installed. */
async function packagesOf(names: readonly string[], found = new Set<string>()): Promise<Set<string>> {
  for (const name of names) {
    const manifest = path.join(ROOT, 'node_modules', name, 'package.json')
    if (found.has(name) || !existsSync(manifest)) continue
    found.add(name)
    type Manifest = Record<'dependencies' | 'optionalDependencies', Record<string, string> | undefined>
    const { dependencies, optionalDependencies } = JSON.parse(await readFile(manifest, 'utf8')) as Manifest
    await packagesOf(Object.keys({ ...dependencies, ...optionalDependencies }), found)
  }
  return found
}
