import type { Connection, PeerId } from '@libp2p/interface'
import { isRelayed } from '../addresses.ts'
import { muxerOf } from '../direct-streams.ts'
import { Initiator } from '../fast/negotiate.ts'
import type { Refusal } from './admission.ts'
import { Frames } from './frames.ts'
import { Patience, type Ending } from './patience.ts'
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
 * carries addresses: a target learns who dials, not from where. @throws why the wait was ended
 */
export async function openStop(
  connections: Connection[],
  source: PeerId,
  limit: LimitMessage | undefined,
  ending: Ending
): Promise<Frames | Unreached> {
  const patience = new Patience(STOP_TIMEOUT_MS)
  const onAbort = (): void => patience.end(ending.reason as Error)
  ending.addEventListener('abort', onAbort)
  try {
    ending.throwIfAborted()
    return await firstToAnswer(connections, source, limit, patience)
  } catch (error) {
    ending.throwIfAborted()
    if (patience.ranOut) return 'target-silent'
    throw error
  } finally {
    ending.removeEventListener('abort', onAbort)
    patience.done()
  }
}

async function firstToAnswer(
  connections: Connection[],
  source: PeerId,
  limit: LimitMessage | undefined,
  patience: Patience
): Promise<Frames | Unreached> {
  const direct = connections.filter(connection => connection.status === 'open' && !isRelayed(connection))
  if (direct.length > 1) direct.sort((a, b) => b.timeline.open - a.timeline.open)
  for (const connection of direct) {
    const frames = await open(connection, patience)
    const answer = frames && (await ask(frames, source, limit, patience))
    if (answer !== undefined) return answer
  }
  return 'target-gone'
}

/** A stream that is still to be agreed on: proposed with its first message, it takes one round trip less. */
async function open(connection: Connection, patience: Patience): Promise<Frames | undefined> {
  try {
    // A signal is made only for a muxer that asks for it.
    const options = {
      get signal() {
        return patience.signal
      }
    }
    const stream = await muxerOf(connection)?.createStream(options)
    if (stream === undefined) return undefined
    stream.protocol = STOP_PROTOCOL
    return new Frames(sideOf(stream), new Initiator([STOP_PROTOCOL]))
  } catch {
    patience.throwIfAborted()
    return undefined
  }
}

/** What the target says; undefined where the stream came to nothing. */
async function ask(
  frames: Frames,
  source: PeerId,
  limit: LimitMessage | undefined,
  patience: Patience
): Promise<Frames | Unreached | undefined> {
  try {
    const request = { type: StopType.CONNECT, peer: { id: source.toMultihash().bytes, addrs: [] }, limit }
    await frames.write(StopMessage.encode(request), patience)
    const answer = StopMessage.decode(await frames.read(patience))
    if (answer.type === StopType.STATUS && answer.status === Status.OK) return frames
    await frames.close(LINGER_MS)
    return 'target-refused'
  } catch (error) {
    frames.abort(error as Error)
    patience.throwIfAborted()
    return frames.isAgreed ? 'target-gone' : undefined
  }
}
