import { globSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '..')
const LICENCE = /^(licen[cs]e|copying|notice)/i

/** Packages that the app carries as they are, and those in its pages, whose build has no source maps. */
const BESIDES = ['classic-level', 'abstract-level', '@chainsafe/libp2p-quic', 'svelte', 'uplot', 'uqr']

/** The licences of all that is in the app: what the bundles were made of stands in their source maps. */
export function notices(): string {
  const folders = new Set(BESIDES.map(name => path.join('node_modules', name)))
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
  const files = readdirSync(full).filter(file => LICENCE.test(file))
  const texts = files.map(file => readFileSync(path.join(full, file), 'utf8').trim())
  return [`== ${name} ${version} (${license ?? 'see below'})`, ...texts, ''].join('\n\n')
}
