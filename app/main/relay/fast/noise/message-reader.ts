import { InvalidCryptoExchangeError } from '@libp2p/interface'
import type { DuctReader, RawDuct } from '../duct.ts'
import { LENGTH_BYTES } from './noise-duct.ts'

/** The largest RSA identity makes 2 KiB; garbage that reads as a large length is not waited for. */
const MOST_MESSAGE_BYTES = 8 * 1024

/** The messages of a handshake, one by one, however they were cut. The duct is paused while nobody waits for one. */
export class MessageReader implements DuctReader {
  readonly #raw: RawDuct
  readonly #signal: AbortSignal
  readonly #aborted = (): void => this.fail(this.#signal.reason as Error)
  #bytes = Buffer.alloc(0)
  /** What came after the duct was paused, in as many pieces. */
  #later: Buffer[] = []
  #waiting: PromiseWithResolvers<Buffer> | undefined
  #failure: Error | undefined
  #isFinished = false

  constructor(raw: RawDuct, signal: AbortSignal) {
    this.#raw = raw
    this.#signal = signal
    raw.reader = this
    signal.addEventListener('abort', this.#aborted, { once: true })
    if (signal.aborted) this.#aborted()
  }

  async next(): Promise<Buffer> {
    if (this.#failure !== undefined) throw this.#failure
    this.#waiting = Promise.withResolvers()
    const { promise } = this.#waiting
    this.#gather()
    this.#take()
    if (this.#waiting !== undefined) this.#raw.resume()
    return promise
  }

  /** Leaves what came behind the last message to whoever reads from the duct next. */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#isFinished = true
    this.#signal.removeEventListener('abort', this.#aborted)
    this.#raw.pause()
    this.#gather()
    this.#raw.unshift(this.#bytes)
    this.#raw.reader = undefined
  }

  /** Ends the duct. */
  fail(error: Error): void {
    if (this.#failure !== undefined || this.#isFinished) return
    this.#failure = error
    this.#signal.removeEventListener('abort', this.#aborted)
    this.#waiting?.reject(error)
    this.#waiting = undefined
    this.#raw.destroy(error)
  }

  onBytes(bytes: Buffer): void {
    if (this.#failure !== undefined) return
    this.#later.push(Buffer.from(bytes))
    if (this.#waiting === undefined) return
    this.#gather()
    this.#take()
  }

  onDrain(): void {}

  onEnd(): void {
    this.fail(new InvalidCryptoExchangeError('the peer closed the connection during the Noise handshake'))
  }

  onClose(error?: Error): void {
    this.fail(error ?? new InvalidCryptoExchangeError('the connection was closed during the Noise handshake'))
  }

  #gather(): void {
    if (this.#later.length === 0) return
    this.#bytes = Buffer.concat([this.#bytes, ...this.#later])
    this.#later = []
  }

  #take(): void {
    if (this.#waiting === undefined || this.#bytes.byteLength < LENGTH_BYTES) return
    const length = this.#bytes.readUInt16BE()
    if (length > MOST_MESSAGE_BYTES) {
      this.fail(new InvalidCryptoExchangeError('the peer does not speak Noise'))
      return
    }
    const end = LENGTH_BYTES + length
    if (this.#bytes.byteLength < end) return
    this.#raw.pause()
    const message = this.#bytes.subarray(LENGTH_BYTES, end)
    this.#bytes = this.#bytes.subarray(end)
    this.#waiting.resolve(message)
    this.#waiting = undefined
  }
}
