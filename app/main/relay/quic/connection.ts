import {
  MuxerClosedError,
  type CreateStreamOptions,
  type MessageStream,
  type MessageStreamDirection,
  type MultiaddrConnection,
  type StreamMuxer,
  type StreamMuxerFactory
} from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractMultiaddrConnection, AbstractStreamMuxer } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Greet } from '../direct-streams.ts'
import { orAbort, type NativeConnection } from './native.ts'
import { QuicStream } from './stream.ts'

/** Streams a peer may open before its connection is ready to take them. */
const EARLY_STREAMS = 256
/** How long a peer may take to let us open a stream, where the caller sets no bound. */
const OPEN_TIMEOUT_MS = 10_000
/**
 * Writes of streams that are over, which their reader does not take: the engine keeps them. A peer that leaves
 * more of them for longer loses its connection.
 */
const MAX_STUCK_WRITES = 64
const STUCK_MS = 10_000

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
  #stuckWrites = 0

  readonly #greet: Greet | undefined
  readonly #open = new Set<QuicStream>()

  constructor(native: NativeConnection, maConn: MessageStream, greet?: Greet) {
    super(maConn, { protocol: 'quic', name: 'quic', maxEarlyStreams: EARLY_STREAMS })
    this.#native = native
    this.#greet = greet
    void this.#accept()
  }

  /** A peer that allows us no stream would keep the caller waiting for as long as it is connected. */
  async onCreateStream({ signal }: CreateStreamOptions): Promise<QuicStream> {
    const patience = signal ?? AbortSignal.timeout(OPEN_TIMEOUT_MS)
    const native = await orAbort(this.#native.outboundStream(), patience, late => {
      void late.resetWrite()
      void late.stopRead()
    })
    if (this.status !== 'open') throw new MuxerClosedError()
    return this.#watched(new QuicStream(native, 'outbound', this.log.newScope(`outbound:${native.id()}`)))
  }

  onData(): void {}

  async #accept(): Promise<void> {
    try {
      while (this.status === 'open') {
        const native = await this.#native.inboundStream()
        const log = this.log.newScope(`inbound:${native.id()}`)
        const stream = this.#watched(new QuicStream(native, 'inbound', log))
        const pass = (): void => this.onRemoteStream(stream)
        if (this.#greet === undefined) pass()
        else this.#greet(stream, this, pass)
      }
    } catch {
      // The connection is closed: its own close event ends the streams.
    }
  }

  /** Tells those too that libp2p does not know of. */
  override onTransportClosed(error?: Error): void {
    super.onTransportClosed(error)
    for (const stream of [...this.#open]) stream.onTransportClosed()
  }

  #watched(stream: QuicStream): QuicStream {
    this.#open.add(stream)
    stream.addEventListener('close', () => {
      this.#open.delete(stream)
      const { written } = stream
      if (written === undefined) return
      this.#stuckWrites++
      void written.finally(() => this.#stuckWrites--)
      if (this.#stuckWrites > MAX_STUCK_WRITES) setTimeout(() => this.#checkStuckWrites(), STUCK_MS).unref()
    })
    return stream
  }

  #checkStuckWrites(): void {
    if (this.#stuckWrites > MAX_STUCK_WRITES) this.maConn.abort(new Error('the peer takes no data'))
  }
}

/** The muxer of one connection. */
export function muxerFactory(native: NativeConnection, greet?: Greet): StreamMuxerFactory {
  return {
    protocol: 'quic',
    createStreamMuxer: (maConn: MessageStream): StreamMuxer => new QuicMuxer(native, maConn, greet)
  }
}

/** The peer that the handshake proved, by the address's last part. */
export function provenPeer(connection: MultiaddrConnection): string {
  const peer = connection.remoteAddr.getComponents().findLast(part => part.name === 'p2p')?.value
  if (peer === undefined) throw new Error('the QUIC handshake gave no peer id')
  return peer
}
