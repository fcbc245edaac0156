import type { ServerResponse } from 'node:http'
import type { ApiEvent, EventName } from '../../shared/api.ts'
import type { EventLog } from './event-log.ts'

/** Keeps proxies and idle timeouts from closing a silent stream. */
const HEARTBEAT_MS = 10_000
/** What may wait for a reader that has stalled; it can come back with its last id. */
const MOST_WAITING_BYTES = 1024 * 1024

export interface SendEventsOptions {
  /** Events of these names alone. */
  names?: readonly EventName[]
  /** The client's last id: it gets what came after. */
  lastId?: string
}

/** Answers with Server-Sent Events (WHATWG HTML, 9.2) until the client goes. */
export function sendEvents(
  events: EventLog,
  response: ServerResponse,
  { names, lastId }: SendEventsOptions
): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no'
  })
  // A reader that stalls is ended by what waits for it, not by silence.
  response.socket?.setTimeout(0)
  const send = (text: string): void => {
    response.write(text)
    if (response.writableLength > MOST_WAITING_BYTES) response.destroy()
  }
  // At once, so that the client knows that it listens, and from where.
  send(`id: ${lastId ?? events.lastId}\n: listening\n\n`)
  const stop = events.listen(event => send(frame(event)), names, lastId)
  const heartbeat = setInterval(() => send(': still here\n\n'), HEARTBEAT_MS)
  response.on('close', () => {
    clearInterval(heartbeat)
    stop()
  })
}

function frame({ id, name, at, value }: ApiEvent): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify({ at, value })}\n\n`
}
