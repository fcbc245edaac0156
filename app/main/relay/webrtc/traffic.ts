import type { DatagramCounts, TrafficHints } from '../../net/traffic.ts'

/** Of a datagram full of data: what SCTP carries, and SCTP's and DTLS's headers around it. */
const DATA_BYTES = 1156
const DATA_HEADERS = 12 + 16 + 37
/** An acknowledgement, for every second datagram of data. */
const ACK_BYTES = 12 + 16 + 37
/** STUN's checks, DTLS's and SCTP's handshakes, each way. */
const HANDSHAKE: DatagramCounts = {
  receivedBytes: 3100,
  receivedDatagrams: 17,
  sentBytes: 3200,
  sentDatagrams: 16
}
/** STUN's checks and SCTP's heartbeats while nothing else goes on, each way. */
const IDLE_BYTES_PER_SECOND = 60
const IDLE_DATAGRAMS_PER_SECOND = 0.5

/** What the channels of a connection have carried, in one direction. */
export class Carried {
  bytes = 0
  datagrams = 0

  add(messageBytes: number): void {
    this.bytes += messageBytes
    this.datagrams += Math.ceil(messageBytes / DATA_BYTES)
  }
}

export interface CarriedBothWays {
  received: Carried
  sent: Carried
}

/** Tells the meter of datagrams that Node does not see and the library does not count, worked out from what they carry. */
export class WebRtcTraffic {
  readonly #meter: TrafficHints

  constructor(meter: TrafficHints) {
    this.#meter = meter
  }

  /** The returned function takes the last counts. */
  follow(remoteIp: string, carried: CarriedBothWays): () => void {
    const since = performance.now()
    const counts = (): DatagramCounts => countsOf(carried, (performance.now() - since) / 1000)
    return this.#meter.follow({ remoteIp, counts })
  }
}

function countsOf({ received, sent }: CarriedBothWays, seconds: number): DatagramCounts {
  const idle = Math.floor(seconds * IDLE_BYTES_PER_SECOND)
  const idleDatagrams = Math.floor(seconds * IDLE_DATAGRAMS_PER_SECOND)
  const bytes = (way: Carried, back: Carried): number =>
    way.bytes + way.datagrams * DATA_HEADERS + Math.ceil(back.datagrams / 2) * ACK_BYTES + idle
  const datagrams = (way: Carried, back: Carried): number =>
    way.datagrams + Math.ceil(back.datagrams / 2) + idleDatagrams
  return {
    receivedBytes: HANDSHAKE.receivedBytes + bytes(received, sent),
    receivedDatagrams: HANDSHAKE.receivedDatagrams + datagrams(received, sent),
    sentBytes: HANDSHAKE.sentBytes + bytes(sent, received),
    sentDatagrams: HANDSHAKE.sentDatagrams + datagrams(sent, received)
  }
}
