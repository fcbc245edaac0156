import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { createParser } from 'eventsource-parser'
import type { Api, ApiError, ApiEvent, EventName, Method, Result } from '../../shared/api.ts'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import type { DashboardLink } from './dashboard/routes.ts'
import { connectPinned, WrongCertificate } from './pinned-socket.ts'

/** Where a running node answers, and the secret that its control API asks for. */
export interface ControlAccess {
  /** Origin of the control API. */
  url: string
  pid: number
  version: string
  /** SHA-256 of its certificate, if it speaks TLS. */
  certificate?: string
  token: string
}

export interface ClientComponents {
  access: ControlAccess
  /** Whether that process is there still: what a lost connection means. */
  stillRuns: () => Promise<boolean>
}

/** What a method takes: nothing is `{}`. */
export type RequestOf<M extends Method> =
  Parameters<Api[M]> extends [] ? Record<string, never> : NonNullable<Parameters<Api[M]>[0]>

export type AnswerOf<M extends Method> = Awaited<ReturnType<Api[M]>>

/** A request may be left out where the method needs none. */
type Args<M extends Method> = Parameters<Api[M]> extends [unknown] ? [RequestOf<M>] : [RequestOf<M>?]

export interface ControlClient {
  /** Of the node that answers. */
  readonly pid: number
  readonly version: string
  readonly url: string
  /**
   * Calls a method of the node's Api.
   * @throws AppError with the node's own code where it refuses; not-running; not-authorised; control-unreachable
   */
  call<M extends Method>(method: M, ...request: Args<M>): Promise<AnswerOf<M>>
  /** A one-time link to the node's dashboard. @throws AppError as `call` does */
  openDashboard(): Promise<DashboardLink>
  /** Listens to events; resolves once the node sends them. @throws AppError as `call` does */
  events(options?: EventsOptions): Promise<EventStream>
}

export interface EventsOptions {
  /** Events of these names alone; all, unless given. */
  names?: readonly EventName[]
  /** Where to go on: events after this one that the node still knows come first. */
  lastId?: string
}

/** Events as they happen. Iterating ends without an error when the connection does: come back with `lastId`. */
export interface EventStream extends AsyncIterable<ApiEvent> {
  readonly lastId: string | undefined
  close(): void
}

export interface ClientOptions {
  /** How long the node may take for an answer. */
  timeoutMs?: number
  /** How long events may be silent; the node sends a sign of life every 10 s. */
  silenceMs?: number
}

const TIMEOUT_MS = 10_000
const SILENCE_MS = 30_000

/** A client of a node's control API. It connects at each call. */
export function createClient(components: ClientComponents, options: ClientOptions = {}): ControlClient {
  return new HttpClient(components, options)
}

class HttpClient implements ControlClient {
  readonly pid: number
  readonly version: string
  readonly url: string
  readonly #stillRuns: () => Promise<boolean>
  readonly #token: string
  readonly #certificate: string | undefined
  readonly #timeoutMs: number
  readonly #silenceMs: number

  constructor({ access, stillRuns }: ClientComponents, options: ClientOptions) {
    const { url, pid, version, token, certificate } = access
    this.#certificate = certificate
    this.url = url
    this.pid = pid
    this.version = version
    this.#stillRuns = stillRuns
    this.#token = token
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#silenceMs = options.silenceMs ?? SILENCE_MS
  }

  call<M extends Method>(method: M, ...[request]: Args<M>): Promise<AnswerOf<M>> {
    return this.#post(method, request ?? {})
  }

  openDashboard(): Promise<DashboardLink> {
    return this.#post('openDashboard', {})
  }

  async #post<T>(name: string, request: object): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    const response = await this.#send('POST', `/api/${name}`, headers, JSON.stringify(request))
    const result = resultOf<T>(await this.#within(() => textOf(response), response))
    if (result === undefined) throw this.#stranger()
    if (result.ok) return result.value
    throw this.#refusal(result.error)
  }

