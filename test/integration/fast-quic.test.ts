import { createHash, randomBytes } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import type { SideSink } from '../../app/main/relay/circuit/side.ts'
import { loadNativeQuic } from '../../app/main/relay/quic/native.ts'
import type { QuicStream } from '../../app/main/relay/quic/stream.ts'
import { quicTransport } from '../../app/main/relay/quic/transport.ts'
import { sleep, until } from '../support/until.ts'

/** QUIC streams as sides of a circuit, between two nodes. */

const MiB = 1024 * 1024
const WINDOW_BYTES = 256 * 1024
const native = await loadNativeQuic()
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function node(): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1'] },
    transports: [quicTransport({ native, streamWindowBytes: WINDOW_BYTES })],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false }
  })
  ends.push(() => libp2p.stop())
  return libp2p
}

/** Both ends of a stream, and the connection under it. */
async function streams(): Promise<[QuicStream, QuicStream, Connection]> {
  const [dialer, listener] = await Promise.all([node(), node()])
  const arrived = Promise.withResolvers<Stream>()
  await listener.handle('/pin', stream => arrived.resolve(stream))
  const connection = await dialer.dial(listener.getMultiaddrs())
  const stream = await connection.newStream('/pin')
  return [stream as unknown as QuicStream, (await arrived.promise) as unknown as QuicStream, connection]
}

/** One end: sends what it is told to, counts what comes, and credits it unless it is to stall. */
class End implements SideSink {
  readonly stream: QuicStream
  received = 0
  sent = 0
  ended = false
  /** Closed: with this error, or without one. */
  closed: { error?: Error } | undefined
  stalls = false
  readonly #hash = createHash('sha256')
  #uncredited = 0
  #toSend: Uint8Array = new Uint8Array(0)
  #pieceBytes = 0

  constructor(stream: QuicStream, { stalls = false } = {}) {
    this.stream = stream
    this.stalls = stalls
    stream.join(this)
  }

  get digest(): string {
    return this.#hash.copy().digest('hex')
  }

  onBytes(bytes: Uint8Array): void {
    expect(this.ended || this.closed !== undefined).toBe(false)
    this.received += bytes.byteLength
    this.#hash.update(bytes)
    if (this.stalls) this.#uncredited += bytes.byteLength
    else this.stream.credit(bytes.byteLength)
  }

  onEnd(): void {
    this.ended = true
  }

  onClose(error?: Error): void {
    expect(this.closed).toBe(undefined)
    this.closed = error === undefined ? {} : { error }
  }

  onWritable(): void {
    expect(this.stream.sendable).toBeGreaterThan(0)
    this.#pump()
  }

  /** Sends all of it, in pieces of that size at most. */
  send(data: Uint8Array, pieceBytes = 64 * 1024): void {
    this.#toSend = data
    this.#pieceBytes = pieceBytes
    this.#pump()
  }

  goOn(): void {
    this.stalls = false
    this.stream.credit(this.#uncredited)
    this.#uncredited = 0
  }

  #pump(): void {
    while (this.#toSend.byteLength > 0 && this.stream.sendable > 0 && this.closed === undefined) {
      const piece = this.#toSend.subarray(0, Math.min(this.#pieceBytes, this.stream.sendable))
      this.stream.write(piece)
      this.sent += piece.byteLength
      this.#toSend = this.#toSend.subarray(piece.byteLength)
    }
  }
}

async function joined(options?: { stalls: boolean }): Promise<[End, End, Connection]> {
  const [one, other, connection] = await streams()
  return [new End(one), new End(other, options), connection]
}

const digestOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** It has sent all that it may. */
async function stuck(end: End): Promise<void> {
  let before = -1
  await until('the writer is stopped', async () => {
    const same = end.sent === before
    before = end.sent
    await sleep(200)
    return same && end.sent === before
  })
}

it('carries bytes whole and in order, both ways at once, in pieces of any size', async () => {
  const [one, other] = await joined()
  const [there, back] = [randomBytes(8 * MiB), randomBytes(MiB)]
  one.send(there)
  other.send(back, 777)
  await until('all is there', () => other.received === there.byteLength && one.received === back.byteLength)
  expect(other.digest).toBe(digestOf(there))
  expect(one.digest).toBe(digestOf(back))
})

