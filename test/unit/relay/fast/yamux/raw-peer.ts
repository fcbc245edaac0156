import type { Stream, StreamMuxer } from '@libp2p/interface'
import type { SideSink } from '../../../../../app/main/relay/circuit/side.ts'
import {
  DATA,
  flagsAt,
  HEADER_BYTES,
  lengthAt,
  putHeader,
  streamAt,
  typeAt
} from '../../../../../app/main/relay/fast/yamux/frame.ts'
import { fastYamux, type FastYamuxOptions } from '../../../../../app/main/relay/fast/yamux/muxer.ts'
import type { YamuxStream } from '../../../../../app/main/relay/fast/yamux/stream.ts'
import { BareConnection, MemoryDuct, settle } from './memory-duct.ts'

export interface Frame {
  type: number
  flags: number
  stream: number
  length: number
  payload?: string
}

export interface Node {
  duct: MemoryDuct
  connection: BareConnection
  muxer: StreamMuxer<YamuxStream>
  /** Those the peer has opened. */
  accepted: YamuxStream[]
}

export function node(duct: MemoryDuct, direction: 'inbound' | 'outbound', options?: FastYamuxOptions): Node {
  const connection = new BareConnection(duct, direction)
  const muxer = fastYamux(options)(duct).createStreamMuxer(connection) as unknown as StreamMuxer<YamuxStream>
  const accepted: YamuxStream[] = []
  muxer.addEventListener('stream', ({ detail }) => accepted.push(detail))
  return { duct, connection, muxer, accepted }
}

/** Two muxers of ours that speak to each other. */
export function nodes(options?: FastYamuxOptions, fullBytes?: number): [Node, Node] {
  const [a, b] = MemoryDuct.pair(fullBytes)
  return [node(a, 'outbound', options), node(b, 'inbound', options)]
}

/** A stream of ours at both of its ends. */
export async function stream([a, b]: [Node, Node]): Promise<[YamuxStream, YamuxStream]> {
  const ours = await a.muxer.createStream()
  await settle(a.duct)
  return [ours, b.accepted.at(-1) as YamuxStream]
}

/** A dialer that writes its frames by hand. */
export class RawPeer {
  readonly listener: Node
  readonly frames: Frame[] = []
  ended: Error | true | undefined
  readonly #duct: MemoryDuct
  #bytes = Buffer.alloc(0)

  constructor(options?: FastYamuxOptions, fullBytes?: number) {
    const [own, other] = MemoryDuct.pair(fullBytes)
    this.#duct = own
    own.reader = {
      onBytes: bytes => this.#parse(bytes),
      onDrain: () => {},
      onEnd: () => (this.ended = true),
      onClose: error => (this.ended ??= error ?? true)
    }
    own.resume()
    this.listener = node(other, 'inbound', options)
  }

  write(type: number, flags: number, stream: number, length: number, payload?: string | Uint8Array): this {
    const header = Buffer.alloc(HEADER_BYTES)
    putHeader(header, type, flags, stream, length)
    this.#duct.write(payload === undefined ? header : Buffer.concat([header, Buffer.from(payload)]))
    return this
  }

  writeBytes(bytes: Uint8Array): this {
    this.#duct.write(bytes)
    return this
  }

  /** Lets the listener read, but reads nothing itself. */
  push(pieceBytes?: number): void {
    this.#duct.move(Infinity, pieceBytes)
  }

  settle(): Promise<void> {
    return settle(this.#duct)
  }

  /** What has come since the last time. */
  async answers(): Promise<Frame[]> {
    await this.settle()
    return this.frames.splice(0)
  }

  #parse(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (;;) {
      const all = this.#bytes
      if (all.byteLength < HEADER_BYTES) return
      const type = typeAt(all, 0)
      const length = lengthAt(all, 0)
      const end = HEADER_BYTES + (type === DATA ? length : 0)
      if (all.byteLength < end) return
      const frame: Frame = { type, flags: flagsAt(all, 0), stream: streamAt(all, 0), length }
      if (type === DATA) frame.payload = all.toString('latin1', HEADER_BYTES, end)
      this.frames.push(frame)
      this.#bytes = all.subarray(end)
    }
  }
}

/** Writes down all that a side tells. */
export class Recorder implements SideSink {
  bytes = 0
  readonly told: string[] = []
  error: Error | undefined
  onWritable = (): void => {
    this.told.push('writable')
  }

  onBytes(bytes: Uint8Array): void {
    this.bytes += bytes.byteLength
    this.told.push(bytes.byteLength < 32 ? Buffer.from(bytes).toString('latin1') : `${bytes.byteLength}`)
  }

  onEnd(): void {
    this.told.push('end')
  }

  onClose(error?: Error): void {
    this.error = error
    this.told.push(error === undefined ? 'close' : `close: ${error.name}`)
  }
}

/** All messages of a stream, and its end. */
export function read(from: Stream): { text: string; bytes: number; ended: boolean; error?: Error } {
  const seen: { text: string; bytes: number; ended: boolean; error?: Error } = {
    text: '',
    bytes: 0,
    ended: false
  }
  from.addEventListener('message', ({ data }) => {
    seen.bytes += data.byteLength
    if (seen.bytes < 4096) seen.text += Buffer.from(data.subarray()).toString('latin1')
  })
  from.addEventListener('remoteCloseWrite', () => (seen.ended = true))
  from.addEventListener('close', event => (seen.error = event.error))
  return seen
}
