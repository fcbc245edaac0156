/** Memory is held in pieces of this size: little is lost on a circuit that holds a few bytes. */
const BLOCK_BYTES = 16 * 1024
/** Blocks kept for the next circuit that has to hold something. */
const MOST_KEPT = 256

const free: Buffer[] = []

/** Bytes of a circuit that wait for their reader, copied into blocks of memory that all circuits share. */
export class Held {
  readonly #blocks: Buffer[] = []
  /** Where the first byte is in the first block, and where the next goes in the last. */
  #first = 0
  #next = BLOCK_BYTES
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  append(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#next === BLOCK_BYTES) {
        this.#blocks.push(free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES))
        this.#next = 0
      }
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#next)
      this.#blocks.at(-1)?.set(part, this.#next)
      this.#next += part.byteLength
      at += part.byteLength
    }
  }

  /** The first bytes, at most so many; they lie there until `drop`. */
  peek(bytes: number): Uint8Array {
    const [block] = this.#blocks
    if (block === undefined) return EMPTY
    return block.subarray(this.#first, Math.min(this.#first + Math.min(bytes, this.#bytes), BLOCK_BYTES))
  }

  /** Lets go of the first bytes. */
  drop(bytes: number): void {
    this.#bytes -= bytes
    this.#first += bytes
    if (this.#bytes === 0) return this.clear()
    for (; this.#first >= BLOCK_BYTES; this.#first -= BLOCK_BYTES) this.#giveBack(this.#blocks.shift())
  }

  /** The byte at that place; undefined behind the last. */
  at(place: number): number | undefined {
    if (place >= this.#bytes) return undefined
    const at = this.#first + place
    return this.#blocks[Math.floor(at / BLOCK_BYTES)]?.[at % BLOCK_BYTES]
  }

  /** A copy of the first bytes, or of all where there are fewer. */
  copy(bytes: number): Buffer {
    const copy = Buffer.allocUnsafe(Math.min(bytes, this.#bytes))
    let at = 0
    for (let block = 0; at < copy.byteLength; block++) {
      at += this.#blocks[block]?.copy(copy, at, block === 0 ? this.#first : 0) ?? copy.byteLength
    }
    return copy
  }

  clear(): void {
    for (const block of this.#blocks.splice(0)) this.#giveBack(block)
    this.#first = 0
    this.#next = BLOCK_BYTES
    this.#bytes = 0
  }

  #giveBack(block: Buffer | undefined): void {
    if (block === undefined) return
    if (free.length < MOST_KEPT) free.push(block)
    // Freed at once: the collector would let many times what is held pile up, and what it frees late is not given back.
    else (block.buffer as ArrayBuffer).transfer(0)
  }
}

const EMPTY = new Uint8Array(0)
