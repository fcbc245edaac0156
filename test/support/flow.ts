import { createHash, randomBytes } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { Libp2pOptions } from 'libp2p'
import { Status, StopMessage, StopType } from '../../app/main/relay/circuit/pb/messages.ts'
import { loadNativeQuic } from '../../app/main/relay/quic/native.ts'
import { quicTransport } from '../../app/main/relay/quic/transport.ts'
import { RawPeer, type StopAnswer } from './raw.ts'
import { until } from './until.ts'

/** Long transfers through a circuit: counted, checked, and paused as a test wants it. */

const CHUNK_BYTES = 64 * 1024
/** What a peer of these tests lets lie unread in a stream. */
export const PEER_WINDOW_BYTES = 256 * 1024

/** The reading end. It counts and hashes what comes, and keeps none of it. */
export class Sink {
  readonly stream: Stream
  bytes = 0
  ended = false
  /** When the first byte came, by performance.now(). */
  firstAt = 0
  readonly #hash = createHash('sha256')

  constructor(stream: Stream, { paused = false } = {}) {
    this.stream = stream
    if (paused) stream.pause()
    stream.addEventListener('message', event => {
      this.firstAt ||= performance.now()
      this.bytes += event.data.byteLength
      for (const chunk of event.data instanceof Uint8Array ? [event.data] : event.data)
        this.#hash.update(chunk)
    })
    stream.addEventListener('end', () => (this.ended = true))
    if (stream.readableEnded) this.ended = true
  }

  /** Bytes that have reached this process, read or not. */
  get arrived(): number {
    return this.bytes + this.stream.readBufferLength
  }

  get digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** The writing end: once started, sends random bytes as fast as they are taken, until it is told to stop. */
export class Source {
  readonly stream: Stream
  #sent = 0
  #stopped = false
  readonly #hash = createHash('sha256')
  readonly #limit: number
  readonly #data = randomBytes(2 * CHUNK_BYTES)
  readonly #chunkBytes: number

  constructor(stream: Stream, { bytes = Infinity, chunkBytes = CHUNK_BYTES } = {}) {
    this.stream = stream
    this.#limit = bytes
    this.#chunkBytes = chunkBytes
    stream.addEventListener('drain', () => queueMicrotask(() => this.#pump()))
  }

  start(): void {
    this.#pump()
  }

  /** Bytes that this stream has let go: they are on their way, or there. */
  get bytes(): number {
    return this.#sent - this.stream.writeBufferLength
  }

  get digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Closes this end after what was sent; one that has so many bytes to send sends them first. */
  async finish(): Promise<void> {
    if (this.#limit === Infinity) this.#stopped = true
    await until('all is sent', () => this.#stopped || this.#sent >= this.#limit, 60)
    this.#stopped = true
    await this.stream.close()
  }

  #pump(): void {
    while (!this.#stopped && this.stream.writeStatus === 'writable' && this.#sent < this.#limit) {
      // A window that wanders, so that no two chunks are alike.
      const at = (this.#sent * 7) % CHUNK_BYTES
      const chunk = this.#data.subarray(at, at + Math.min(this.#chunkBytes, this.#limit - this.#sent))
      this.#sent += chunk.byteLength
      this.#hash.update(chunk)
      if (!this.stream.send(chunk)) return
    }
  }
}

/**
 * Peers that keep to flow control. Stock js ones do not, as no other implementation's: their QUIC stream reads
 * on while it is paused, and their Yamux window outgrows what they let lie, so that a pause ends in a reset.
 */
async function patient(): Promise<Partial<Libp2pOptions>> {
  const quic = quicTransport({ native: await loadNativeQuic(), streamWindowBytes: PEER_WINDOW_BYTES })
  return {
    transports: [tcp(), webSockets(), quic],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: PEER_WINDOW_BYTES } })]
  }
}

interface FlowOptions {
  /** The sink reads nothing until it is resumed. */
  paused?: boolean
  /** The source is not started. */
  waits?: boolean
  bytes?: number
  chunkBytes?: number
}

export class FlowPeer {
  readonly raw: RawPeer
  readonly sinks: Sink[] = []
  /** Whether the next circuit's end is paused from its first byte on. */
  pausesNext = false

  private constructor(raw: RawPeer) {
    this.raw = raw
  }

  /** Connected to the relay, and reserved if it is to be a target. */
  static async create(address: string, { reserved = false } = {}): Promise<FlowPeer> {
    const accept: StopAnswer = async (_raw, frames) => {
      const paused = peer.pausesNext
      await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
      peer.sinks.push(new Sink(frames.unwrap(), { paused }))
    }
    const raw = await RawPeer.create(address, { answer: accept, options: await patient() })
    const peer: FlowPeer = new FlowPeer(raw)
    if (reserved && (await peer.raw.reserve()).status !== Status.OK) throw new Error('no reservation')
    return peer
  }

  /** A circuit to that peer: its two ends. The source sends at once, unless it is to wait. */
  async flowTo(
    target: FlowPeer,
    { paused = false, waits = false, ...sends }: FlowOptions = {}
  ): Promise<Flow> {
    target.pausesNext = paused
    const before = target.sinks.length
    const end = await this.raw.open(target.raw)
    await until('the target has its end', () => target.sinks.length > before)
    const sink = target.sinks[before]
    if (sink === undefined) throw new Error('no sink')
    const source = new Source(end.stream, sends)
    if (!waits) source.start()
    return { source, sink }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.raw.client.stop()
  }
}

export interface Flow {
  source: Source
  sink: Sink
}

/** Bytes a source has let go that have not reached the sink's process. */
export function held({ source, sink }: Flow): number {
  return source.bytes - sink.arrived
}

/** Waits until the source has been stuck for that long. */
export async function stuck({ source }: Flow, milliseconds = 1000): Promise<void> {
  let [bytes, since] = [-1, performance.now()]
  await until('the writer stops', () => {
    if (bytes !== source.bytes) [bytes, since] = [source.bytes, performance.now()]
    return performance.now() - since >= milliseconds
  })
}

/** Ends the transfer, and the circuit: whether all that was sent arrived, as it was sent. */
export async function arrivesWhole({ source, sink }: Flow, seconds = 60): Promise<boolean> {
  const closing = source.finish()
  await until('the end arrives', () => sink.ended, seconds)
  await closing
  await sink.stream.close()
  return sink.digest === source.digest
}
