import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Api, EventName, Result } from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'
import { callerCheck, refuseStrangers, type Caller, type Origins } from './control-guard.ts'
import { SECURITY_HEADERS } from './dashboard/headers.ts'
import { addDashboard, answerNobody, type DashboardOptions } from './dashboard/routes.ts'
import { Sessions } from './dashboard/sessions.ts'
import type { EventLog } from './event-log.ts'
import { statusOfError } from './http-status.ts'
import { callMethod, errorOf, isMethod } from './methods.ts'
import { sendEvents } from './server-sent-events.ts'

/** What Prometheus reads. */
export interface MetricsText {
  contentType: string
  text(): Promise<string>
}

export interface ControlComponents {
  api: Api
  events: EventLog
  metrics: MetricsText
  /** The secret that every request of a program must show. */
  token: string
  log: { error(values: object, message: string): void }
}

export interface ControlAppOptions extends DashboardOptions {
  origins: Origins
}

/** Who may use a route; unless said: the owner, and a session with both its halves. */
type Access = 'anyone' | 'owner'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
}

/** Lists of rules are long; a request that is longer still was meant for something else. */
const BODY_LIMIT_BYTES = 256 * 1024
/** Events are held open: scripts that forget to close them must not take every connection from the commands. */
const MOST_LISTENERS = 128

/**
 * The control API as a fastify app, which opens no socket: `POST /api/METHOD`, `GET /api/events`, `GET /metrics` and
 * the dashboard. No GET changes anything.
 */
export async function createControlApp(
  { api, events, metrics, token, log }: ControlComponents,
  options: ControlAppOptions
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    logger: false,
    trustProxy: false,
    // A path that cannot be decoded comes to no route and to no hook.
    frameworkErrors: (error, _request, { raw }) => {
      raw.writeHead(400, { ...SECURITY_HEADERS, 'content-type': 'application/json; charset=utf-8' })
      raw.end(JSON.stringify(failure(new AppError('bad-request', error.message))))
    }
  })
  // A form of another site can send text; nobody else does.
  app.removeContentTypeParser('text/plain')
  answerErrors(app, log)
  const now = Date.now
  const sessions = new Sessions({ now }, { secret: token })
  const callerOf = callerCheck(token, sessions)

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    refuseStrangers(request, options.origins)
    const { access } = request.routeOptions.config
    const caller = access === 'anyone' ? undefined : callerOf(request)
    if (caller !== undefined && !mayUse(access, caller)) return answerNobody(request, reply)
    // With a body or without: a form of another site can send none that says this of itself.
    if (request.method === 'POST' && caller?.by !== 'token') requireJson(request)
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
    const caller = callerOf(request)
    reply.hijack()
    sendEvents(events, reply.raw, { names, lastId: typeof lastId === 'string' ? lastId : undefined })
    if (caller.by !== 'session') return
    reply.raw.on(
      'close',
      sessions.whenEnded(caller.session, () => reply.raw.destroy())
    )
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  await addDashboard(app, { sessions, callerOf, now }, options)
  await app.ready()
  return app
}

function mayUse(access: Access | undefined, caller: Caller): boolean {
  if (caller.by === 'session') return access === undefined && caller.hasKey
  return caller.by === 'token'
}

function requireJson({ headers }: FastifyRequest): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1)
  if (type.trim().toLowerCase() === 'application/json') return
  throw new AppError('bad-request', 'A POST must say "content-type: application/json".')
}

function answerErrors(app: FastifyInstance, log: ControlComponents['log']): void {
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
}

const failure = (error: AppError): Result<never> => ({ ok: false, error: errorOf(error) })
