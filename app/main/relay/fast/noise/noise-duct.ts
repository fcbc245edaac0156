import { InvalidCryptoExchangeError } from '@libp2p/interface'
import type { DuctReader, RawDuct, SecureDuct } from '../duct.ts'
import { Outbox } from '../outbox.ts'
import type { CipherState } from './cipher.ts'
import { TAG_BYTES } from './crypto.ts'
import { PartialFrame } from './partial-frame.ts'

/** What a Noise message begins with (libp2p/specs, noise, "Wire Format"): its length, without this. */
export const LENGTH_BYTES = 2
const MOST_TEXT_BYTES = 65_535 - TAG_BYTES

/**
 * Noise messages over a duct, after the handshake. What arrives is decrypted where it lies and handed on frame by
 * frame; a frame that is not genuine ends the connection, and nothing of it is handed on.
 */
export class NoiseDuct implements SecureDuct {
  #reader: DuctReader | undefined
  /** It was over before anyone read. */
  #missed: { error: Error | undefined } | undefined
  readonly #raw: RawDuct
  readonly #receive: CipherState
  readonly #outbox: Outbox
  readonly #partial = new PartialFrame()
  /** What came in one read with the frame at which the reader paused. */
  #rest: Buffer | undefined
  #isPaused = true
  #isDelivering = false
  #endIsPending = false
  #isOver = false

  constructor(raw: RawDuct, { send, receive }: { send: CipherState; receive: CipherState }) {
    this.#raw = raw
    this.#receive = receive
    const seal = (bytes: Buffer, start: number, textBytes: number): void => {
      bytes.writeUInt16BE(textBytes + TAG_BYTES, start)
      send.encrypt(bytes, start + LENGTH_BYTES, textBytes)
    }
    this.#outbox = new Outbox(
      raw,
      { before: LENGTH_BYTES, after: TAG_BYTES, most: MOST_TEXT_BYTES, seal },
      error => this.destroy(error)
    )
    raw.reader = {
      onBytes: bytes => this.#arrived(bytes),
      onDrain: () => this.#reader?.onDrain(),
      onEnd: () => this.#ended(),
      onClose: error => this.#closed(error)
    }
  }

  get reader(): DuctReader | undefined {
    return this.#reader
  }

  set reader(reader: DuctReader | undefined) {
    this.#reader = reader
    const missed = this.#missed
    if (missed === undefined || reader === undefined) return
    this.#missed = undefined
    queueMicrotask(() => reader.onClose(missed.error))
  }

  get full(): boolean {
    return this.#raw.full
  }

  write(bytes: Uint8Array): void {
    try {
      this.#outbox.write(bytes)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  promptly(): void {
    this.#outbox.promptly()
  }

  flush(): void {
    try {
      this.#outbox.flush()
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  end(): void {
    this.flush()
    this.#raw.end()
  }

  destroy(error?: Error): void {
    if (this.#isOver) return
    this.#letGo()
    this.#raw.destroy(error)
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    if (!this.#isDelivering) this.#raw.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#isDelivering) return
    // What is here already comes first, but not while the caller is in the middle of something.
    if (this.#rest === undefined && !this.#endIsPending) this.#raw.resume()
    else queueMicrotask(() => this.#deliverRest())
  }

  #arrived(bytes: Buffer): void {
    if (this.#isOver) return
    // The duct below may still hand on what it has in hand when it is paused.
    if (this.#rest !== undefined) this.#rest = Buffer.concat([this.#rest, bytes])
    else if (this.#isHeld || this.#isDelivering) this.#rest = Buffer.concat([bytes])
    else this.#deliver(bytes, false)
  }

  get #isHeld(): boolean {
    return this.#isPaused || this.#reader === undefined
  }

  #deliverRest(): void {
    const rest = this.#rest
    if (this.#isHeld || this.#isOver || this.#isDelivering) return
    this.#rest = undefined
    if (rest !== undefined) this.#deliver(rest, true)
    if (this.#isHeld || this.#isOver || this.#rest !== undefined) return
    if (this.#endIsPending) this.#ended()
    else this.#raw.resume()
  }

  /** Hands on the frames in it, as far as the reader wants them, and keeps what is left. */
  #deliver(bytes: Buffer, isOurs: boolean): void {
    this.#isDelivering = true
    const at = this.#deliverFrames(bytes)
    this.#isDelivering = false
    if (this.#isOver) return
    if (at < bytes.byteLength) {
      const rest = bytes.subarray(at)
      if (wholeFrame(bytes, at) === undefined) this.#partial.add(rest)
      else if (this.#rest !== undefined) this.#rest = Buffer.concat([rest, this.#rest])
      else this.#rest = isOurs ? rest : Buffer.concat([rest])
    }
    if (this.#isHeld) {
      this.#isPaused = true
      this.#raw.pause()
    } else if (this.#rest !== undefined || this.#endIsPending) {
      queueMicrotask(() => this.#deliverRest())
    }
  }

  /** Gives how many of the bytes it has used. */
  #deliverFrames(bytes: Buffer): number {
    let at = this.#completePartial(bytes)
    while (!this.#isOver && !this.#isHeld) {
      const end = wholeFrame(bytes, at)
      if (end === undefined) break
      this.#deliverFrame(bytes, at, end)
      at = end
    }
    return at
  }

  #completePartial(bytes: Buffer): number {
    const partial = this.#partial
    const has = partial.byteLength
    if (has === 0 || bytes.byteLength === 0) return 0
    const length = (partial.at(0) << 8) | (has === 1 ? bytes[0]! : partial.at(1))
    const end = LENGTH_BYTES + length
    if (has + bytes.byteLength < end) {
      partial.add(bytes)
      return bytes.byteLength
    }
    const page = partial.complete(bytes.subarray(0, end - has))
    this.#deliverFrame(page.bytes, 0, end)
    page.release()
    return end - has
  }

  #deliverFrame(bytes: Buffer, start: number, end: number): void {
    const text = start + LENGTH_BYTES
    let textBytes: number
    try {
      textBytes = this.#receive.decrypt(bytes, text, end - text)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    if (textBytes > 0) this.#reader?.onBytes(bytes.subarray(text, text + textBytes))
  }

  #ended(): void {
    if (this.#isOver) return
    this.#endIsPending = this.#rest !== undefined || this.#isDelivering || this.#reader === undefined
    if (this.#endIsPending) return
    if (this.#partial.byteLength === 0) this.#reader?.onEnd()
    else this.destroy(new InvalidCryptoExchangeError('the connection ended in the middle of a Noise message'))
  }

  #closed(error: Error | undefined): void {
    this.#letGo()
    if (this.#reader === undefined) this.#missed = { error }
    else this.#reader.onClose(error)
  }

  #letGo(): void {
    this.#isOver = true
    this.#outbox.close()
    this.#partial.clear()
    this.#rest = undefined
  }
}

/** Where the frame at `start` ends, if all of it is there. */
function wholeFrame(bytes: Buffer, start: number): number | undefined {
  if (bytes.byteLength - start < LENGTH_BYTES) return undefined
  const end = start + LENGTH_BYTES + ((bytes[start]! << 8) | bytes[start + 1]!)
  return end > bytes.byteLength ? undefined : end
}
