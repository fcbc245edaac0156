import { globSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '..')
const LICENCE = /^(licen[cs]e|copying|notice)/i

/** Packages that the app carries as they are, whose native code has parts with licences of their own. */
const CARRIED = [
  'classic-level',
  'abstract-level',
  '@chainsafe/libp2p-quic',
  'node-datachannel',
  'sodium-native'
]
/** What finds the binaries of sodium-native and node-datachannel. */
const LOADERS = [
  'require-addon',
  'bare-addon-resolve',
  'bare-module-resolve',
  'bare-semver',
  'which-runtime',
  'detect-libc'
]
/** In the app's pages, whose build has no source maps. */
const IN_PAGES = ['svelte', 'uplot', 'uqr']
/** Licences of what is compiled in, where the package does not bring them. */
const COMPILED_IN: Record<string, string> = { 'sodium-native': 'build/licences/libsodium.txt' }

/** The licences of all that is in the app: what the bundles were made of stands in their source maps. */
export function notices(): string {
  const folders = new Set([...CARRIED, ...LOADERS, ...IN_PAGES].map(name => `node_modules/${name}`))
  const maps = globSync('out/{desktop,preload}/**/*.map', { cwd: ROOT })
  if (maps.length === 0) throw new Error('Nothing is built yet: npm run build:desktop')
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(path.join(ROOT, map), 'utf8')) as { sources: string[] }
    for (const source of sources) {
      const folder = packageFolder(source)
      if (folder !== undefined) folders.add(folder)
    }
  }
  const texts = [...folders].sort().map(notice)
  return `Waystation carries these packages. Electron's and Chromium's licences lie beside the app.\n\n${texts.join('\n')}`
}

/** `…/node_modules/a/node_modules/@b/c/src/d.js` -> `node_modules/a/node_modules/@b/c` */
function packageFolder(source: string): string | undefined {
  return /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(source)?.[0]
}

function notice(folder: string): string {
  const full = path.join(ROOT, folder)
  const { name, version, license } = JSON.parse(readFileSync(path.join(full, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const recursive = CARRIED.includes(name)
  const files = readdirSync(full, { recursive, encoding: 'utf8' }).filter(
    file => LICENCE.test(path.basename(file)) && !file.includes('node_modules')
  )
  const texts = files.sort().map(file => readFileSync(path.join(full, file), 'utf8').trim())
  const inside = COMPILED_IN[name]
  if (inside !== undefined) texts.push(readFileSync(path.join(ROOT, inside), 'utf8').trim())
  return [`== ${name} ${version} (${license ?? 'see below'})`, ...texts, ''].join('\n\n')
}
