import { createCipheriv } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { drained } from '../support/clients.ts'
import { sleep } from '../support/until.ts'

/**
 * What passes through the circuits of the soak: the source says how much goes each way, then both send it and check
 * every byte of what they get. Nothing is kept.
 */

/** The same in every process, and of a length that no frame or buffer has, so that a shifted byte is noticed. */
const PATTERN = createCipheriv('aes-256-ctr', Buffer.alloc(32, 1), Buffer.alloc(16)).update(
  Buffer.alloc(262_147)
)
const HEADER_BYTES = 12
const CHUNK_BYTES = 64 * 1024
const TIMEOUT_MS = 90_000

export interface Plan {
  /** Bytes from the source to the target, and back. */
  up: number
  down: number
  /** How long both ends rest once in a while. */
  pauseMs: number
  /** The source resets the circuit when it has sent that much. */
  breakAt?: number
}

/** What came was not what had been sent: the relay's fault, whoever left. */
export class Corrupt extends Error {}

/** Bytes that this end has checked, as they come. */
type Counted = (bytes: number) => void

/** The source's part. @throws Corrupt; anything else where the circuit broke */
export async function offer(stream: Stream, plan: Plan, counted: Counted): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES)
  ;[plan.up, plan.down, plan.pauseMs].forEach((value, i) => header.writeUInt32BE(value, 4 * i))
  const incoming = new Incoming(stream, { skip: 0, counted })
  incoming.expect(plan.down, plan.pauseMs)
  await within(stream, async () => {
    stream.send(header)
    await Promise.all([pour(stream, plan.up, plan), incoming.whole])
  })
}

/** The target's part. @throws Corrupt; anything else where the circuit broke */
export async function answer(stream: Stream, counted: Counted): Promise<void> {
  const incoming = new Incoming(stream, { skip: HEADER_BYTES, counted })
  await within(stream, async () => {
    const header = await incoming.header
    const [up, down, pauseMs] = [0, 4, 8].map(at => header.readUInt32BE(at)) as [number, number, number]
    incoming.expect(up, pauseMs)
    await Promise.all([pour(stream, down, { pauseMs }), incoming.whole])
  })
}

/** Sends so many bytes of the pattern, and closes the writing end. */
async function pour(
  stream: Stream,
  bytes: number,
  { pauseMs, breakAt = Infinity }: Pick<Plan, 'pauseMs' | 'breakAt'>
): Promise<void> {
  const restAt = pauseMs > 0 ? Math.floor(bytes / 2) : Infinity
  for (let sent = 0; sent < bytes;) {
    const at = sent % PATTERN.byteLength
    const next = sent + Math.min(CHUNK_BYTES, bytes - sent, PATTERN.byteLength - at)
    if (next >= breakAt) throw new Error('enough')
    if (sent <= restAt && restAt < next) await sleep(pauseMs)
    if (!stream.send(PATTERN.subarray(at, at + next - sent))) await drained(stream)
    sent = next
  }
  await stream.close()
}

/** What arrives at one end, from its first byte on. */
class Incoming {
  readonly #stream: Stream
  readonly #counted: Counted
  readonly #header = Promise.withResolvers<Buffer>()
  readonly #whole = Promise.withResolvers<void>()
  readonly #headerBytes: number
  #head = Buffer.alloc(0)
  #expected = Infinity
  #received = 0
  #restAt = Infinity
  #pauseMs = 0

  constructor(stream: Stream, { skip, counted }: { skip: number; counted: Counted }) {
    this.#stream = stream
    this.#counted = counted
    this.#headerBytes = skip
    this.header.catch(() => {})
    this.whole.catch(() => {})
    stream.addEventListener('message', ({ data }) => this.#take(Buffer.from(data.subarray())))
    stream.addEventListener('end', () => this.#over())
    // A stream that has closed well may still hold what was not read.
    stream.addEventListener('close', ({ error }) => error && this.#over())
    if (stream.readableEnded) this.#over()
  }

  get header(): Promise<Buffer> {
    return this.#header.promise
  }

  /** Resolves when all that was expected has come, and its end. */
  get whole(): Promise<void> {
    return this.#whole.promise
  }

  expect(bytes: number, pauseMs: number): void {
    this.#expected = bytes
    if (pauseMs > 0) [this.#restAt, this.#pauseMs] = [Math.floor(bytes / 3), pauseMs]
    if (this.#stream.readableEnded) this.#over()
  }

  #take(chunk: Buffer): void {
    const missing = this.#headerBytes - this.#head.byteLength
    if (missing > 0) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)])
      if (this.#head.byteLength === this.#headerBytes) this.#header.resolve(this.#head)
      chunk = chunk.subarray(missing)
    }
    this.#counted(chunk.byteLength)
    while (chunk.byteLength > 0) {
      const at = this.#received % PATTERN.byteLength
      const size = Math.min(chunk.byteLength, PATTERN.byteLength - at)
      if (!chunk.subarray(0, size).equals(PATTERN.subarray(at, at + size)))
        return this.#corrupt('other bytes')
      this.#received += size
      chunk = chunk.subarray(size)
    }
    if (this.#received > this.#expected) this.#corrupt('more bytes than were sent')
    else if (this.#received >= this.#restAt) this.#rest()
  }

  #rest(): void {
    this.#restAt = Infinity
    this.#stream.pause()
    setTimeout(() => {
      try {
        if (this.#stream.readStatus === 'paused') this.#stream.resume()
      } catch {
        // Its connection has gone meanwhile; it will be told.
      }
    }, this.#pauseMs)
  }

  #over(): void {
    if (this.#received === this.#expected) return this.#whole.resolve()
    const error = new Error('it ended early')
    this.#header.reject(error)
    this.#whole.reject(error)
  }

  #corrupt(what: string): void {
    this.#whole.reject(new Corrupt(`${what} at ${this.#received}`))
  }
}

/** Ends the stream with the transfer if it fails, or takes for ever. */
async function within(stream: Stream, transfer: () => Promise<void>): Promise<void> {
  const timer = setTimeout(() => stream.abort(new Error('it takes too long')), TIMEOUT_MS)
  try {
    await transfer()
  } catch (error) {
    stream.abort(error as Error)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
