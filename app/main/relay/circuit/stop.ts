import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { isRelayed } from '../addresses.ts'
import type { Refusal } from './admission.ts'
import { closeSoon, framed } from './hop-stream.ts'
import { Status, StopMessage, StopType, type LimitMessage } from './pb/messages.ts'

const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'
/** How long a target may take to accept. */
const STOP_TIMEOUT_MS = 15_000

/**
 * Asks a circuit's target to accept it, over its newest connection, then over older ones. The message never
 * carries addresses: a target learns who dials, not from where.
 */
export async function openStop(
  connections: Connection[],
  source: PeerId,
  limit: LimitMessage | undefined,
  signal: AbortSignal
): Promise<Stream | Extract<Refusal, 'target-gone' | 'target-silent' | 'target-refused'>> {
  const timeout = AbortSignal.timeout(STOP_TIMEOUT_MS)
  const either = AbortSignal.any([signal, timeout])
  const direct = connections
    .filter(connection => connection.status === 'open' && !isRelayed(connection))
    .sort((a, b) => b.timeline.open - a.timeline.open)
  for (const connection of direct) {
    let stream: Stream
    try {
      stream = await connection.newStream(STOP_PROTOCOL, {
        signal: either,
        runOnLimitedConnection: true,
        maxOutboundStreams: Infinity
      })
    } catch {
      signal.throwIfAborted()
      if (timeout.aborted) return 'target-silent'
      continue
    }
    return await ask(stream, source, limit, signal, either)
  }
  return 'target-gone'
}

async function ask(
  stream: Stream,
  source: PeerId,
  limit: LimitMessage | undefined,
  signal: AbortSignal,
  either: AbortSignal
): Promise<Stream | 'target-gone' | 'target-silent' | 'target-refused'> {
  const frames = framed(stream)
  try {
    const request = { type: StopType.CONNECT, peer: { id: source.toMultihash().bytes, addrs: [] }, limit }
    await frames.write(StopMessage.encode(request), { signal: either })
    const answer = StopMessage.decode(await frames.read({ signal: either }))
    if (answer.type === StopType.STATUS && answer.status === Status.OK) return frames.unwrap()
    await frames.unwrap().close({ signal: either })
    closeSoon(stream)
    return 'target-refused'
  } catch (error) {
    stream.abort(error as Error)
    signal.throwIfAborted()
    return either.aborted ? 'target-silent' : 'target-gone'
  }
}
