import type { Stream } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { DirectStreams, type Greet } from '../../app/main/relay/direct-streams.ts'
import { FastYamuxMuxer } from '../../app/main/relay/fast/yamux/muxer.ts'
import type { YamuxStream } from '../../app/main/relay/fast/yamux/stream.ts'

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const STOP = '/libp2p/circuit/relay/0.2.0/stop'

/**
 * Counts the streams of every muxer in this process, ours and the stock ones, from now on. A relay's are those
 * that come in by hop and go out by stop; clients have them the other way around.
 */
export class LiveStreams {
  readonly #live = new Set<Stream>()

  constructor() {
    const live = this.#live
    const watch = <S extends Stream | undefined>(stream: S): S => {
      if (stream === undefined) return stream
      live.add(stream)
      stream.addEventListener('close', () => live.delete(stream))
      return stream
    }
    const stock = AbstractStreamMuxer.prototype as unknown as {
      cleanUpStream: (this: unknown, stream: Stream) => void
    }
    const cleanUp = stock.cleanUpStream
    stock.cleanUpStream = function (stream) {
      live.add(stream)
      stream.addEventListener('close', () => live.delete(stream))
      cleanUp.call(this, stream)
    }
    const direct = DirectStreams.prototype as {
      greet: (this: DirectStreams, ...all: Parameters<Greet>) => void
    }
    const greet = direct.greet
    direct.greet = function (stream, ...rest) {
      greet.call(this, watch(stream), ...rest)
    }
    // Ours looks after its streams itself.
    const ours = FastYamuxMuxer.prototype as {
      accept: (this: FastYamuxMuxer, number: number) => YamuxStream | undefined
      onCreateStream: (this: FastYamuxMuxer) => YamuxStream
    }
    const { accept, onCreateStream } = ours
    ours.accept = function (number) {
      return watch(accept.call(this, number))
    }
    ours.onCreateStream = function () {
      return watch(onCreateStream.call(this))
    }
  }

  /** The relay's, without those of running circuits if there are none. */
  get ofRelay(): Stream[] {
    return [...this.#live].filter(
      ({ direction, protocol }) =>
        (direction === 'inbound' && protocol === HOP) || (direction === 'outbound' && protocol === STOP)
    )
  }

  /** All that came in, negotiated or not. */
  get inbound(): number {
    return [...this.#live].filter(({ direction }) => direction === 'inbound').length
  }
}