it('stops a writer whose reader gives no credit, and lets it go on from there', async () => {
  const [one, other] = await joined({ stalls: true })
  const data = randomBytes(4 * MiB)
  one.send(data)
  await stuck(one)
  // What has arrived unread, a page on its way, one that is full, and what the reader was handed.
  expect(one.sent).toBeLessThanOrEqual(WINDOW_BYTES + 2 * 128 * 1024 + 2 * 64 * 1024)
  expect(other.received).toBeLessThanOrEqual(2 * 64 * 1024)
  const back = randomBytes(100_000)
  other.send(back)
  await until('the other way goes on', () => one.received === back.byteLength)
  other.goOn()
  await until('all is there', () => other.received === data.byteLength)
  expect(other.digest).toBe(digestOf(data))
})

it('hands over first what came before it was joined, and its end', async () => {
  const [stream, target] = await streams()
  const one = new End(stream)
  one.send(Buffer.from('early'))
  await stream.finish()
  await until('it has come', () => target.remoteWriteStatus === 'closed')
  const other = new End(target)
  await until('it is handed over', () => other.ended)
  expect(other.digest).toBe(digestOf(Buffer.from('early')))
})

it('closes each way by itself, behind what was written, and then the stream', async () => {
  const [one, other] = await joined()
  const data = randomBytes(MiB)
  one.send(data.subarray(0, one.stream.sendable))
  await one.stream.finish()
  await until('the end comes', () => other.ended)
  expect(other.received).toBe(one.sent)
  expect(other.closed).toBe(undefined)
  other.send(data)
  await until('the other way is still open', () => one.received === data.byteLength)
  await other.stream.finish()
  await until('both are closed', () => one.closed !== undefined && other.closed !== undefined)
  expect([one.closed, other.closed]).toEqual([{}, {}])
})

it.each([false, true])('tells of a reset, also while nothing is read (stalled: %s)', async stalls => {
  const [one, other] = await joined({ stalls })
  one.send(randomBytes(4 * MiB))
  await until('something comes', () => other.received > 0)
  if (stalls) await stuck(one)
  // From the reader's side where it stalls: the writer's waits for flow control.
  const [resetting, reset] = stalls ? [other, one] : [one, other]
  resetting.stream.abort(new Error('enough'))
  await until('the other end knows', () => reset.closed !== undefined, 5)
  expect(reset.closed?.error).toBeInstanceOf(Error)
  expect(resetting.closed?.error).toBeInstanceOf(Error)
})

it('notices a reset of a stream that it has stopped reading', async () => {
  const [one, other] = await joined({ stalls: true })
  one.send(randomBytes(100_000))
  await until('reading stops', () => other.received >= 64 * 1024)
  await sleep(100)
  one.stream.abort(new Error('enough'))
  await until('the reader knows', () => other.closed?.error !== undefined, 5)
})

it('ends the streams of a connection that is lost', async () => {
  const [one, other, connection] = await joined({ stalls: true })
  one.send(randomBytes(MiB))
  await stuck(one)
  const finished = one.stream.finish()
  const failed = expect(finished).rejects.toThrow()
  connection.abort(new Error('lost'))
  await until('both know', () => one.closed !== undefined && other.closed !== undefined)
  await failed
  expect(() => one.stream.write(Uint8Array.of(1))).toThrow()
})

it('refuses to write what the peer has said it will not read', async () => {
  const [one, other] = await joined()
  one.send(Buffer.from('a'))
  await until('it comes', () => other.received === 1)
  await other.stream.sendCloseRead()
  one.stream.write(Buffer.from('b'))
  await until('the writer knows', () => {
    if (one.stream.writeStatus === 'writable') one.stream.write(Buffer.from('c'))
    return one.stream.writeStatus === 'closed'
  })
  expect(() => one.stream.write(Buffer.from('d'))).toThrow(/closed/)
  expect(one.closed).toBe(undefined)
})
