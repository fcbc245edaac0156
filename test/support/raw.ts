import { quic } from '@chainsafe/libp2p-quic'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream, type LengthPrefixedStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import {
  HopMessage,
  HopType,
  StopMessage,
  StopType,
  Status
} from '../../app/main/relay/circuit/pb/messages.ts'
import { createPlainClient, hopRequest, reserve, type Client, type ClientOptions } from './clients.ts'
import { eventsOf, type TestRelay } from './relay.ts'
import { until } from './until.ts'

/**
 * Clients that speak hop and stop by hand, over stock connections: what passes through their circuits is what a
 * test sends, byte for byte, with no handshake inside.
 */

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const STOP = '/libp2p/circuit/relay/0.2.0/stop'

type Frames = LengthPrefixedStream<Stream>

/** What a target does when it is asked to take a circuit. */
export type StopAnswer = (peer: RawPeer, frames: Frames) => unknown

/** One end of a circuit. What arrives is kept from the first byte on. */
export class RawEnd {
  readonly stream: Stream
  /** The other side has closed its writing, and all it sent is here. */
  ended = false
  readonly #received: Uint8Array[] = []

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', event => this.#received.push(event.data.subarray()))
    stream.addEventListener('end', () => (this.ended = true))
    if (stream.readableEnded) this.ended = true
  }

  get bytes(): number {
    return this.#received.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  get text(): string {
    return Buffer.concat(this.#received).toString()
  }

  get isOpen(): boolean {
    return this.stream.status === 'open'
  }

  send(data: Uint8Array | string): void {
    this.stream.send(typeof data === 'string' ? Buffer.from(data) : data)
  }

  /** Sends that many bytes. */
  sendBytes(count: number): void {
    this.send(new Uint8Array(count))
  }

  async receives(count: number): Promise<void> {
    await until(`${count} bytes arrive`, () => this.bytes >= count)
  }

  /** Nothing more will arrive: the other side has closed, or the stream was reset. */
  async isOver(): Promise<void> {
    // The stock QUIC stream takes a reset for an end.
    await until('the stream is over', () => this.ended || !this.isOpen)
  }
}

export interface RawPeerOptions extends ClientOptions {
  answer?: StopAnswer
}

export class RawPeer {
  readonly client: Client
  readonly connection: Connection
  /** The ends of circuits that others opened to it, in order. */
  readonly taken: RawEnd[] = []
  /** The stop requests it got, in order. */
  readonly asked: StopMessage[] = []

  private constructor(client: Client, connection: Connection) {
    this.client = client
    this.connection = connection
  }

  /** Connects to the relay. It takes every circuit unless `answer` says otherwise. */
  static async create(relayAddress: string, options: RawPeerOptions = {}): Promise<RawPeer> {
    const { answer = accept, ...rest } = options
    // Without the circuit transport, which would answer stop streams itself.
    const transports = [tcp(), webSockets(), quic()]
    const client = await createPlainClient({ ...rest, options: { transports, ...rest.options } })
    const peer = new RawPeer(client, await client.dial(multiaddr(relayAddress)))
    const onStop = async (stream: Stream): Promise<void> => {
      const frames = lpStream(stream)
      peer.asked.push(StopMessage.decode(await frames.read()))
      await answer(peer, frames)
    }
    await client.handle(STOP, stream => void onStop(stream).catch(() => {}), {
      runOnLimitedConnection: true,
      maxInboundStreams: Infinity
    })
    return peer
  }

  /** One that has reserved. */
  static async reserved(relayAddress: string, options: RawPeerOptions = {}): Promise<RawPeer> {
    const peer = await RawPeer.create(relayAddress, options)
    const { status } = await peer.reserve()
    if (status !== Status.OK) throw new Error(`no reservation: ${status}`)
    return peer
  }

  /** Some that have not reserved. */
  static async several(count: number, relayAddress: string): Promise<RawPeer[] & AsyncDisposable> {
    const peers = await Promise.all(Array.from({ length: count }, () => RawPeer.create(relayAddress)))
    const stop = async (): Promise<void> => {
      await Promise.all(peers.map(peer => peer[Symbol.asyncDispose]()))
    }
    return Object.assign(peers, { [Symbol.asyncDispose]: stop })
  }

  get id(): string {
    return this.client.peerId.toString()
  }

  /** Another connection to the relay, beside those there are. */
  async dialAgain(relayAddress: string): Promise<Connection> {
    return this.client.dial(multiaddr(relayAddress), { force: true })
  }

  async reserve(connection = this.connection): Promise<HopMessage> {
    return reserve(connection)
  }

  /** Asks for a circuit; one that is granted stays open. */
  async connect(target: RawPeer): Promise<HopMessage> {
    return hopRequest(this.connection, connectMessage(target))
  }

  /** Opens a circuit. */
  async open(target: RawPeer): Promise<RawEnd> {
    const frames = await hopFrames(this.connection)
    const signal = AbortSignal.timeout(40_000)
    await frames.write(HopMessage.encode(connectMessage(target)), { signal })
    const { status } = HopMessage.decode(await frames.read({ signal }))
    if (status !== Status.OK) throw new Error(`no circuit: ${status}`)
    return new RawEnd(frames.unwrap())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.stop()
  }
}

/** A circuit with both its ends in hand, once the relay has joined them. */
export async function openPair(
  relay: TestRelay,
  source: RawPeer,
  target: RawPeer
): Promise<[source: RawEnd, target: RawEnd]> {
  const joined = eventsOf(relay, 'circuit-accepted').length
  const taken = target.taken.length
  const end = await source.open(target)
  await until('the target has its end', () => target.taken.length > taken)
  // The source may have its answer before the relay knows that it has.
  await until('the circuit runs', () => eventsOf(relay, 'circuit-accepted').length > joined)
  const other = target.taken[taken]
  if (other === undefined) throw new Error('the target has no end')
  return [end, other]
}

export function connectMessage(target: RawPeer): HopMessage {
  return { type: HopType.CONNECT, peer: { id: target.client.peerId.toMultihash().bytes, addrs: [] } }
}

/** A hop stream for messages by hand. */
export async function hopFrames(connection: Connection): Promise<Frames> {
  return lpStream(
    await connection.newStream(HOP, { runOnLimitedConnection: true, maxOutboundStreams: Infinity })
  )
}

/** Takes the circuit. */
export async function accept(peer: RawPeer, frames: Frames): Promise<void> {
  await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
  peer.taken.push(new RawEnd(frames.unwrap()))
}

/** Refuses the circuit with a status. */
export function refuseWith(status: number): StopAnswer {
  return async (_peer, frames) => {
    await frames.write(StopMessage.encode({ type: StopType.STATUS, status }))
    await frames.unwrap().close()
  }
}
