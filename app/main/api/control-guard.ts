import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../../shared/errors.ts'
import type { Session, Sessions } from './dashboard/sessions.ts'

/** Who may ask the control API: what a web page of elsewhere made a browser send is told by its headers. */

export interface Origins {
  scheme: 'http' | 'https'
  /** Whether the listener goes by that name or address; asked without a port, in lower case. */
  isOurs: (host: string) => boolean
}

/** Names that this machine has for itself. */
const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])
const KEY_HEADER = 'x-waystation-key'

export function isOwnName(host: string): boolean {
  return OWN_NAMES.has(host)
}

/** @throws AppError not-authorised, for a request that another site's page sent, also under a name that points here */
export function refuseStrangers({ method, headers }: FastifyRequest, { scheme, isOurs }: Origins): void {
  const { host, origin } = headers
  const name = host?.replace(/:\d+$/, '').toLowerCase()
  if (name === undefined || !(isOwnName(name) || isOurs(name))) {
    const names = scheme === 'https' ? 'the names of its certificate' : '127.0.0.1 and localhost'
    throw new AppError('not-authorised', `The control API answers to ${names} only (Host header).`)
  }
  if (origin !== undefined && origin !== `${scheme}://${host}`) {
    throw new AppError('not-authorised', 'The control API answers no other site (Origin header).')
  }
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return
  // A link to the dashboard may stand anywhere. SameSite cookies do not come along.
  const isLink =
    method === 'GET' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    (headers['sec-fetch-dest'] ?? 'document') === 'document'
  if (isLink) return
  throw new AppError('not-authorised', 'The control API answers no other site (Sec-Fetch-Site header).')
}

/** `token`: the owner of the data folder. `session`: a browser that was signed in, with both halves or the cookie alone. */
export type Caller = { by: 'token' } | { by: 'session'; session: Session; hasKey: boolean } | { by: 'nobody' }

/** Tells who a request is from. */
export function callerCheck(token: string, sessions: Sessions): (request: FastifyRequest) => Caller {
  // Digests have one length, which a comparison in constant time needs.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(`Bearer ${token}`)
  return request => {
    const { authorization } = request.headers
    if (authorization !== undefined && timingSafeEqual(digest(authorization), expected))
      return { by: 'token' }
    const session = cookiesOf(request, cookieName(request))
      .map(value => sessions.read(value))
      .find(each => each !== undefined)
    if (session === undefined) return { by: 'nobody' }
    const key = request.headers[KEY_HEADER]
    return { by: 'session', session, hasKey: typeof key === 'string' && sessions.hasKey(session, key) }
  }
}

/** Ports share the cookies of their host; the port that the browser sees is not ours behind a tunnel. */
export function cookieName({ headers, protocol }: FastifyRequest): string {
  const [, port] = /:(\d+)$/.exec(headers.host ?? '') ?? []
  return `waystation-${port ?? (protocol === 'https' ? 443 : 80)}`
}

/** A browser may send several of one name, where another port of this host has set some for other paths. */
function cookiesOf({ headers }: FastifyRequest, name: string): string[] {
  return (headers.cookie ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1))
}
