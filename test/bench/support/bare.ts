import type { Joinable } from '../../../app/main/relay/circuit/frames.ts'
import type { Side } from '../../../app/main/relay/circuit/side.ts'

/** The least that joins two sides: it stops reading at a full writer, and counts, limits and shapes nothing. */
export function bareJoin(source: Joinable, target: Joinable): void {
  const [there, back] = [new Way(source, target.side), new Way(target, source.side)]
  for (const [from, way, other] of [
    [source, there, back],
    [target, back, there]
  ] as const)
    from.side.join({
      onBytes: bytes => way.take(bytes),
      onEnd: () => way.end(),
      onClose: error => error !== undefined && way.abort(error),
      onWritable: () => other.flush()
    })
  there.flush()
  back.flush()
}

/** One direction. What there is no room for waits, uncredited. */
class Way {
  readonly #from: Joinable
  readonly #to: Side
  #ended: boolean

  constructor(from: Joinable, to: Side) {
    this.#from = from
    this.#to = to
    this.#ended = from.ended
  }

  take(bytes: Uint8Array): void {
    const { side, early } = this.#from
    const now = early.byteLength > 0 ? 0 : Math.min(bytes.byteLength, this.#to.sendable)
    if (now > 0) {
      this.#to.write(bytes.subarray(0, now))
      side.credit(now)
    }
    if (now < bytes.byteLength) early.append(bytes.subarray(now))
  }

  end(): void {
    this.#ended = true
    this.flush()
  }

  abort(error: Error): void {
    this.#to.abort(error)
  }

  flush(): void {
    const { side, early } = this.#from
    while (early.byteLength > 0 && this.#to.sendable > 0) {
      const bytes = early.peek(this.#to.sendable)
      this.#to.write(bytes)
      early.drop(bytes.byteLength)
      side.credit(bytes.byteLength)
    }
    if (!this.#ended || early.byteLength > 0) return
    this.#ended = false
    void this.#to.finish().catch(() => {})
  }
}
