import {
  MuxerClosedError,
  type MessageStream,
  type MessageStreamDirection,
  type MultiaddrConnection,
  type StreamMuxer,
  type StreamMuxerFactory
} from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractMultiaddrConnection, AbstractStreamMuxer } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { NativeConnection } from './native.ts'
import { QuicStream } from './stream.ts'

/** Streams a peer may open before its connection is ready to take them. */
const EARLY_STREAMS = 256

/** A QUIC connection: encrypted and multiplexed by QUIC itself, so it carries no bytes of its own. */
export class QuicConnection extends AbstractMultiaddrConnection {
  readonly #native: NativeConnection

  constructor(native: NativeConnection, direction: MessageStreamDirection, log: Logger) {
    super({ remoteAddr: multiaddr(native.remoteMultiaddr()), direction, log })
    this.#native = native
    void native.closed().finally(() => this.onTransportClosed())
  }

  sendData(): never {
    throw new Error('a QUIC connection carries streams only')
  }

  sendReset(): void {
    this.#native.abort()
  }

  async sendClose(): Promise<void> {
    this.#native.abort()
  }

  // Flow control is each stream's own.
  sendPause(): void {}
  sendResume(): void {}
}

class QuicMuxer extends AbstractStreamMuxer<QuicStream> {
  readonly #native: NativeConnection

  constructor(native: NativeConnection, maConn: MessageStream) {
    super(maConn, { protocol: 'quic', name: 'quic', maxEarlyStreams: EARLY_STREAMS })
    this.#native = native
    void this.#accept()
  }

  async onCreateStream(): Promise<QuicStream> {
    const native = await this.#native.outboundStream()
    if (this.status !== 'open') throw new MuxerClosedError()
    return new QuicStream(native, 'outbound', this.log.newScope(`outbound:${native.id()}`))
  }

  onData(): void {}

  async #accept(): Promise<void> {
    try {
      while (this.status === 'open') {
        const native = await this.#native.inboundStream()
        this.onRemoteStream(new QuicStream(native, 'inbound', this.log.newScope(`inbound:${native.id()}`)))
      }
    } catch {
      // The connection is closed: its own close event ends the streams.
    }
  }
}

/** The muxer of one connection. */
export function muxerFactory(native: NativeConnection): StreamMuxerFactory {
  return {
    protocol: 'quic',
    createStreamMuxer: (maConn: MessageStream): StreamMuxer => new QuicMuxer(native, maConn)
  }
}

/** The peer that the handshake proved, by the address's last part. */
export function provenPeer(connection: MultiaddrConnection): string {
  const peer = connection.remoteAddr.getComponents().findLast(part => part.name === 'p2p')?.value
  if (peer === undefined) throw new Error('the QUIC handshake gave no peer id')
  return peer
}
