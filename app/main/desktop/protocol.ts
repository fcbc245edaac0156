import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Protocol, Session } from 'electron'
import { systemCode } from '../../shared/errors.ts'
import { ORIGIN, SCHEME } from './origin.ts'

/** Nothing but our own files: no inline code or styles, no connections, no frames. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'"
].join('; ')

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store'
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json'
}

/** To be called before Electron is ready. */
export function declareScheme(protocol: Protocol): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, codeCache: false, supportFetchAPI: false } }
  ])
}

/** Serves `app://waystation/…` from the renderer's build, and from nowhere else. */
export function serveRenderer(session: Session, folder: string): void {
  session.protocol.handle(SCHEME, request => answer(request, folder))
}

/** Exported for its test. */
export async function answer({ url, method }: Request, folder: string): Promise<Response> {
  const file = method === 'GET' ? fileOf(url, folder) : undefined
  if (file === undefined) return refusal(method === 'GET' ? 404 : 405)
  try {
    return new Response(new Uint8Array(await readFile(file.path)), {
      headers: { ...HEADERS, 'content-type': file.type }
    })
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return refusal(404)
    throw error
  }
}

/** The file of an address: of a known type, inside the folder. */
function fileOf(address: string, folder: string): { path: string; type: string } | undefined {
  const url = new URL(address)
  if (`${url.protocol}//${url.host}` !== ORIGIN) return undefined
  const name = decoded(url.pathname)
  const type = TYPES[path.posix.extname(name)]
  // Names of the build are plain; what is not may mean something else to the system (.., \, :, NUL).
  const isPlain = name.split('/').every(part => /^[\w-][\w.-]*$|^$/.test(part))
  if (type === undefined || !isPlain) return undefined
  return { path: path.join(folder, ...name.split('/')), type }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const refusal = (status: number): Response => new Response(null, { status, headers: HEADERS })
