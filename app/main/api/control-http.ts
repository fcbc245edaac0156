import { timingSafeEqual, createHash } from 'node:crypto'
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Api, EventName, Result } from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'
import { bindError } from '../net/bind-error.ts'
import { bindAll, closeServer, serverFactory, SOCKET_LIMITS, urlOf } from '../net/http-sockets.ts'
import type { EventLog } from './event-log.ts'
import { statusOfError } from './http-status.ts'
import { callMethod, errorOf, isMethod } from './methods.ts'
import { sendEvents } from './server-sent-events.ts'

/** What Prometheus reads. */
export interface MetricsText {
  contentType: string
  text(): Promise<string>
}

export interface ControlHttpComponents {
  api: Api
  events: EventLog
  metrics: MetricsText
  /** The secret that every request must show. */
  token: string
  log: { error(values: object, message: string): void }
}

export interface ControlHttpOptions {
  /** TCP port on 127.0.0.1; 0: any free one. */
  port: number
}

export interface ControlHttp {
  /** `http://127.0.0.1:4010` */
  url: string
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
/** Lists of rules are long; a request that is longer still was meant for something else. */
const BODY_LIMIT_BYTES = 256 * 1024
/** Names of this machine that a Host header may have. */
const NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])
const STOP_GRACE_MS = 300
/** Events are held open: scripts that forget to close them must not take every connection from the commands. */
const MOST_LISTENERS = 128

/**
 * The control API (design: two HTTP listeners) on 127.0.0.1: `POST /api/METHOD`, `GET /api/events`, `GET /metrics`.
 * Every request needs the token; one that a web page of elsewhere made a browser send is refused by its Host or
 * Origin. No GET changes anything.
 * @throws AppError port-in-use, port-forbidden, address-unusable
 */
export async function startControlHttp(
  components: ControlHttpComponents,
  { port }: ControlHttpOptions
): Promise<ControlHttp> {
  const app = await createControlApp(components)
  const limits = { ...SOCKET_LIMITS, maxConnectionsPerIpGroup: SOCKET_LIMITS.maxConnections }
  const open = serverFactory((request, response) => app.routing(request, response), limits)
  try {
    const { servers } = await bindAll([HOST], port, open)
    const [server] = servers
    if (server === undefined) throw new AppError('address-unusable', `This machine has no ${HOST}.`)
    return {
      url: urlOf(server),
      async stop() {
        await Promise.all(servers.map(each => closeServer(each, STOP_GRACE_MS)))
        await app.close()
      }
    }
  } catch (error) {
    await app.close()
    throw bindError(error, {
      what: `TCP port ${port} of the control API (control.port)`,
      remedy:
        'choose another port with --control-port N (0: any free one), or go without by --no-control-enabled',
      details: { setting: 'control.port', port }
    })
  }
}

async function createControlApp({
  api,
  events,
  metrics,
  token,
  log
}: ControlHttpComponents): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES, logger: false, trustProxy: false })
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof AppError) return reply.code(statusOfError(error.code)).send(failure(error))
    const status = error.statusCode ?? 500
    if (status < 500) return reply.code(status).send(failure(new AppError('bad-request', error.message)))
    log.error({ err: error }, 'the control API failed')
    return reply
      .code(500)
      .send(failure(new AppError('internal', 'This node made a mistake. Its log says more.')))
  })
  app.setNotFoundHandler(request => {
    throw new AppError(
      'unknown-method',
      `There is no ${request.method} ${request.url.split('?', 1)[0] ?? ''} here.`
    )
  })
  const isToken = tokenCheck(token)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    refuseStrangers(request)
    if (isToken(request.headers.authorization)) return
    reply.header('www-authenticate', 'Bearer')
    const mend = 'Send "Authorization: Bearer TOKEN" with what control.token in the data folder holds.'
    throw new AppError('not-authorised', `The control API needs its token. ${mend}`)
  })

  app.post<{ Params: { method: string } }>('/api/:method', async (request, reply) => {
    const { method } = request.params
    if (!isMethod(method)) throw new AppError('unknown-method', `The Api has no method "${method}".`)
    const result = await callMethod(api, method, request.body)
    return reply.code(result.ok ? 200 : statusOfError(result.error.code)).send(result)
  })
  app.get<{ Querystring: { names?: string | string[] } }>('/api/events', (request, reply) => {
    if (events.listeners >= MOST_LISTENERS) {
      const message = `${MOST_LISTENERS} clients listen to events already. Close those that are not needed.`
      throw new AppError('too-many-listeners', message)
    }
    // Given twice it is a list.
    const names = request.query.names?.toString().split(',') as EventName[] | undefined
    const lastId = request.headers['last-event-id']
    reply.hijack()
    sendEvents(events, reply.raw, { names, lastId: typeof lastId === 'string' ? lastId : undefined })
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  await app.ready()
  return app
}

const failure = (error: AppError): Result<never> => ({ ok: false, error: errorOf(error) })

/** A page on another site can make a browser send requests here, also under a name that points to 127.0.0.1. */
function refuseStrangers(request: FastifyRequest): void {
  const { host, origin } = request.headers
  if (host === undefined || !NAMES.has(host.replace(/:\d+$/, ''))) {
    throw new AppError(
      'not-authorised',
      'The control API answers to 127.0.0.1 and localhost only (Host header).'
    )
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new AppError('not-authorised', 'The control API answers no other site (Origin header).')
  }
}

function tokenCheck(token: string): (header: string | undefined) => boolean {
  // Digests have one length, which a comparison in constant time needs.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(`Bearer ${token}`)
  return header => header !== undefined && timingSafeEqual(digest(header), expected)
}
