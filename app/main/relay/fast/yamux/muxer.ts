import {
  ConnectionClosedError,
  MuxerClosedError,
  TooManyOutboundProtocolStreamsError,
  type AbortOptions,
  type MessageStream,
  type MessageStreamDirection,
  type StreamMuxer,
  type StreamMuxerFactory
} from '@libp2p/interface'
import { AbstractStreamMuxer, type AbstractMessageStream } from '@libp2p/utils'
import type { Greet } from '../../direct-streams.ts'
import type { SecureDuct } from '../duct.ts'
import { YamuxError, type Channel, type SessionOwner } from './channel.ts'
import { INTERNAL_ERROR, NORMAL } from './frame.ts'
import { Session } from './session.ts'
import { YamuxStream } from './stream.ts'

export const YAMUX = '/yamux/1.0.0'
/** How long a peer may take to read what is left, where the caller sets no bound. */
const CLOSE_MS = 5000

export interface FastYamuxOptions {
  /** What may wait unread on one stream. Default 256 KiB, which is also the least. */
  maxStreamWindowBytes?: number
  /** Streams of one connection: those the peer may open, and we. Default 4096 each. */
  maxInboundStreams?: number
  maxOutboundStreams?: number
  /** Streams the peer may open before there is a listener for them. Default 256. */
  maxEarlyStreams?: number
  nowMs?: () => number
  /** Takes the streams that the peer opens, before libp2p does. */
  greet?: Greet
}

/**
 * Yamux over a duct. The muxer reads the duct from when it is made. The connection that it is made with carries
 * nothing: it is told when the duct is over.
 */
export function fastYamux(options: FastYamuxOptions = {}): (duct: SecureDuct) => StreamMuxerFactory {
  return duct => ({
    protocol: YAMUX,
    createStreamMuxer: (connection): StreamMuxer => new FastYamuxMuxer(duct, connection, options)
  })
}

export class FastYamuxMuxer extends AbstractStreamMuxer<YamuxStream> implements SessionOwner {
  readonly #session: Session
  readonly #maxWindowBytes: number
  readonly #most: Record<MessageStreamDirection, number>
  readonly #count: Record<MessageStreamDirection, number> = { inbound: 0, outbound: 0 }
  readonly #greet: Greet | undefined
  #remoteGone = false

  constructor(duct: SecureDuct, connection: MessageStream, options: FastYamuxOptions) {
    super(connection, {
      protocol: YAMUX,
      name: 'yamux',
      maxEarlyStreams: options.maxEarlyStreams ?? 256
    })
    this.#maxWindowBytes = options.maxStreamWindowBytes ?? 0
    this.#most = { inbound: options.maxInboundStreams ?? 4096, outbound: options.maxOutboundStreams ?? 4096 }
    this.#greet = options.greet
    const dialer = connection.direction === 'outbound'
    this.#session = new Session(duct, this, { dialer, nowMs: options.nowMs })
    this.#session.start()
  }

  // As libp2p's muxer.

  override async createStream(): Promise<YamuxStream> {
    return this.onCreateStream()
  }

  onCreateStream(): YamuxStream {
    if (this.status !== 'open' || this.#remoteGone) throw new MuxerClosedError()
    if (this.#count.outbound >= this.#most.outbound) {
      throw new TooManyOutboundProtocolStreamsError('max outbound streams exceeded')
    }
    const stream = this.#session.open(number => this.#create(number, 'outbound'))
    if (stream === undefined) throw new MuxerClosedError('this connection has no more streams')
    return stream
  }

  onData(): never {
    throw new Error('this connection carries no bytes')
  }

  /** Closes our end of all streams, then says goodbye. Rejects where the peer does not read what was sent. */
  override async close({ signal }: AbortOptions = {}): Promise<void> {
    if (this.status !== 'open') return
    try {
      await super.close({ signal: signal ?? AbortSignal.timeout(CLOSE_MS) })
    } finally {
      this.#session.goAway(NORMAL)
    }
  }

  override abort(error: Error): void {
    if (this.status === 'closed') return
    super.abort(error)
    this.#session.goAway(INTERNAL_ERROR)
    this.#session.stop()
  }

  /** The connection is over, by whomever. */
  override onTransportClosed(error?: Error): void {
    this.status = 'closing'
    this.#session.stop()
    const left = [...this.streams]
    if (left.length > 0) {
      const lost = error ?? new ConnectionClosedError('the connection has closed')
      for (const stream of left) stream.lose(lost)
    }
    this.status = 'closed'
  }

  // As the session's owner.

  accept(number: number): YamuxStream | undefined {
    if (this.status !== 'open' || this.#remoteGone) return undefined
    if (this.#count.inbound >= this.#most.inbound) return undefined
    return this.#create(number, 'inbound')
  }

  opened(channel: Channel): void {
    const stream = channel as YamuxStream
    if (this.#greet === undefined) this.#pass(stream)
    else this.#greet(stream, this, () => this.#pass(stream))
  }

  #pass(stream: YamuxStream): void {
    if (this.listenerCount('stream') > 0) {
      this.safeDispatchEvent('stream', { detail: stream })
    } else if (this.earlyStreams.push(stream) > this.maxEarlyStreams) {
      this.#session.fail(new YamuxError('too many streams before the connection was ready'))
    }
  }

  goneAway(): void {
    this.#remoteGone = true
    this.#leaveIfDone()
  }

  closed(error?: Error): void {
    this.onTransportClosed(error)
    ;(this.maConn as AbstractMessageStream).onTransportClosed(error)
  }

  failed(error: Error): void {
    this.abort(error)
    this.maConn.abort(error)
  }

  #create(number: number, direction: MessageStreamDirection): YamuxStream {
    const stream = new YamuxStream({
      session: this.#session,
      number,
      direction,
      maxWindowBytes: this.#maxWindowBytes,
      // Making a logger costs more than all the rest of a stream.
      log: this.log.enabled ? this.log.newScope(`${direction}:${number}`) : this.log,
      over: this.#over
    })
    this.#count[direction]++
    stream.index = this.streams.push(stream) - 1
    return stream
  }

  /** The last one takes the place of that which goes: nothing is looked for, and nothing moves. */
  readonly #over = (stream: YamuxStream): void => {
    this.#count[stream.direction]--
    const last = this.streams.pop()
    if (last !== undefined && last !== stream) {
      this.streams[stream.index] = last
      last.index = stream.index
    }
    if (this.#remoteGone) this.#leaveIfDone()
  }

  /** A connection whose peer has gone away is closed with its last stream. */
  #leaveIfDone(): void {
    queueMicrotask(() => {
      if (this.streams.length === 0) this.#session.onEnd()
    })
  }
}
