// Brings the native parts of other platforms than this one: `node build/natives.ts darwin-x64 darwin-arm64`.
// npm installs those of its own platform only. They go into node_modules, where the next `npm ci` takes them away.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = path.resolve(import.meta.dirname, '..')
const MODULES = path.join(ROOT, 'node_modules')
const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64']
const QUIC = '@chainsafe/libp2p-quic'
const WEBRTC = 'node-datachannel'
const SUFFIXES: Record<string, string> = { linux: '-gnu', win32: '-msvc' }

export interface NativePackage {
  name: string
  version: string
}

/** The package with QUIC's engine for a platform; none is made for Windows on ARM. */
export function quicPackage(target: string): NativePackage | undefined {
  const suffix = SUFFIXES[target.split('-')[0]!] ?? ''
  const name = `${QUIC}-${target}${suffix}`
  const manifest = JSON.parse(readFileSync(path.join(MODULES, QUIC, 'package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>
  }
  const version = manifest.optionalDependencies[name]
  return version === undefined ? undefined : { name, version }
}

/** The package with libdatachannel for a platform. */
export function webRtcPackage(target: string): NativePackage {
  const manifest = JSON.parse(readFileSync(path.join(MODULES, WEBRTC, 'package.json'), 'utf8')) as {
    version: string
  }
  const suffix = SUFFIXES[target.split('-')[0]!] ?? ''
  return { name: `@${WEBRTC}/${target}${suffix}`, version: manifest.version }
}

/** npm checks the checksum that the registry states. */
function bring({ name, version }: NativePackage): void {
  const to = path.join(MODULES, name)
  if (existsSync(to)) return
  const dir = mkdtempSync(path.join(tmpdir(), 'waystation-natives-'))
  try {
    npm(['pack', '--ignore-scripts', `${name}@${version}`], dir)
    const [tarball] = readdirSync(dir)
    if (tarball === undefined) throw new Error(`npm brought nothing for ${name}@${version}`)
    execFileSync('tar', ['-xzf', tarball], { cwd: dir })
    mkdirSync(to, { recursive: true })
    cpSync(path.join(dir, 'package'), to, { recursive: true })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  console.log(`brought ${name}@${version}`)
}

/** classic-level has no binary for Windows on ARM: it is compiled, which wants Microsoft's compiler for that. */
function compileLevel(target: string): void {
  const arch = target.split('-')[1]
  const module = path.join(MODULES, 'classic-level')
  const to = path.join(module, 'prebuilds', target)
  if (existsSync(to)) return
  npm(['exec', '--', 'node-gyp', 'rebuild', `--arch=${arch}`, '--directory', module], ROOT)
  mkdirSync(to, { recursive: true })
  cpSync(path.join(module, 'build/Release/classic_level.node'), path.join(to, 'classic-level.node'))
  // It would be taken before the prebuilt ones, on every platform.
  rmSync(path.join(module, 'build'), { recursive: true })
  console.log(`compiled classic-level for ${target}`)
}

/** On Windows npm is a script, which only a shell can start; no argument here has a space in it. */
function npm(args: readonly string[], cwd: string): void {
  execFileSync('npm', args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32'
  })
}

/** Brings what is not there yet. */
export function bringNatives(targets: readonly string[]): void {
  for (const target of targets) {
    const quic = quicPackage(target)
    if (quic) bring(quic)
    bring(webRtcPackage(target))
    if (target === 'win32-arm64') compileLevel(target)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const targets = process.argv.slice(2)
  const strange = targets.filter(target => !TARGETS.includes(target))
  if (targets.length === 0 || strange.length > 0) {
    console.error(`natives: say for which of ${TARGETS.join(', ')}`)
    process.exit(2)
  }
  bringNatives(targets)
}
