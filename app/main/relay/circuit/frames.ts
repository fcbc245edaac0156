import type { Initiator } from '../fast/negotiate.ts'
import { Held } from './held.ts'
import type { Ending } from './patience.ts'
import type { Side, SideSink } from './side.ts'

/** The most a message may be long (circuit v2 has no bound of its own; go and rust use this one). */
const MAX_MESSAGE_BYTES = 4096
/** What a peer may send of a circuit that it does not get. */
const MOST_DROPPED_BYTES = 1024 * 1024
const NOTHING = Buffer.alloc(0)

/** A side whose messages have been exchanged: what came behind them belongs to the circuit. */
export interface Joinable {
  side: Side
  /** Not credited yet: at most the window of its sender. */
  early: Held
  /** Nothing more comes behind that. */
  ended: boolean
}

/** The messages of a hop or stop stream: a varint length, then the message. */
export class Frames {
  /** Called once when the stream is over. */
  onClosed: (() => void) | undefined
  readonly #side: Side
  readonly #early = new Held()
  #initiator: Initiator | undefined
  #ended = false
  #closed = false
  /** All messages were exchanged, and there will be no circuit. */
  #isDone = false
  #dropped = 0
  #failure: Error | undefined
  #reader: PromiseWithResolvers<Uint8Array> | undefined
  #unsent: Uint8Array = NOTHING
  #writer: PromiseWithResolvers<void> | undefined

  /** With an initiator, what the stream is for is proposed along with the first message. */
  constructor(side: Side, initiator?: Initiator) {
    this.#side = side
    this.#initiator = initiator
    if (initiator !== undefined) this.#unsent = initiator.opening
    const sink: SideSink = {
      onBytes: bytes => this.#onBytes(bytes),
      onEnd: () => {
        this.#ended = true
        this.#look()
      },
      onClose: error => this.#onClose(error),
      onWritable: () => this.#send()
    }
    side.join(sink)
  }

  get isOpen(): boolean {
    return !this.#closed
  }

  /** Whether the peer agreed to what the stream is for. */
  get isAgreed(): boolean {
    return this.#initiator === undefined
  }

  /** The next message. @throws where it is malformed, or the stream ends before it, or the wait is ended */
  async read(ending: Ending): Promise<Uint8Array> {
    ending.throwIfAborted()
    const message = this.#next()
    if (message !== undefined) return message
    const reader = Promise.withResolvers<Uint8Array>()
    this.#reader = reader
    return settled(reader, ending)
  }

  /** Resolves when the message is on its way. @throws where the stream is lost, or the wait is ended */
  async write(message: Uint8Array, ending: Ending): Promise<void> {
    ending.throwIfAborted()
    if (this.#closed) throw this.#failure ?? new Error('the stream has closed')
    this.#unsent = framed(this.#unsent, message)
    this.#send()
    if (this.#unsent.byteLength === 0) return
    this.#writer ??= Promise.withResolvers()
    await settled(this.#writer, ending)
  }

  /**
   * Closes our writing, and resets a stream whose peer does not take that, or does not close too, within that time: none
   * is left behind. What still comes is dropped.
   */
  async close(lingerMs: number): Promise<void> {
    this.#isDone = true
    const early = this.#early.byteLength
    this.#early.clear()
    this.#drop(early)
    if (!this.#closed) {
      const timer = setTimeout(
        () => this.abort(new Error('the other side did not close the stream')),
        lingerMs
      )
      timer.unref()
      this.onClosed = () => clearTimeout(timer)
    }
    await this.#side.finish()
  }

  abort(error: Error): void {
    this.#side.abort(error)
  }

  /** Gives the side away. @throws where the stream is over */
  unwrap(): Joinable {
    if (this.#closed) throw this.#failure ?? new Error('the stream has closed')
    this.onClosed = undefined
    return { side: this.#side, early: this.#early, ended: this.#ended }
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#isDone) return this.#drop(bytes.byteLength)
    if (this.#initiator !== undefined) return this.#negotiate(this.#initiator, bytes)
    this.#early.append(bytes)
    this.#look()
  }

  /** Credited, or a peer could not say that it has finished; but none goes on and on. */
  #drop(bytes: number): void {
    this.#side.credit(bytes)
    this.#dropped += bytes
    if (this.#dropped > MOST_DROPPED_BYTES) this.abort(new Error('the peer does not wait for its answer'))
  }

  #negotiate(initiator: Initiator, bytes: Uint8Array): void {
    try {
      const { protocol, rest } = initiator.onBytes(bytes)
      const early = rest?.byteLength ?? 0
      this.#side.credit(bytes.byteLength - early)
      if (protocol === undefined) return
      this.#initiator = undefined
      if (rest !== undefined && early > 0) this.#onBytes(rest)
    } catch (error) {
      this.abort(error as Error)
    }
  }

  #onClose(error?: Error): void {
    this.#closed = true
    this.#failure = error
    this.#look()
    this.#writer?.reject(error ?? new Error('the stream has closed'))
    this.onClosed?.()
  }

  /** Gives whoever reads the next message, or why none comes. */
  #look(): void {
    const reader = this.#reader
    if (reader === undefined) return
    try {
      const message = this.#next()
      if (message === undefined) return
      this.#reader = undefined
      reader.resolve(message)
    } catch (error) {
      this.#reader = undefined
      reader.reject(error)
    }
  }

  /** The next message, if all of it has come. @throws why none comes */
  #next(): Uint8Array | undefined {
    const early = this.#early
    const first = early.at(0) ?? Infinity
    const second = early.at(1) ?? Infinity
    const start = first < 0x80 ? 1 : 2
    // Two bytes of length are enough for what a message may be.
    const length =
      first < 0x80 ? first : second < 0x80 ? (second << 7) | (first & 0x7f) : second * MAX_MESSAGE_BYTES
    if (length < Infinity && length > MAX_MESSAGE_BYTES) throw new Error('the message is too long')
    if (early.byteLength >= start + length) {
      const message = early.copy(start + length).subarray(start)
      early.drop(start + length)
      this.#side.credit(start + length)
      return message
    }
    if (this.#ended || this.#closed) throw this.#failure ?? new Error('the stream ended before the message')
    return undefined
  }

  #send(): void {
    try {
      while (this.#unsent.byteLength > 0 && !this.#closed) {
        const bytes = Math.min(this.#side.sendable, this.#unsent.byteLength)
        if (bytes === 0) return
        this.#side.write(this.#unsent.subarray(0, bytes))
        this.#unsent = this.#unsent.subarray(bytes)
      }
      this.#writer?.resolve()
      this.#writer = undefined
    } catch (error) {
      // The peer reads no more.
      this.abort(error as Error)
    }
  }
}

/** The bytes, the length of the message, the message. */
function framed(before: Uint8Array, message: Uint8Array): Uint8Array {
  const length = message.byteLength
  const at = before.byteLength
  const start = at + (length < 0x80 ? 1 : 2)
  const bytes = Buffer.allocUnsafe(start + length)
  bytes.set(before)
  bytes[at] = length < 0x80 ? length : (length & 0x7f) | 0x80
  if (length >= 0x80) bytes[at + 1] = length >>> 7
  bytes.set(message, start)
  return bytes
}

/** What comes of it, unless the wait is ended before. */
async function settled<T>({ promise, reject }: PromiseWithResolvers<T>, ending: Ending): Promise<T> {
  const onAbort = (): void => reject(ending.reason)
  ending.addEventListener('abort', onAbort)
  try {
    return await promise
  } finally {
    ending.removeEventListener('abort', onAbort)
  }
}
