import type { DuctReader, Page, RawDuct } from '../../../../../app/main/relay/fast/duct.ts'

/** A duct whose other side is the test. */
export class MemoryRaw implements RawDuct {
  reader: DuctReader | undefined
  headroom = 3
  full = false
  paused = true
  ended = false
  over = false
  #sent: Buffer[] = []
  #unread: Uint8Array[] = []

  /** What was sent so far. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  takeSent(): Buffer {
    const { sent } = this
    this.#sent = []
    return sent
  }

  send(page: Page, start: number, end: number): void {
    this.#sent.push(Buffer.from(page.bytes.subarray(start, end)))
    page.release()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    const unread = Buffer.concat(this.#unread)
    this.#unread = []
    if (unread.byteLength > 0) this.arrive(unread)
  }

  unshift(bytes: Uint8Array): void {
    this.#unread.unshift(Buffer.from(bytes))
  }

  end(): void {
    this.ended = true
  }

  destroy(error?: Error): void {
    if (this.over) return
    this.over = true
    this.reader?.onClose(error)
  }

  /** Hands over bytes in memory that is used again at once, at an odd place of it. */
  arrive(bytes: Uint8Array, offset = 1): void {
    const memory = Buffer.alloc(bytes.byteLength + offset)
    memory.set(bytes, offset)
    this.reader?.onBytes(memory.subarray(offset))
    memory.fill(0xaa)
  }
}

/** Keeps what a duct tells. */
export class Heard implements DuctReader {
  readonly pieces: Buffer[] = []
  ended = 0
  drained = 0
  closed: (Error | undefined)[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }

  onBytes(bytes: Buffer): void {
    this.pieces.push(Buffer.from(bytes))
  }

  onDrain(): void {
    this.drained++
  }

  onEnd(): void {
    this.ended++
  }

  onClose(error?: Error): void {
    this.closed.push(error)
  }
}
