import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { messageOf, systemCode } from '../../../shared/errors.ts'
import { AutoTlsError, retryAfterMs } from './failures.ts'

const ANSWERED = 'http.client.response.finish'
const FAILED = 'http.client.request.error'

interface Message {
  request: ClientRequest
  response?: IncomingMessage
  error?: Error
}

/**
 * Looks at what the requests to the certificate authority meet, until the returned function is called. The library
 * (acme-client 5) asks again by itself, five times, as late as a header tells it to, and says nothing of it; where nobody
 * answers, what it throws at last is about itself.
 */
export function watchAcme(directory: string, failed: (error: AutoTlsError) => void): () => void {
  const { host } = new URL(directory)
  const isOurs = ({ request }: Message): boolean => request.getHeader('host') === host
  const onAnswer = (message: unknown): void => {
    const { response } = message as Message
    const status = response?.statusCode ?? 0
    if (!isOurs(message as Message) || (status !== 429 && status < 500)) return
    const wait = retryAfterMs(response?.headers['retry-after'])
    const { path } = (message as Message).request
    failed(new AutoTlsError('acme-failed', `HTTP ${status} at ${path}`, wait))
  }
  const onError = (message: unknown): void => {
    const { error } = message as Message
    if (!isOurs(message as Message) || error === undefined) return
    failed(new AutoTlsError('acme-unreachable', systemCode(error) ?? messageOf(error)))
  }
  subscribe(ANSWERED, onAnswer)
  subscribe(FAILED, onError)
  return () => {
    unsubscribe(ANSWERED, onAnswer)
    unsubscribe(FAILED, onError)
  }
}
