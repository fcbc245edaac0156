import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { getNetConfig } from '@libp2p/utils'
import type { DatagramCounts, TrafficHints } from '../../net/traffic.ts'
import type { NativeConnection } from './native.ts'

/** A client's first datagram has at least this size (RFC 9000, 14.1), and ours and most others' have exactly it. */
const INITIAL_BYTES = 1200
/** What may go to an address that has not proved itself, to what came from it (RFC 9000, 8.1). */
const ANSWERS_TO_UNPROVEN = 3
/** The engine's first probe of a silent handshake comes after 1 s, the next after twice as long, each twofold. */
const PROBES = 2

interface QuicTrafficComponents {
  meter: TrafficHints
  /** Milliseconds. */
  clock: () => number
}

/** Tells the meter of the datagrams that the engine sends and receives, also for handshakes that come to nothing. */
export class QuicTraffic {
  readonly #meter: TrafficHints
  readonly #clock: () => number

  constructor({ meter, clock }: QuicTrafficComponents) {
    this.#meter = meter
    this.#clock = clock
  }

  accepted(native: NativeConnection): void {
    const remoteIp = this.#follow(native)
    // The engine makes the connection from this one, and does not count it.
    this.#meter.add(remoteIp, { ...NOTHING, receivedBytes: INITIAL_BYTES, receivedDatagrams: 1 })
  }

  /** Follows what the dial comes to, even where nobody waits for it any more: the engine goes on. */
  dialing(remoteIp: string, dialing: Promise<NativeConnection>): void {
    const startedAt = this.#clock()
    dialing.then(
      native => void this.#follow(native),
      () => this.#meter.add(remoteIp, unanswered((this.#clock() - startedAt) / 1000))
    )
  }

  /** A client began and did not go on, or is none. The engine does not say which address it came from. */
  handshakeFailed(listener: Multiaddr | undefined): void {
    if (listener === undefined) return
    this.#meter.add(getNetConfig(listener).host, {
      receivedBytes: INITIAL_BYTES,
      receivedDatagrams: 1,
      sentBytes: INITIAL_BYTES * ANSWERS_TO_UNPROVEN,
      sentDatagrams: ANSWERS_TO_UNPROVEN
    })
  }

  #follow(native: NativeConnection): string {
    const remoteIp = getNetConfig(multiaddr(native.remoteMultiaddr())).host
    const ended = this.#meter.follow({ remoteIp, counts: () => countsOf(native) })
    native.closed().then(ended, ended)
    return remoteIp
  }
}

const NOTHING: DatagramCounts = { receivedBytes: 0, receivedDatagrams: 0, sentBytes: 0, sentDatagrams: 0 }

function countsOf(native: NativeConnection): DatagramCounts {
  const { udpRxBytes, udpRxDatagrams, udpTxBytes, udpTxDatagrams } = native.stats()
  return {
    receivedBytes: udpRxBytes,
    receivedDatagrams: udpRxDatagrams,
    sentBytes: udpTxBytes,
    sentDatagrams: udpTxDatagrams
  }
}

function unanswered(seconds: number): DatagramCounts {
  const sentDatagrams = 1 + PROBES * Math.floor(Math.log2(1 + seconds))
  return { ...NOTHING, sentDatagrams, sentBytes: sentDatagrams * INITIAL_BYTES }
}