  async events({ names, lastId }: EventsOptions = {}): Promise<EventStream> {
    const query = names === undefined ? '' : `?${new URLSearchParams({ names: names.join(',') }).toString()}`
    const resume = lastId === undefined ? undefined : { 'last-event-id': lastId }
    const headers = { accept: 'text/event-stream', ...resume }
    const response = await this.#send('GET', `/api/events${query}`, headers)
    if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
      response.socket.setTimeout(this.#silenceMs, () => response.destroy())
      return new HttpEvents(response, lastId)
    }
    const result = resultOf(await this.#within(() => textOf(response), response))
    throw result === undefined || result.ok ? this.#stranger() : this.#refusal(result.error)
  }

  /** Resolves with the answer's head. */
  async #send(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.url)
    const request = httpRequest({
      method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, authorization: `Bearer ${this.#token}` },
      ...(await this.#connection(url))
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).on('error', reject)
    })
    request.end(body)
    return this.#within(() => answered, request)
  }

  async #connection(url: URL): Promise<RequestOptions> {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    // An agent of its own: the global one may be set to a proxy, which must not see the token.
    if (url.protocol === 'http:') return { host, port: url.port, agent: new Agent() }
    const { socket, ready } = connectPinned(url, this.#certificate ?? '')
    await this.#within(() => ready, socket)
    return { createConnection: () => socket }
  }

  async #within<T>(wait: () => Promise<T>, connection: { destroy(error?: Error): void }): Promise<T> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      connection.destroy(new Error('late'))
    }, this.#timeoutMs)
    try {
      return await wait()
    } catch (error) {
      throw late ? this.#silent() : await this.#broken(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #silent(): AppError {
    const message =
      `The node (pid ${this.pid}) did not answer within ${this.#timeoutMs / 1000} s at ${this.url}: ` +
      'it is stopped, hangs or is very busy. Its log may say more; if it stays so, restart it.'
    return new AppError('control-unreachable', message, { url: this.url, pid: this.pid })
  }

  /** The connection failed: most likely the node has just ended. */
  async #broken(error: unknown): Promise<AppError> {
    if (!(await this.#stillRuns())) {
      const message = `The node (pid ${this.pid}) has just stopped. Start it again, or look at its log.`
      return new AppError('not-running', message, { pid: this.pid }, error)
    }
    if (isHttpFault(error) || error instanceof WrongCertificate) return this.#stranger()
    const message =
      `The node runs (pid ${this.pid}), but ${this.url} cannot be reached: ${messageOf(error)}. ` +
      'It may be stopping; else its log says why, and a restart mends it.'
    return new AppError('control-unreachable', message, { url: this.url, pid: this.pid }, error)
  }

  #stranger(): AppError {
    const message =
      `Something other than a Waystation node answers at ${this.url}. ` +
      'Restart the node; with --control-port 0 it takes any free port.'
    return new AppError('control-unreachable', message, { url: this.url })
  }

  #refusal({ code, message, field, details }: ApiError): AppError {
    const text =
      code === 'not-authorised'
        ? `The node at ${this.url} refuses the token of its data folder: was control.token replaced while it ran? Restart the node.`
        : code === 'unknown-method'
          ? `The node runs version ${this.version}, which cannot do that yet: ${message} Restart it after an update.`
          : message
    return new AppError(code, text, { ...details, ...(field !== undefined && { field }) })
  }
}

/** What node:http says when the other side speaks something else. */
function isHttpFault(error: unknown): boolean {
  return error instanceof Error && ((error as NodeJS.ErrnoException).code ?? '').startsWith('HPE_')
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += chunk as string
  return text
}

/** `undefined` if it is no answer of a node. */
function resultOf<T>(text: string): Result<T> | undefined {
  try {
    const result = JSON.parse(text) as Partial<Result<T>> | null
    if (result?.ok === true && 'value' in result) return result as Result<T>
    const error = result?.ok === false && 'error' in result ? result.error : undefined
    return typeof error?.code === 'string' && typeof error.message === 'string'
      ? { ok: false, error }
      : undefined
  } catch {
    return undefined
  }
}

class HttpEvents implements EventStream {
  readonly #response: IncomingMessage
  #lastId: string | undefined

  constructor(response: IncomingMessage, lastId: string | undefined) {
    this.#response = response.setEncoding('utf8')
    this.#lastId = lastId
    // What breaks before someone iterates is told to who iterates.
    response.on('error', () => {})
  }

  get lastId(): string | undefined {
    return this.#lastId
  }

  close(): void {
    this.#response.destroy()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ApiEvent, void, undefined> {
    const ready: ApiEvent[] = []
    const parser = createParser({
      onId: id => (this.#lastId = id),
      onEvent: ({ id = '', event = '', data }) => {
        const { at, value } = JSON.parse(data) as { at: string; value: unknown }
        ready.push({ id, name: event, at, value } as ApiEvent)
      }
    })
    try {
      for await (const chunk of this.#response) {
        parser.feed(chunk as string)
        yield* ready.splice(0)
      }
    } catch (error) {
      if (!isCut(error)) throw error
    } finally {
      this.close()
    }
  }
}

/** The connection was lost, or closed by us. */
function isCut(error: unknown): boolean {
  const code = systemCode(error)
  if (code === 'ECONNRESET' || code === 'EPIPE') return true
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE'
}
