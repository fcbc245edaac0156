import { Uint8ArrayList } from 'uint8arraylist'

/** What a piece of data costs in objects, however short it is. */
const PIECE_BYTES = 200
const SLACK_BYTES = 256 * 1024

/**
 * Bytes that wait to be passed on. A sender may hand them over one by one, each a view of a buffer much larger
 * than it: then they are copied together, so that they take memory by their number and not by their pieces'.
 */
export class Backlog {
  readonly #list = new Uint8ArrayList()
  /** At most so much memory is held; what was taken out is counted until the next copy. */
  #heldBytes = 0
  #latest: ArrayBufferLike | undefined

  get byteLength(): number {
    return this.#list.byteLength
  }

  append(data: Uint8Array | Uint8ArrayList): void {
    for (const piece of data instanceof Uint8Array ? [data] : data) {
      this.#heldBytes += PIECE_BYTES
      if (piece.buffer !== this.#latest) this.#heldBytes += piece.buffer.byteLength
      this.#latest = piece.buffer
      this.#list.append(piece)
    }
    if (this.#heldBytes > 2 * this.byteLength + SLACK_BYTES) this.#compact()
  }

  /** The first bytes, which are no longer held. */
  take(bytes: number): Uint8ArrayList {
    const first = this.#list.sublist(0, bytes)
    this.#list.consume(bytes)
    if (this.byteLength === 0) this.clear()
    return first
  }

  clear(): void {
    this.#list.consume(this.byteLength)
    this.#heldBytes = 0
    this.#latest = undefined
  }

  #compact(): void {
    const whole = this.#list.slice()
    this.clear()
    this.#list.append(whole)
    this.#heldBytes = whole.byteLength
  }
}
