import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import { fastify } from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { browserFirst } from './browser-addresses.ts'
import { TrustedProxies } from './forwarded.ts'
import { IdentityQuery, type Health, type Identity, type Status } from './http-schemas.ts'
import { ipGroup } from './ip.ts'
import { openApiDocument } from './openapi.ts'
import { ProblemError, problemFromStatus, sendProblem } from './problems.ts'
import { clientOfRequest } from './proxied-socket.ts'

/** The public pages as a fastify app: routes, limits and answers. It opens no socket. */

/** The few methods of the log that are used here; pino has them. */
export interface HttpLog {
  debug(values: object, message: string): void
  info(values: object, message: string): void
  warn(values: object, message: string): void
  error(values: object, message: string): void
}

export interface HttpAppComponents {
  log: HttpLog
  identity: () => Identity
  health: () => Health
  /** The program's version, for the OpenAPI document. */
  version: string
  /** Asked at every request; 0: unlimited. */
  requestsPerIpPerMinute: () => number
  /** Whose word is taken for where a client is. */
  proxies?: TrustedProxies
}

const BODY_LIMIT_BYTES = 64 * 1024
const MINUTE_MS = 60_000
/** IP groups whose requests are counted at once; the one longest unseen is forgotten first. */
const MAX_COUNTED_GROUPS = 20_000
const PREFLIGHT_SECONDS = 86_400

const BASE_HEADERS = {
  'x-content-type-options': 'nosniff',
  // Identity and health change while the node runs. Pages that may be kept say so themselves.
  'cache-control': 'no-store'
}

// Load balancers and supervisors poll these, several from one address: a 429 would look like a dead node.
const NOT_LIMITED = { config: { rateLimit: false } } as const

export async function createHttpApp(components: HttpAppComponents): Promise<FastifyInstance> {
  const { log, identity, health, proxies = new TrustedProxies([]) } = components
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // Request lines hold addresses; what is worth knowing is counted elsewhere.
    logger: false,
    // Whom a request comes from is asked of clientOfRequest.
    trustProxy: false,
    // Malformed URLs get here before any hook has run, so the answer brings its own headers.
    frameworkErrors: (_error, request, reply) => {
      const problem = new ProblemError('bad-request', 'The URL is malformed.')
      reply.headers({ ...BASE_HEADERS, 'access-control-allow-origin': '*' })
      sendProblem(closeIfBody(request.headers, reply), problem)
    }
  })
  const methods = methodsByPath(app)

  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const known = error instanceof ProblemError ? error : problemFromStatus(error.statusCode ?? 500)
    if (known === undefined)
      log.error({ err: error, route: request.routeOptions.url }, 'a public page failed')
    return sendProblem(reply, known ?? internalError(), request.url)
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(BASE_HEADERS)
    closeIfBody(request.headers, reply)
    const allow = methods.get(pathOf(request))
    if (allow !== undefined && request.method === 'OPTIONS') reply.header('allow', allowHeader(allow))
  })
  // Answers preflights itself, before the rate limit: that costs no more than refusing them.
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD'],
    exposedHeaders: ['retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
    maxAge: PREFLIGHT_SECONDS,
    // A plain OPTIONS is a fair question, not a malformed preflight.
    strictPreflight: false
  })
  await app.register(rateLimit, {
    max: components.requestsPerIpPerMinute,
    allowList: () => components.requestsPerIpPerMinute() === 0,
    timeWindow: MINUTE_MS,
    cache: MAX_COUNTED_GROUPS,
    // A request whose socket is gone already has no address.
    keyGenerator: ({ raw }) => ipGroup(clientOfRequest(raw, proxies)?.ip ?? ''),
    enableDraftSpec: true,
    errorResponseBuilder: () =>
      new ProblemError(
        'too-many-requests',
        'Too many requests from your address: wait as long as Retry-After says.'
      )
  })
  // Here and not in a not-found handler, so that nobody's body is read or parsed only to say 404.
  const countUnknown = app.rateLimit()
  app.addHook('onRequest', async function refuseUnknown(request, reply) {
    if (!request.is404) return
    await countUnknown.call(app, request, reply)
    const allow = methods.get(pathOf(request))
    if (allow === undefined)
      throw new ProblemError(
        'not-found',
        'There is nothing at this path. /api/v1/openapi.json lists what there is.'
      )
    reply.header('allow', allowHeader(allow))
    throw new ProblemError('method-not-allowed', `This path answers ${allowHeader(allow)}.`)
  })

  const document = openApiDocument(components.version)
  app.get('/api/v1/identity', async ({ query }): Promise<Identity> => {
    const asked = IdentityQuery.safeParse(query)
    if (!asked.success) throw new ProblemError('bad-request', 'What the addresses are for can be: browser.')
    const known = identity()
    return asked.data.for === undefined ? known : { ...known, addresses: browserFirst(known.addresses) }
  })
  app.get('/api/v1/openapi.json', async (_request, reply) =>
    reply.header('cache-control', 'max-age=300').send(document)
  )
  app.get('/healthz', NOT_LIMITED, async (): Promise<Status> => {
    // A node that cannot even say how it is answers 500.
    health()
    return { status: 'ok' }
  })
  app.get('/readyz', NOT_LIMITED, async (): Promise<Status> => {
    const { listening, draining, reasons } = health()
    if (draining) throw new ProblemError('not-ready', 'The node is stopping and takes no new work.', reasons)
    if (!listening) throw new ProblemError('not-ready', 'The node does not listen yet.', reasons)
    return { status: 'ok' }
  })
  await app.ready()
  return app
}

/** Every path with its methods, for 405 and Allow. */
function methodsByPath(app: FastifyInstance): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ path, method }) => {
    const known = methods.get(path) ?? new Set()
    methods.set(path, known)
    for (const each of [method].flat()) known.add(each)
  })
  return methods
}

function allowHeader(methods: Set<string>): string {
  return [...new Set([...methods, 'OPTIONS'])].sort().join(', ')
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}

/** Node would go on reading a body that nobody wants; closing after the answer ends that. */
function closeIfBody(headers: FastifyRequest['headers'], reply: FastifyReply): FastifyReply {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return hasBody ? reply.header('connection', 'close') : reply
}

function internalError(): ProblemError {
  return new ProblemError('internal-error', 'This node made a mistake. Its log says more.')
}
