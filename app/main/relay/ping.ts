import type { Connection, Stream } from '@libp2p/interface'
import { ping, type Ping, type PingComponents } from '@libp2p/ping'
import { Held } from './circuit/held.ts'
import { sideOf } from './circuit/stock-side.ts'

export const PING_PROTOCOL = '/ipfs/ping/1.0.0'
/** Streams that one peer may ping over at once. */
const MOST_STREAMS = 8

/** Answers pings (libp2p/specs, ping): what comes goes back. js-libp2p's clients ask every ten seconds. */
export class Pongs {
  readonly #streams = new WeakMap<Connection, number>()

  readonly onStream = (stream: Stream, connection: Connection): void => {
    const streams = this.#streams.get(connection) ?? 0
    if (streams >= MOST_STREAMS) return stream.abort(new Error('too many pings at once'))
    this.#streams.set(connection, streams + 1)
    echo(stream, () => this.#streams.set(connection, (this.#streams.get(connection) ?? 1) - 1))
  }
}

/** A peer that does not read its answers may send a window; one whose connection is busy has to wait. */
function echo(stream: Stream, closed: () => void): void {
  const side = sideOf(stream)
  const held = new Held()
  let ended = false
  const answer = (): void => {
    try {
      while (held.byteLength > 0) {
        const next = held.peek(side.sendable)
        if (next.byteLength === 0) return
        side.write(next)
        held.drop(next.byteLength)
        side.credit(next.byteLength)
      }
      if (ended) side.finish().catch((error: Error) => side.abort(error))
    } catch (error) {
      side.abort(error as Error)
    }
  }
  side.join({
    onBytes: bytes => {
      held.append(bytes)
      answer()
    },
    onEnd: () => {
      ended = true
      answer()
    },
    onWritable: answer,
    onClose: () => {
      held.clear()
      closed()
    }
  })
}

/** libp2p's ping, for asking; it answers as above. By itself it keeps whatever a peer sends and does not read back. */
export function boundedPing(pongs: Pongs): (components: PingComponents) => Ping {
  return components => {
    const service = ping({ maxInboundStreams: MOST_STREAMS })(components)
    ;(service as Ping & { handlePing: Pongs['onStream'] }).handlePing = pongs.onStream
    return service
  }
}
