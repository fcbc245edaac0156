import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { merged, MessageReader, type IdentifyMessage } from './message.ts'

/**
 * What the other side of a stream says of itself, until it ends its side. An error after a whole message is its end
 * too, as upstream has it: what was said is kept.
 * @throws where no whole message came
 */
export async function readIdentify(stream: Stream, signal: AbortSignal): Promise<IdentifyMessage> {
  const reader = new MessageReader()
  const over = Promise.withResolvers<Error | undefined>()
  const onMessage = ({ data }: StreamMessageEvent): void => {
    try {
      reader.push(data.subarray())
      // Its end may have been told before: while its protocol was agreed on, with these bytes put aside.
      if (reader.full || isRead(stream)) over.resolve(undefined)
    } catch (error) {
      over.resolve(error as Error)
    }
  }
  const onEnd = (): void => over.resolve(undefined)
  const onAbort = (): void => over.resolve(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  stream.addEventListener('end', onEnd)
  stream.addEventListener('message', onMessage)
  try {
    if (signal.aborted) onAbort()
    // Its end may have come before anyone listened for it.
    if (isRead(stream)) onEnd()
    const error = await over.promise
    if (reader.messages.length === 0) throw error ?? new Error('the stream ended before its message did')
    return merged(reader.messages)
  } finally {
    signal.removeEventListener('abort', onAbort)
    stream.removeEventListener('end', onEnd)
    stream.removeEventListener('message', onMessage)
  }
}

/** All that it will ever say has been read. */
function isRead(stream: Stream): boolean {
  return stream.remoteWriteStatus === 'closed' && stream.readBufferLength === 0
}
