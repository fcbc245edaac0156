// Makes the installers of this platform, or with --dir the unpacked app: `npm run dist`, `npm run dist:dir`.
// What comes from the environment stands in docs/packaging.md; other arguments go to electron-builder.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringNatives } from './natives.ts'
import { notices } from './notices.ts'

const ROOT = path.resolve(import.meta.dirname, '..')

export interface DistOptions {
  env: NodeJS.ProcessEnv
  platform: NodeJS.Platform
  /** What was written after `npm run dist --`. */
  given: readonly string[]
  /** The version of the Electron in a folder. */
  readVersion(this: void, folder: string): string
}

/** electron-builder's arguments, and what the person should know about them. */
export function distArguments({ env, platform, given, readVersion }: DistOptions): {
  flags: string[]
  notes: string[]
  /** Whose native parts are needed. */
  natives: string[]
} {
  const flags = ['--config', path.join(ROOT, 'electron-builder.yml'), '--publish', 'never']
  const notes: string[] = []
  const set = (key: string, value: string): unknown => flags.push(`-c.${key}=${value}`)
  const runtime = env['ELECTRON_OVERRIDE_DIST_PATH']
  if (runtime) {
    set('electronDist', runtime)
    set('electronVersion', readVersion(runtime))
  }
  const updates = env['WAYSTATION_UPDATE_URL']
  if (updates) {
    set('publish.provider', 'generic')
    set('publish.url', updates)
  } else notes.push('WAYSTATION_UPDATE_URL is not set: this app will look for no updates.')
  const homepage = env['WAYSTATION_HOMEPAGE'] || repositoryPage(env)
  if (homepage) set('extraMetadata.homepage', homepage)
  else if (platform === 'linux' && !given.some(word => CHOOSES_TARGET.test(word))) {
    notes.push('WAYSTATION_HOMEPAGE is not set, which a deb and an rpm must name: only the AppImage is made.')
    flags.push('--linux', 'AppImage')
  }
  return { flags: [...flags, ...given], notes, natives: nativesFor(platform, given) }
}

/** Installers are made for both processors unless one is asked for; an unpacked app is for this machine's. */
function nativesFor(platform: NodeJS.Platform, given: readonly string[]): string[] {
  const named = ['x64', 'arm64'].filter(arch => given.includes(`--${arch}`))
  if (named.length > 0) return named.map(arch => `${platform}-${arch}`)
  return given.includes('--dir') ? [] : [`${platform}-x64`, `${platform}-arm64`]
}

const CHOOSES_TARGET = /^(--(dir|linux|win|windows|mac|macos)|-[mwl]+)$/

/** GitHub's runners say where they are. */
function repositoryPage(env: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env
  return server && repository ? `${server}/${repository}` : undefined
}

/** An Electron has its version in a file of that name. */
function versionOf(folder: string): string {
  try {
    return readFileSync(path.join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  } catch (error) {
    throw new Error('ELECTRON_OVERRIDE_DIST_PATH must be the folder of an unpacked Electron', {
      cause: error
    })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { env, platform } = process
  const given = process.argv.slice(2)
  const { flags, notes, natives } = distArguments({ env, platform, given, readVersion: versionOf })
  for (const note of notes) console.log(note)
  try {
    bringNatives(natives)
  } catch (error) {
    console.error(
      `The native parts for ${natives.join(' and ')} cannot be had: ${(error as Error).message}\n` +
        `For this machine's processor alone, name a target and it: npm run dist -- --linux AppImage --${process.arch}`
    )
    process.exit(1)
  }
  writeFileSync(path.join(ROOT, 'out/NOTICES.txt'), notices())
  const cli = createRequire(import.meta.url).resolve('electron-builder/cli.js')
  const { status } = spawnSync(process.execPath, [cli, ...flags], { cwd: ROOT, stdio: 'inherit' })
  process.exitCode = status ?? 1
}
