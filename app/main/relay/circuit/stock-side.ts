import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { AbstractStream } from '@libp2p/utils'
import type { Side, SideSink } from './side.ts'

/** Bytes that may wait for the reader before the writer is asked for no more. */
const BACKLOG_BYTES = 64 * 1024
/** What is sent at once. */
const CHUNK_BYTES = 128 * 1024

/**
 * Every stream of libp2p's can tell its sender to stop (for Yamux, by withholding the window) while it still
 * hands over what comes. Its `pause()` would keep that in a list of its own, in pieces as small as they came.
 */
type StockStream = Stream & Pick<AbstractStream, 'sendPause' | 'sendResume'>

/** The stream as a side of a circuit: itself where it is one of ours. */
export function sideOf(stream: Stream): Side {
  return isSide(stream) ? stream : new StockSide(stream as StockStream)
}

function isSide(stream: Stream): stream is Stream & Side {
  return 'join' in stream
}

/** A stream of libp2p's own, whose events stand for the sink's calls. */
class StockSide implements Side {
  readonly #stream: StockStream
  #sink: SideSink | undefined
  #waiting = 0
  #held = false
  #ended = false
  #closed = false

  constructor(stream: StockStream) {
    this.#stream = stream
  }

  join(sink: SideSink): void {
    const first = this.#sink === undefined
    this.#sink = sink
    if (first) this.#listen()
  }

  get sendable(): number {
    return this.#stream.writableNeedsDrain ? 0 : CHUNK_BYTES
  }

  write(bytes: Uint8Array): void {
    // The stream keeps what it is given.
    this.#stream.send(Uint8Array.from(bytes))
  }

  credit(bytes: number): void {
    this.#waiting -= bytes
    this.#hold()
  }

  async finish(): Promise<void> {
    // However long its reader takes: the circuit's duration bounds that.
    await this.#stream.close()
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  #listen(): void {
    const stream = this.#stream
    const onMessage = (event: StreamMessageEvent): void => {
      const pieces = event.data instanceof Uint8Array ? [event.data] : event.data
      for (const piece of pieces) {
        this.#waiting += piece.byteLength
        this.#sink?.onBytes(piece)
      }
      this.#hold()
    }
    // A lost connection ends what can be read too, but then the sender has not closed.
    let senderClosed = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
    const end = (): void => {
      if (this.#ended || this.#closed || !senderClosed || !stream.readableEnded) return
      this.#ended = true
      this.#sink?.onEnd()
    }
    // In a microtask: at its end a frame may carry the last data beside the close.
    const onEnd = (): void => queueMicrotask(end)
    const close = (error?: Error): void => {
      if (this.#closed) return
      if (error === undefined) end()
      this.#closed = true
      this.#sink?.onClose(error)
    }
    stream.addEventListener('message', onMessage)
    stream.addEventListener('remoteCloseWrite', () => (senderClosed = true))
    stream.addEventListener('end', onEnd)
    stream.addEventListener('close', (event: StreamCloseEvent) => queueMicrotask(() => close(event.error)))
    // In a microtask: the stream itself sends its backlog first.
    stream.addEventListener('drain', () => queueMicrotask(() => !this.#closed && this.#sink?.onWritable()))
    if (stream.status !== 'open') queueMicrotask(() => close())
    else if (stream.readableEnded) onEnd()
  }

  /** Lets the sender go on, or not, by how much waits. */
  #hold(): void {
    const hold = this.#waiting > BACKLOG_BYTES
    if (hold === this.#held || this.#stream.remoteWriteStatus === 'closed') return
    this.#held = hold
    if (hold) this.#stream.sendPause()
    else this.#stream.sendResume()
  }
}
