import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { MessageStreamDirection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { DuctReader, SecureDuct } from '../../../../../app/main/relay/fast/duct.ts'
import { libp2pLogger } from '../../../../../app/main/relay/quiet-logger.ts'

/** A duct to another in the same process; bytes move when the test says so. */
export class MemoryDuct implements SecureDuct {
  reader: DuctReader | undefined
  peer!: MemoryDuct
  readonly #fullBytes: number
  readonly #queue: Buffer[] = []
  waitingBytes = 0
  full = false
  #paused = true
  #ending = false
  #over = false

  private constructor(fullBytes: number) {
    this.#fullBytes = fullBytes
  }

  static pair(fullBytes = 512 * 1024): [MemoryDuct, MemoryDuct] {
    const a = new MemoryDuct(fullBytes)
    const b = new MemoryDuct(fullBytes)
    a.peer = b
    b.peer = a
    return [a, b]
  }

  get over(): boolean {
    return this.#over
  }

  write(bytes: Uint8Array): void {
    if (this.#over || this.#ending) return
    this.#queue.push(Buffer.from(bytes))
    this.waitingBytes += bytes.byteLength
    if (this.waitingBytes > this.#fullBytes) this.full = true
  }

  flush(): void {}

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  end(): void {
    this.#ending = true
  }

  destroy(error?: Error): void {
    for (const duct of [this, this.peer]) {
      if (duct.#over) continue
      duct.#over = true
      queueMicrotask(() => duct.reader?.onClose(duct === this ? error : undefined))
    }
  }

  /** Hands the other side up to so many bytes, in pieces of that size; says how many. */
  move(most = Infinity, pieceBytes = Infinity): number {
    let moved = 0
    const { peer } = this
    while (moved < most && this.#queue.length > 0 && !peer.#paused && !peer.#over) {
      const first = this.#queue[0] as Buffer
      const piece = first.subarray(0, Math.min(pieceBytes, most - moved))
      if (piece.byteLength === first.byteLength) this.#queue.shift()
      else this.#queue[0] = first.subarray(piece.byteLength)
      this.waitingBytes -= piece.byteLength
      moved += piece.byteLength
      // Memory of the duct's, which is used again: it is not the reader's to keep.
      const lent = Buffer.from(piece)
      peer.reader?.onBytes(lent)
      lent.fill(0xaa)
    }
    if (this.full && this.waitingBytes <= this.#fullBytes / 2) {
      this.full = false
      if (!this.#over) this.reader?.onDrain()
    }
    if (this.#ending && this.#queue.length === 0 && !peer.#over) {
      this.#ending = false
      peer.reader?.onEnd()
    }
    return moved
  }
}

export const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Moves all bytes, and what these bring about, until nothing moves any more. */
export async function settle(duct: MemoryDuct): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    await tick()
    if (duct.move() + duct.peer.move() > 0) quiet = -1
  }
}

const log = libp2pLogger(undefined).forComponent('test')

/** What libp2p knows of a connection whose bytes are its muxer's; like connection.ts. */
export class BareConnection extends AbstractMultiaddrConnection {
  protected readonly duct: MemoryDuct

  constructor(duct: MemoryDuct, direction: MessageStreamDirection) {
    super({ remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'), direction, log })
    this.duct = duct
  }

  sendData(_data: Uint8ArrayList): SendResult {
    throw new Error('carries no bytes')
  }

  sendReset(): void {
    this.duct.destroy()
  }

  async sendClose(): Promise<void> {
    this.duct.end()
  }

  sendPause(): void {}
  sendResume(): void {}
}

/** A connection of libp2p's over a duct, for muxers of libp2p's. */
export class CarryingConnection extends BareConnection {
  constructor(duct: MemoryDuct, direction: MessageStreamDirection) {
    super(duct, direction)
    duct.reader = {
      onBytes: bytes => this.onData(new Uint8Array(bytes)),
      onDrain: () => this.safeDispatchEvent('drain'),
      onEnd: () => this.onTransportClosed(),
      onClose: error => this.onTransportClosed(error)
    }
    duct.resume()
  }

  override sendData(data: Uint8ArrayList): SendResult {
    this.duct.write(data.subarray())
    return { sentBytes: data.byteLength, canSendMore: !this.duct.full }
  }
}
