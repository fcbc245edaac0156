import type { Connection, PeerId } from '@libp2p/interface'
import { isRelayed } from '../addresses.ts'
import { muxerOf } from '../direct-streams.ts'
import { Initiator } from '../fast/negotiate.ts'
import type { Refusal } from './admission.ts'
import { Frames } from './frames.ts'
import { Patience } from './patience.ts'
import { Status, StopMessage, StopType, type LimitMessage } from './pb/messages.ts'
import { sideOf } from './stock-side.ts'

const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'
/** How long a target may take to accept. */
const STOP_TIMEOUT_MS = 15_000
/** How long it has to close a stream that it refused. */
const LINGER_MS = 5_000

type Unreached = Extract<Refusal, 'target-gone' | 'target-silent' | 'target-refused'>

/**
 * Asks a circuit's target to accept it, over its newest connection, then over older ones. The message never
 * carries addresses: a target learns who dials, not from where. @throws the signal's reason
 */
export async function openStop(
  connections: Connection[],
  source: PeerId,
  limit: LimitMessage | undefined,
  signal: AbortSignal
): Promise<Frames | Unreached> {
  const patience = new Patience(STOP_TIMEOUT_MS)
  const onAbort = (): void => patience.end(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    return await firstToAnswer(connections, source, limit, patience)
  } catch (error) {
    signal.throwIfAborted()
    if (patience.ranOut) return 'target-silent'
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    patience.done()
  }
}

async function firstToAnswer(
  connections: Connection[],
  source: PeerId,
  limit: LimitMessage | undefined,
  { signal }: Patience
): Promise<Frames | Unreached> {
  const direct = connections
    .filter(connection => connection.status === 'open' && !isRelayed(connection))
    .sort((a, b) => b.timeline.open - a.timeline.open)
  for (const connection of direct) {
    const frames = await open(connection, signal)
    const answer = frames && (await ask(frames, source, limit, signal))
    if (answer !== undefined) return answer
  }
  return 'target-gone'
}

/** A stream that is still to be agreed on: proposed with its first message, it takes one round trip less. */
async function open(connection: Connection, signal: AbortSignal): Promise<Frames | undefined> {
  try {
    const stream = await muxerOf(connection)?.createStream({ signal })
    if (stream === undefined) return undefined
    stream.protocol = STOP_PROTOCOL
    return new Frames(sideOf(stream), new Initiator([STOP_PROTOCOL]))
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/** What the target says; undefined where the stream came to nothing. */
async function ask(
  frames: Frames,
  source: PeerId,
  limit: LimitMessage | undefined,
  signal: AbortSignal
): Promise<Frames | Unreached | undefined> {
  try {
    const request = { type: StopType.CONNECT, peer: { id: source.toMultihash().bytes, addrs: [] }, limit }
    await frames.write(StopMessage.encode(request), signal)
    const answer = StopMessage.decode(await frames.read(signal))
    if (answer.type === StopType.STATUS && answer.status === Status.OK) return frames
    await frames.close(LINGER_MS)
    return 'target-refused'
  } catch (error) {
    frames.abort(error as Error)
    signal.throwIfAborted()
    return frames.isAgreed ? 'target-gone' : undefined
  }
}
