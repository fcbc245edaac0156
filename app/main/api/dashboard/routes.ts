import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../../shared/errors.ts'
import { ipGroup } from '../../net/ip.ts'
import { RateWindows } from '../../net/rate-windows.ts'
import { cookieName, type Caller } from '../control-guard.ts'
import { readDashboard, type DashboardFile, type DashboardFiles } from './files.ts'
import { PAGE_POLICY } from './headers.ts'
import { notBuiltPage, signInPage } from './pages.ts'
import { SESSION_SECONDS, type Sessions } from './sessions.ts'
import { CODE_MINUTES, SignInCodes } from './sign-in-codes.ts'

export interface DashboardComponents {
  sessions: Sessions
  callerOf: (request: FastifyRequest) => Caller
  /** Milliseconds since 1970. */
  now: () => number
}

export interface DashboardOptions {
  /** The folder of the built renderer; it need not be there. */
  rendererDir: string
  isHttps: boolean
  /** The origin that a link is to have. */
  linkOrigin: () => string
}

/** What `waystation dashboard` is told. */
export interface DashboardLink {
  /** Signs in whoever opens it first. */
  url: string
  expiresAt: string
  /** Whether there are pages to show. */
  built: boolean
}

/** Wrong codes that one address may try. They cannot be guessed; this keeps the trying cheap. */
const WRONG_CODES_PER_MINUTE = 20
const SIGN_IN = z.strictObject({ code: z.string().min(1).max(64) })

/** The dashboard's files, the one-time link, signing in and out. `nobody` may load the sign-in page alone. */
export async function addDashboard(
  app: FastifyInstance,
  { sessions, callerOf, now }: DashboardComponents,
  { rendererDir, isHttps, linkOrigin }: DashboardOptions
): Promise<void> {
  const codes = new SignInCodes({ now })
  const wrongCodes = new RateWindows(
    { clock: () => performance.now() },
    { perMinute: WRONG_CODES_PER_MINUTE, maxKeys: 1000 }
  )
  // A node relays without pages; who asks for them is told what is wrong with them.
  let files = await readDashboard(rendererDir).catch(() => undefined)
  // A clone may be built while its node runs; what was read once stays as it fits this node.
  const built = async (): Promise<DashboardFiles | undefined> => (files ??= await readDashboard(rendererDir))

  app.post('/api/openDashboard', { config: { access: 'owner' } }, async () => {
    const { code, expiresAt } = codes.issue()
    // Behind the #: it is not sent with the request, so it is in no log, and a preview of the link does not use it.
    const url = `${linkOrigin()}/open#${code}`
    const value: DashboardLink = {
      url,
      expiresAt: expiresAt.toISOString(),
      built: (await built()) !== undefined
    }
    return { ok: true, value }
  })

  app.post('/session', { config: { access: 'anyone' } }, async (request, reply) => {
    const from = ipGroup(request.ip)
    if (!wrongCodes.peek(from)) {
      reply.header('retry-after', '60')
      throw new AppError(
        'too-many-attempts',
        'Too many links were tried that are none. Wait a minute, then try again.'
      )
    }
    const given = SIGN_IN.safeParse(request.body)
    if (!given.success || !codes.redeem(given.data.code)) {
      wrongCodes.take(from)
      const message = `This link was used already, or is older than ${CODE_MINUTES} minutes. Run \`waystation dashboard\` again for a new one.`
      throw new AppError('link-unusable', message)
    }
    const { cookie, key, expiresAt } = sessions.create()
    setCookie(request, reply, cookie, SESSION_SECONDS)
    return { ok: true, value: { key, expiresAt: new Date(expiresAt * 1000).toISOString() } }
  })

  app.post('/session/end', async (request, reply) => {
    const caller = callerOf(request)
    if (caller.by === 'session') sessions.end(caller.session)
    setCookie(request, reply, '', 0)
    return { ok: true, value: null }
  })

  app.get('/*', { config: { access: 'anyone' } }, async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const found = await built()
    const file = found?.get(path)
    if (found === undefined && path === '/open') return sendPage(request, reply.code(503), notBuiltPage)
    if (file?.forAnyone !== true && callerOf(request).by === 'nobody') return answerNobody(request, reply)
    if (file !== undefined) return sendFile(request, reply, file)
    if (found === undefined && path === '/') return sendPage(request, reply.code(503), notBuiltPage)
    return reply.callNotFound()
  })

  function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number): void {
    const secure = isHttps ? '; Secure' : ''
    const rules = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
    reply.header('set-cookie', `${cookieName(request)}=${value}; ${rules}`)
  }
}

/** A person is told in a page what to run; a program is told of the token. */
export function answerNobody(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (request.method === 'GET' && request.headers.accept?.includes('text/html') === true)
    return sendPage(request, reply.code(401), signInPage)
  reply.header('www-authenticate', 'Bearer')
  const mend =
    'Send "Authorization: Bearer TOKEN" with what control.token in the data folder holds; for the dashboard, run `waystation dashboard`.'
  throw new AppError('not-authorised', `The control API needs its token or a session. ${mend}`)
}

function sendPage(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  page: (acceptLanguage: string | undefined) => string
): FastifyReply {
  reply.header('content-security-policy', PAGE_POLICY)
  return reply.type('text/html; charset=utf-8').send(page(headers['accept-language']))
}

function sendFile({ headers }: FastifyRequest, reply: FastifyReply, file: DashboardFile): FastifyReply {
  reply.headers({ 'cache-control': file.cacheControl, etag: file.etag })
  if (headers['if-none-match'] === file.etag) return reply.code(304).send()
  return reply.type(file.contentType).send(file.body)
}
