import {
  MuxerClosedError,
  type MessageStream,
  type StreamMuxer,
  type StreamMuxerFactory
} from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractMultiaddrConnection, AbstractStreamMuxer } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Greet } from '../direct-streams.ts'
import type { Backlog } from './backlog.ts'
import type { DataChannel, PeerConnection } from './native.ts'
import { WebRtcStream } from './stream.ts'
import type { CarriedBothWays } from './traffic.ts'

/** Streams a peer may open before its connection is ready to take them, and what each may send. */
const EARLY_STREAMS = 16
const EARLY_BYTES = 16 * 1024
/** Clients open a channel of this name to have something to offer, and close it. */
const INIT_LABEL = 'init'

/** A connection that DTLS encrypts and SCTP multiplexes, so it carries no bytes of its own. */
export class WebRtcConnection extends AbstractMultiaddrConnection {
  readonly #native: PeerConnection

  constructor(native: PeerConnection, remoteAddr: Multiaddr, log: Logger) {
    super({ remoteAddr, direction: 'inbound', log })
    this.#native = native
  }

  sendData(): never {
    throw new Error('a WebRTC connection carries streams only')
  }

  sendReset(): void {
    this.#native.close()
  }

  async sendClose(): Promise<void> {
    this.#native.close()
  }

  sendPause(): void {}
  sendResume(): void {}
}

export interface ChannelsOptions {
  log: Logger
  /** Bytes that may wait on one stream. */
  windowBytes: number
  backlog: Backlog
  carried: CarriedBothWays
  greet?: Greet | undefined
}

/** The data channels of a connection: those that its peer opens before there is a muxer wait here. */
export class Channels {
  readonly #native: PeerConnection
  readonly #options: ChannelsOptions
  #early: WebRtcStream[] = []
  #muxer: WebRtcMuxer | undefined

  constructor(native: PeerConnection, options: ChannelsOptions) {
    this.#native = native
    this.#options = options
    native.onDataChannel(channel => this.#onChannel(channel))
  }

  /** Makes the muxer, which the upgrader asks for once. */
  get factory(): StreamMuxerFactory {
    return {
      protocol: '/webrtc',
      createStreamMuxer: (maConn: MessageStream): StreamMuxer => {
        const open = (): WebRtcStream => this.streamOf(this.#native.createDataChannel(''), 'outbound')
        const muxer = (this.#muxer = new WebRtcMuxer(maConn, open, this.#options.greet))
        // libp2p listens to it later in this turn.
        queueMicrotask(() => this.#handOver(muxer))
        return muxer
      }
    }
  }

  streamOf(channel: DataChannel, direction: 'inbound' | 'outbound'): WebRtcStream {
    const { log, windowBytes, backlog, carried } = this.#options
    return new WebRtcStream({
      channel,
      direction,
      windowBytes,
      backlog,
      carried,
      log: log.newScope(`${direction}:${channel.getId()}`)
    })
  }

  #onChannel(channel: DataChannel): void {
    try {
      if (channel.getLabel() === INIT_LABEL) return channel.close()
      if (this.#muxer !== undefined) return this.#muxer.take(this.streamOf(channel, 'inbound'))
      if (this.#early.length === EARLY_STREAMS) return channel.close()
      const stream = this.streamOf(channel, 'inbound')
      stream.maxReadBufferLength = EARLY_BYTES
      this.#early.push(stream)
    } catch {
      // It was closed before we were told of it.
    }
  }

  #handOver(muxer: WebRtcMuxer): void {
    for (const stream of this.#early.splice(0)) {
      stream.maxReadBufferLength = this.#options.windowBytes
      if (stream.status === 'open') muxer.take(stream)
    }
  }
}

class WebRtcMuxer extends AbstractStreamMuxer<WebRtcStream> {
  readonly #openStream: () => WebRtcStream
  readonly #greet: Greet | undefined
  readonly #open = new Set<WebRtcStream>()

  constructor(maConn: MessageStream, openStream: () => WebRtcStream, greet?: Greet) {
    super(maConn, { protocol: '/webrtc', name: 'webrtc', maxEarlyStreams: EARLY_STREAMS })
    this.#openStream = openStream
    this.#greet = greet
  }

  /** A stream that the peer opened. */
  take(stream: WebRtcStream): void {
    if (this.status !== 'open') return stream.abort(new MuxerClosedError())
    this.#watch(stream)
    const pass = (): void => this.onRemoteStream(stream)
    if (this.#greet === undefined) pass()
    else this.#greet(stream, this, pass)
  }

  onCreateStream(): WebRtcStream {
    const stream = this.#openStream()
    this.#watch(stream)
    return stream
  }

  onData(): void {}

  /** Tells those too that libp2p does not know of. */
  override onTransportClosed(error?: Error): void {
    super.onTransportClosed(error)
    for (const stream of [...this.#open]) stream.onTransportClosed(error)
  }

  #watch(stream: WebRtcStream): void {
    this.#open.add(stream)
    stream.addEventListener('close', () => this.#open.delete(stream))
  }
}
