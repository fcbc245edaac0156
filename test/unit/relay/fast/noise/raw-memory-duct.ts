import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { MessageStreamDirection } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { DuctReader, Page, RawDuct } from '../../../../../app/main/relay/fast/duct.ts'
import { libp2pLogger } from '../../../../../app/main/relay/quiet-logger.ts'

/** A duct to another in the same process. Bytes arrive a turn later, however the test cuts them. */
export class RawMemoryDuct implements RawDuct {
  reader: DuctReader | undefined
  readonly headroom = 14
  full = false
  peer!: RawMemoryDuct
  /** How large the next piece that arrives here is. */
  pieceBytes = (): number => Infinity
  /** What happens to bytes on their way here. */
  alter = (bytes: Buffer): Buffer => bytes
  pagesSent = 0
  isOver = false
  isPaused = true
  #waiting = Buffer.alloc(0)
  #isEnding = false
  #isScheduled = false

  static pair(): [RawMemoryDuct, RawMemoryDuct] {
    const a = new RawMemoryDuct()
    const b = new RawMemoryDuct()
    a.peer = b
    b.peer = a
    return [a, b]
  }

  send(page: Page, start: number, end: number): void {
    const { peer } = this
    this.pagesSent++
    if (!this.isOver && !peer.isOver) {
      peer.put(peer.alter(Buffer.from(page.bytes.subarray(start, end))))
      // The bytes before are ours, and the page is somebody else's after this.
      page.bytes.fill(0xee, start - this.headroom, end)
    }
    page.release()
  }

  /** Lets bytes arrive here. */
  put(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes])
    this.#schedule()
  }

  unshift(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([bytes, this.#waiting])
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#schedule()
  }

  end(): void {
    this.peer.#isEnding = true
    this.peer.#schedule()
  }

  destroy(error?: Error): void {
    for (const duct of [this, this.peer]) {
      if (duct.isOver) continue
      duct.isOver = true
      setImmediate(() => duct.reader?.onClose(duct === this ? error : undefined))
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (!this.isPaused && !this.isOver && this.reader !== undefined && this.#waiting.byteLength > 0) {
      const lent = Buffer.from(this.#waiting.subarray(0, this.pieceBytes()))
      this.#waiting = this.#waiting.subarray(lent.byteLength)
      this.reader.onBytes(lent)
      // It is used again for something else.
      lent.fill(0xaa)
    }
    if (this.#isEnding && this.#waiting.byteLength === 0 && !this.isPaused && !this.isOver) {
      this.#isEnding = false
      this.reader?.onEnd()
    }
  }
}

/** Keeps all that it is told. */
export class Recorder implements DuctReader {
  readonly received: Buffer[] = []
  readonly closed = Promise.withResolvers<Error | undefined>()
  ends = 0
  drains = 0
  closes = 0
  /** Called with each piece, once it was kept. */
  onPiece = (_bytes: Buffer): void => {}

  get bytes(): Buffer {
    return Buffer.concat(this.received)
  }

  onBytes(bytes: Buffer): void {
    const kept = Buffer.from(bytes)
    this.received.push(kept)
    // Readers may write over it.
    bytes.fill(0x55)
    this.onPiece(kept)
  }

  onDrain(): void {
    this.drains++
  }

  onEnd(): void {
    this.ends++
  }

  onClose(error?: Error): void {
    this.closes++
    this.closed.resolve(error)
  }
}

const log = libp2pLogger(undefined).forComponent('test')

/** libp2p's view of a duct, for the libraries of its own. */
export class DuctStream extends AbstractMultiaddrConnection {
  readonly #duct: RawMemoryDuct

  constructor(duct: RawMemoryDuct, direction: MessageStreamDirection) {
    super({ remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'), direction, log })
    this.#duct = duct
    duct.reader = {
      onBytes: bytes => this.onData(new Uint8Array(bytes)),
      onDrain: () => this.safeDispatchEvent('drain'),
      onEnd: () => this.onTransportClosed(),
      onClose: error => this.onTransportClosed(error)
    }
    duct.resume()
  }

  sendData(data: Uint8ArrayList): SendResult {
    const bytes = Buffer.concat([Buffer.alloc(this.#duct.headroom), data.subarray()])
    this.#duct.send({ bytes, release: () => {} }, this.#duct.headroom, bytes.byteLength)
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset(): void {
    this.#duct.destroy()
  }

  async sendClose(): Promise<void> {
    this.#duct.end()
  }

  sendPause(): void {
    this.#duct.pause()
  }

  sendResume(): void {
    this.#duct.resume()
  }
}

export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Until it holds; the test's own time is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}
