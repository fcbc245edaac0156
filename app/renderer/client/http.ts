import type { Result } from '../../shared/api.ts'
import type { Carrier } from './client.ts'
import { EventFeed, type FeedTiming } from './event-feed.ts'
import type { Page } from './page.ts'

export interface HttpCarrierOptions extends Partial<FeedTiming> {
  /** How long the node may take for an answer. */
  timeoutMs?: number
}

const TIMEOUT_MS = 60_000

/** Calls and events over HTTP, from a page that the node itself serves, in the session of this browser. */
export function createHttpCarrier(
  page: Page,
  { timeoutMs = TIMEOUT_MS, ...timing }: HttpCarrierOptions = {}
): Carrier {
  const post = async (path: string, request: unknown): Promise<Result<unknown>> => {
    try {
      const response = await page.fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...keyHeader(page) },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(timeoutMs)
      })
      return resultOf(await response.json()) ?? failure('internal', 'Something other than the node answered.')
    } catch {
      return failure('control-unreachable', 'The node does not answer.')
    }
  }
  return {
    async call(method, request = {}) {
      if (method.startsWith('shell.'))
        return failure('unknown-method', 'A browser has no desktop app to ask.')
      return post(`/api/${method}`, request)
    },
    async signOut() {
      const result = await post('/session/end', {})
      if (result.ok) page.forgetSessionKey()
      return result as Result<null>
    },
    subscribe(options, listener, onConnection) {
      const feed = new EventFeed(
        { page, headers: () => keyHeader(page), listener, onConnection },
        options,
        timing
      )
      feed.start()
      return () => feed.stop()
    }
  }
}

/** The session's own half, which no other site can know. */
function keyHeader(page: Page): Record<string, string> {
  const key = page.sessionKey()
  return key === null ? {} : { 'x-waystation-key': key }
}

function resultOf(answer: unknown): Result<unknown> | undefined {
  return typeof answer === 'object' && answer !== null && 'ok' in answer
    ? (answer as Result<unknown>)
    : undefined
}

const failure = (
  code: 'unknown-method' | 'internal' | 'control-unreachable',
  message: string
): Result<never> => ({
  ok: false,
  error: { code, message }
})
