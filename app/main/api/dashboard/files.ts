import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemCode } from '../../../shared/errors.ts'

export interface DashboardFile {
  body: Buffer
  contentType: string
  cacheControl: string
  etag: string
  /** The sign-in page and what it loads: answered without a session. */
  forAnyone: boolean
}

/** By the path they are asked for. */
export type DashboardFiles = ReadonlyMap<string, DashboardFile>

const INDEX = 'index.html'
const SIGN_IN = 'open.html'
const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2'
}

/**
 * Where the built renderer is: `out/renderer` of the clone, the package or the app that this code belongs to,
 * however deep in it a build put this file.
 */
export function builtRenderer(from = path.dirname(fileURLToPath(import.meta.url))): string {
  let root = from
  while (!existsSync(path.join(root, 'package.json')) && path.dirname(root) !== root)
    root = path.dirname(root)
  return path.join(root, 'out/renderer')
}

/** All files of the built renderer; undefined if it was not built. They are small, and answered from memory. */
export async function readDashboard(dir: string): Promise<DashboardFiles | undefined> {
  let names: string[]
  try {
    names = await readdir(dir, { recursive: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  const known = names
    .map(name => name.replaceAll(path.sep, '/'))
    .filter(name => path.extname(name) in CONTENT_TYPES)
  if (!known.includes(INDEX) || !known.includes(SIGN_IN)) return undefined
  const bodies = await Promise.all(known.map(name => readFile(path.join(dir, name))))
  const read = known.map((name, index) => ({ name, body: bodies[index] ?? Buffer.alloc(0) }))
  const signIn = read.find(({ name }) => name === SIGN_IN)?.body.toString() ?? ''
  return new Map(read.map(({ name, body }) => [urlPath(name), describe(name, body, isNamedIn(signIn, name))]))
}

function urlPath(name: string): string {
  if (name === INDEX) return '/'
  return name === SIGN_IN ? '/open' : `/${name}`
}

/** A build names in the page all that it loads, the parts of its script too. */
function isNamedIn(page: string, name: string): boolean {
  return name === SIGN_IN || page.includes(`"./${name}"`) || page.includes(`"/${name}"`)
}

function describe(name: string, body: Buffer, forAnyone: boolean): DashboardFile {
  const extension = path.extname(name)
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return {
    body,
    contentType: CONTENT_TYPES[extension] ?? 'application/octet-stream',
    // The names in assets/ carry a digest of what is in them. Pages must not outlive a session in a cache.
    cacheControl: name.startsWith('assets/')
      ? 'private, max-age=31536000, immutable'
      : extension === '.html'
        ? 'no-store'
        : 'private, no-cache',
    etag: `"${digest}"`,
    forAnyone
  }
}
