import type { Connection, Stream, StreamCloseEvent, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import type { Side, SideSink } from './circuit/side.ts'
import { Initiator, Responder, type Negotiator } from './fast/negotiate.ts'

/** How long a peer may take to say what a stream that it opened is for. */
const PROPOSAL_TIMEOUT_MS = 10_000
const NOTHING = new Uint8Array(0)

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
  /** What a muxer's streams wait with until libp2p has made its connection. */
  readonly #early = new WeakMap<StreamMuxer, ((connection: Connection) => void)[]>()

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
    if (muxer === undefined) return
    this.#connections.set(muxer, connection)
    const early = this.#early.get(muxer)
    this.#early.delete(muxer)
    for (const begin of early ?? []) begin(connection)
  }

  greet(stream: Stream, muxer: StreamMuxer, pass: () => void): void {
    const timer = setTimeout(() => stream.abort(new Error('proposed no protocol')), PROPOSAL_TIMEOUT_MS)
    const agree = isPartable(stream) ? negotiateAsSide : negotiate
    const responder = new Responder(this.#components.protocols, protocol => this.#handlers.has(protocol))
    agree(stream as PartableStream, responder, error => {
      clearTimeout(timer)
      if (error !== undefined) return stream.abort(error)
      const handler = this.#handlers.get(stream.protocol)
      if (handler === undefined) pass()
      else this.#whenConnected(muxer, connection => handler(stream, connection))
    })
  }

  /** Clients send their first requests behind the handshake, before the connection is one to libp2p. */
  #whenConnected(muxer: StreamMuxer, begin: (connection: Connection) => void): void {
    const connection = this.#connections.get(muxer)
    if (connection !== undefined) return begin(connection)
    const early = this.#early.get(muxer)
    if (early === undefined) this.#early.set(muxer, [begin])
    else early.push(begin)
  }
}

/** A stream that can be read as a side of a circuit, and after that by its events. */
type PartableStream = Stream & Side & { part: NonNullable<Side['part']> }

function isPartable(stream: Stream): stream is PartableStream {
  return (stream as Partial<Side>).part !== undefined
}

/**
 * A new stream for the protocol, as `connection.newStream` makes it, past libp2p.
 * @throws UnsupportedProtocolError, the signal's reason, or what ended the stream
 */
export async function openStream(
  connection: Connection,
  protocol: string,
  signal: AbortSignal
): Promise<Stream> {
  const stream = await muxerOf(connection)?.createStream({ signal })
  if (stream === undefined) throw new Error('the connection has no muxer')
  const { promise, resolve, reject } = Promise.withResolvers<Stream>()
  const onAbort = (): void => stream.abort(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  negotiate(stream, new Initiator([protocol]), error => {
    if (error === undefined) return resolve(stream)
    stream.abort(error)
    reject(error)
  })
  try {
    if (signal.aborted) onAbort()
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Agrees on what a stream is for, and puts back what came behind that. `over` is called once. */
function negotiate(stream: Stream, negotiator: Negotiator, over: (error?: Error) => void): void {
  const stop = (error?: Error): void => {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
    over(error)
  }
  const onMessage = ({ data }: StreamMessageEvent): void => {
    try {
      const { reply, protocol, rest } = negotiator.onBytes(data.subarray())
      if (reply.byteLength > 0) stream.send(reply)
      if (protocol === undefined) return
      stream.protocol = protocol
      stream.removeEventListener('message', onMessage)
      if (rest !== undefined && rest.byteLength > 0) stream.unshift(rest)
      stop()
    } catch (error) {
      stop(error as Error)
    }
  }
  const onClose = ({ error }: StreamCloseEvent): void =>
    stop(error ?? new Error('the stream closed before it was agreed on'))
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  if (negotiator.opening.byteLength > 0) stream.send(negotiator.opening)
}

/** The same without the stream's events, which cost more than the rest of a stream's beginning. */
function negotiateAsSide(
  stream: PartableStream,
  negotiator: Negotiator,
  over: (error?: Error) => void
): void {
  const sink: SideSink = {
    onBytes: bytes => {
      try {
        const { reply, protocol, rest } = negotiator.onBytes(bytes)
        // A long list may have to wait, which is the stream's to see to.
        if (reply.byteLength > stream.sendable) stream.send(reply)
        else if (reply.byteLength > 0) stream.write(reply)
        const early = protocol === undefined || rest === undefined ? NOTHING : rest
        stream.credit(bytes.byteLength - early.byteLength)
        if (protocol === undefined) return
        stream.protocol = protocol
        stream.part(early)
        over()
      } catch (error) {
        stream.part(NOTHING)
        over(error as Error)
      }
    },
    onClose: error => over(error ?? new Error('the stream closed before it was agreed on')),
    onEnd: () => {},
    onWritable: () => {}
  }
  stream.join(sink)
}

/** libp2p's connection does not show its muxer (test/upstream/libp2p.test.ts). */
export function muxerOf(connection: Connection): StreamMuxer | undefined {
  return (connection as { muxer?: StreamMuxer }).muxer
}
