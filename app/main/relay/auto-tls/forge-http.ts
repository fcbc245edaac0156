import type { AutoTLSComponents } from '@ipshipyard/libp2p-auto-tls'
import type { PrivateKey } from '@libp2p/interface'
import { messageOf } from '../../../shared/errors.ts'
import { AutoTlsError, retryAfterMs } from './failures.ts'

type Http = AutoTLSComponents['http']
type FetchInit = NonNullable<Parameters<Http['fetch']>[1]>
type Middleware = ReturnType<NonNullable<FetchInit['middleware']>[number]>
type Prepared = Parameters<NonNullable<Middleware['prepareRequest']>>[1]

/** What a refusal may say, at most. */
const MOST_SAID = 1000
const TIMEOUT_MS = 60_000
const UNAUTHORIZED = 401
const TOO_MANY = 429

export interface ForgeHttpOptions {
  privateKey: PrivateKey
  registered: () => void
  failed: (error: AutoTlsError) => void
}

/**
 * The one method of libp2p's `http` service that the order of a certificate uses: HTTPS with the handshake of peer ids
 * in front of it (a middleware that comes with the call). It says how it went, which the caller there does not.
 */
export class ForgeHttp {
  readonly #options: ForgeHttpOptions

  constructor(options: ForgeHttpOptions) {
    this.#options = options
  }

  async fetch(resource: string | URL, init: FetchInit = {}): Promise<Response> {
    const url = new URL(resource)
    const headers = new Headers(init.headers)
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(init.signal ? [init.signal] : [])])
    const components = { privateKey: this.#options.privateKey, http: this } as never
    const middleware = init.middleware?.map(make => make(components)) ?? []
    // The method of a WebSocket's handshake: by it the middleware tells the two apart.
    const prepared = { ...init, signal, headers, method: 'GET', middleware } as Prepared
    const isHandshake = init.method === 'OPTIONS'
    try {
      for (const { prepareRequest } of middleware.map(bound)) await prepareRequest(url, prepared)
      let response = await fetch(url, { method: init.method, headers, body: init.body, signal })
      // What comes of the handshake has the code of a refusal, too.
      if (isHandshake && response.status !== UNAUTHORIZED && !response.ok) await refuse(response)
      for (const { processResponse } of middleware.map(bound))
        response = await processResponse(url, prepared, response)
      if (!isHandshake && !response.ok) await refuse(response)
      if (!isHandshake) this.#options.registered()
      return response
    } catch (error) {
      if (!isHandshake) this.#options.failed(failureOf(error))
      throw error
    }
  }
}

async function refuse(response: Response): Promise<never> {
  const { status, headers } = response
  const code = status === TOO_MANY || status >= 500 ? 'forge-failed' : 'forge-refused'
  const said = `HTTP ${status}: ${await beginningOf(response)}`
  throw new AutoTlsError(code, said, retryAfterMs(headers.get('retry-after')))
}

/** It may go on for ever. */
async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= MOST_SAID) break
    }
  } catch {
    // What came is said.
  }
  return Buffer.concat(chunks).toString().slice(0, MOST_SAID)
}

function bound(middleware: Middleware): {
  prepareRequest: (url: URL, init: Prepared) => Promise<void>
  processResponse: (url: URL, init: Prepared, response: Response) => Promise<Response>
} {
  return {
    prepareRequest: async (url, init) => middleware.prepareRequest?.(url, init),
    processResponse: async (url, init, response) =>
      (await middleware.processResponse?.(url, init, response)) ?? response
  }
}

/** Of what went wrong in the network, `fetch` tells in the cause; what else is thrown is about what the forge said. */
function failureOf(error: unknown): AutoTlsError {
  if (error instanceof AutoTlsError) return error
  const { name, cause } = error as { name?: unknown; cause?: unknown }
  const isOfNetwork = cause !== undefined || name === 'TypeError' || name === 'TimeoutError'
  return new AutoTlsError(isOfNetwork ? 'forge-unreachable' : 'forge-failed', messageOf(cause ?? error))
}
