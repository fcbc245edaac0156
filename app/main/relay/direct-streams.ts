import type { Connection, Stream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import { Responder } from './fast/negotiate.ts'

/** How long a peer may take to say what a stream that it opened is for. */
const PROPOSAL_TIMEOUT_MS = 10_000

export interface DirectStreamsComponents {
  /** All that this node speaks. */
  protocols: () => readonly string[]
}

export type StreamHandler = (stream: Stream, connection: Connection) => void

/** Takes a stream that a peer opened on one of our muxers; `pass` gives it to libp2p. */
export type Greet = (stream: Stream, muxer: StreamMuxer, pass: () => void) => void

/**
 * Streams that peers open on muxers of ours. What each is for is agreed on here, in the bytes that come, and circuits
 * and reservations go straight to the relay: for a stream of its own libp2p makes two more around it, and writes the
 * peer's entry in its store.
 */
export class DirectStreams {
  readonly #components: DirectStreamsComponents
  readonly #handlers = new Map<string, StreamHandler>()
  readonly #connections = new WeakMap<StreamMuxer, Connection>()

  constructor(components: DirectStreamsComponents) {
    this.#components = components
  }

  /** Streams of the protocol go to this handler, and not to the one that libp2p has for it. */
  handle(protocol: string, handler: StreamHandler): void {
    this.#handlers.set(protocol, handler)
  }

  unhandle(protocol: string): void {
    this.#handlers.delete(protocol)
  }

  /** Whose streams they are: libp2p makes its connection after the muxer. */
  connected(connection: Connection): void {
    const muxer = muxerOf(connection)
    if (muxer !== undefined) this.#connections.set(muxer, connection)
  }

  greet(stream: Stream, muxer: StreamMuxer, pass: () => void): void {
    const responder = new Responder(this.#components.protocols)
    const stop = (): void => {
      clearTimeout(timer)
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('close', stop)
    }
    const onMessage = ({ data }: StreamMessageEvent): void => {
      try {
        const { reply, protocol, rest } = responder.onBytes(data.subarray())
        if (reply.byteLength > 0) stream.send(reply)
        if (protocol === undefined) return
        stop()
        stream.protocol = protocol
        if (rest !== undefined && rest.byteLength > 0) stream.unshift(rest)
        const handler = this.#handlers.get(protocol)
        const connection = this.#connections.get(muxer)
        if (handler === undefined || connection === undefined) pass()
        else handler(stream, connection)
      } catch (error) {
        stop()
        stream.abort(error as Error)
      }
    }
    const timer = setTimeout(() => stream.abort(new Error('proposed no protocol')), PROPOSAL_TIMEOUT_MS)
    stream.addEventListener('message', onMessage)
    stream.addEventListener('close', stop)
  }
}

/** libp2p's connection does not show its muxer (test/upstream/libp2p.test.ts). */
export function muxerOf(connection: Connection): StreamMuxer | undefined {
  return (connection as { muxer?: StreamMuxer }).muxer
}
