import { AppError } from '../../shared/errors.ts'
import { parseListenAddress } from '../../shared/settings.ts'
import {
  bindAll,
  closeServer,
  serverFactory,
  SOCKET_LIMITS,
  urlOf,
  type RequestHandler
} from '../net/http-sockets.ts'
import { bindError } from '../net/bind-error.ts'
import type { MetricsText } from './control-app.ts'

const STOP_GRACE_MS = 300

export interface MetricsHttp {
  /** `http://127.0.0.1:9464/metrics` */
  url: string
  stop(): Promise<void>
}

/**
 * `GET /metrics` on an address of its own (setting `metrics.listen`), for a Prometheus that has no token.
 * @throws AppError port-in-use, port-forbidden, address-unusable
 */
export async function startMetricsHttp(
  metrics: MetricsText,
  listen: string,
  log: { error(values: object, message: string): void }
): Promise<MetricsHttp> {
  const address = parseListenAddress(listen)
  if (address === undefined) throw new AppError('bad-setting', `metrics.listen cannot be ${listen}.`)
  const { host, port } = address
  const open = serverFactory(handler(metrics, log), SOCKET_LIMITS)
  const opened = {
    what: `${listen} (metrics.listen)`,
    remedy: 'set metrics.listen to another IP:PORT (--metrics-listen), or leave it out',
    details: { setting: 'metrics.listen' }
  }
  const { servers, unbound } = await bindAll([host], port, open).catch((error: unknown) => {
    throw bindError(error, opened)
  })
  const [server] = servers
  if (server === undefined) throw bindError(unbound[0]?.error, opened)
  return { url: `${urlOf(server)}/metrics`, stop: () => closeServer(server, STOP_GRACE_MS) }
}

function handler(
  metrics: MetricsText,
  log: { error(values: object, message: string): void }
): RequestHandler {
  return (request, response) => {
    // Whatever a client still sends is not waited for.
    request.resume()
    const path = request.url?.split('?', 1)[0]
    if (path !== '/metrics') return void response.writeHead(404).end('Metrics are at /metrics\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    }
    metrics.text().then(
      text =>
        response
          .writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' })
          .end(text),
      (error: unknown) => {
        log.error({ err: error }, 'the metrics failed')
        response.writeHead(500).end()
      }
    )
  }
}
