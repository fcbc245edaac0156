import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket as DatagramSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import type { Traffic } from '../../shared/api.ts'
import { framesOf, isLoopback } from './frames.ts'
import { SocketTraffic, type Counted } from './tcp-socket.ts'
import { followDatagrams } from './udp-socket.ts'

/** UDP payloads and datagrams, so far. */
export interface DatagramCounts {
  receivedBytes: number
  receivedDatagrams: number
  sentBytes: number
  sentDatagrams: number
}

/** Datagrams that Node does not see, because an engine of its own has the socket. */
export interface DatagramSource {
  remoteIp: string
  counts(): DatagramCounts
}

/** What those tell the meter who know more of a connection than Node does. */
export interface TrafficHints {
  /**
   * The peer of a TCP connection sends the header of each message as a segment of its own. The meter finds that out
   * by itself where there is time to see such a segment alone.
   */
  headersApart(remoteIp: string, remotePort: number): void
  /** Counts a connection from now on; the returned function takes its last counts. */
  follow(source: DatagramSource): () => void
  /** Counts datagrams that belong to no connection. */
  add(remoteIp: string, counts: DatagramCounts): void
}

export interface TrafficMeterComponents {
  /** Milliseconds on a clock that need not be the wall's (`() => performance.now()`). */
  clock: () => number
}

/**
 * All traffic of this process, as the counters of the network interface show it: every TCP socket, every datagram,
 * and the headers, handshakes and acknowledgements around them, worked out from what the sockets read and wrote.
 * Connections inside the machine are not in it; nor is what is lost and sent again over TCP, or asked of a name
 * server. Sees only sockets that are opened between `start` and `stop`.
 */
export class TrafficMeter implements TrafficHints {
  readonly #clock: () => number
  readonly #sockets = new Map<Socket, SocketTraffic>()
  readonly #sources = new Set<DatagramSource>()
  /** Of what is over. */
  readonly #past: Counted = { received: 0, sent: 0 }

  constructor({ clock }: TrafficMeterComponents) {
    this.#clock = clock
  }

  start(): void {
    subscribe('net.client.socket', this.#onSocket)
    subscribe('net.server.socket', this.#onSocket)
    subscribe('udp.socket', this.#onDatagramSocket)
  }

  /** Sees no new sockets; those it knows it follows to their end. */
  stop(): void {
    unsubscribe('net.client.socket', this.#onSocket)
    unsubscribe('net.server.socket', this.#onSocket)
    unsubscribe('udp.socket', this.#onDatagramSocket)
  }

  /** Bytes since the start, looked at anew. */
  totals(): Traffic {
    const totals = { ...this.#past }
    for (const socket of this.#sockets.values()) add(totals, socket.counted)
    for (const source of this.#sources) add(totals, framed(source.remoteIp, source.counts()))
    return totals
  }

  follow(source: DatagramSource): () => void {
    if (isLoopback(source.remoteIp)) return () => {}
    this.#sources.add(source)
    return () => {
      if (this.#sources.delete(source)) this.add(source.remoteIp, source.counts())
    }
  }

  headersApart(remoteIp: string, remotePort: number): void {
    for (const [socket, traffic] of this.#sockets) {
      if (socket.remotePort === remotePort && socket.remoteAddress === remoteIp) traffic.headersApart()
    }
  }

  add(remoteIp: string, counts: DatagramCounts): void {
    if (!isLoopback(remoteIp)) add(this.#past, framed(remoteIp, counts))
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    if (this.#sockets.has(socket)) return
    let over = false
    const traffic: SocketTraffic = new SocketTraffic(socket, {
      clock: this.#clock,
      over: () => {
        over = true
        if (this.#sockets.delete(socket)) add(this.#past, traffic.counted)
      }
    })
    if (!over) this.#sockets.set(socket, traffic)
  }

  readonly #onDatagramSocket = (message: unknown): void => {
    followDatagrams((message as { socket: DatagramSocket }).socket, this.#past)
  }
}

function add(to: Counted, { received, sent }: Counted): void {
  to.received += received
  to.sent += sent
}

function framed(ip: string, counts: DatagramCounts): Counted {
  const header = framesOf(ip).datagram
  return {
    received: counts.receivedBytes + counts.receivedDatagrams * header,
    sent: counts.sentBytes + counts.sentDatagrams * header
  }
}
