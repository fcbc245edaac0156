import type { Stream } from '@libp2p/interface'
import { lpStream, type LengthPrefixedStream } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { HopMessage, HopType, type Status } from './pb/messages.ts'

/** The most a message may be long (circuit v2 has no bound of its own; go and rust use this one). */
const MAX_MESSAGE_BYTES = 4096
/** What may arrive before a circuit is joined: more would be a sender that did not wait for its answer. */
const MAX_EARLY_BYTES = 1024 * 1024
/** How long the other side has to close its end after our answer, before the stream is reset. */
const LINGER_MS = 5_000

/** Frames of a hop or stop stream: a varint length, then the message. */
export function framed(stream: Stream): LengthPrefixedStream<Stream> {
  return lpStream(stream, {
    maxDataLength: MAX_MESSAGE_BYTES,
    maxBufferSize: MAX_EARLY_BYTES,
    lengthDecoder: lengthOf
  })
}

/**
 * A length of two bytes at most: enough for our messages. The stock decoder takes bytes for ever while none
 * ends the varint (test/upstream/streams.test.ts). A RangeError asks for one more.
 */
function lengthOf(read: Uint8Array | Uint8ArrayList): number {
  const [first = 0, second] = read.subarray()
  if (first < 0x80) return first
  if (second === undefined) throw new RangeError('the length goes on')
  if (second < 0x80) return (second << 7) | (first & 0x7f)
  throw new Error('the length has too many bytes')
}

/** Sends the last message of a hop stream and closes it, at latest by a reset: no stream is left behind. */
export async function answerAndClose(
  frames: LengthPrefixedStream<Stream>,
  answer: HopMessage,
  signal: AbortSignal
): Promise<void> {
  await frames.write(HopMessage.encode(answer), { signal })
  const stream = frames.unwrap()
  await stream.close({ signal })
  closeSoon(stream)
}

export function statusMessage(status: Status): HopMessage {
  return { type: HopType.STATUS, status }
}

/** Resets a stream that its peer does not close. */
export function closeSoon(stream: Stream): void {
  if (stream.status !== 'open' && stream.status !== 'closing') return
  const timer = setTimeout(
    () => stream.abort(new Error('the other side did not close the stream')),
    LINGER_MS
  )
  timer.unref()
  stream.addEventListener('close', () => clearTimeout(timer), { once: true })
}
