import { setImmediate as turn } from 'node:timers/promises'
import type { Side, SideSink } from '../../../../app/main/relay/circuit/side.ts'

/** What the two ends of a circuit do with it. */

/** From this size on a write is bulk. Smaller ones are messages: each goes by itself, as an app's would. */
const BULK_BYTES = 16 * 1024
/** How often a paced sender looks whether a write is due, and how many it makes up for that it was late with. */
const PACE_MS = 5
const WRITES_LATE = 4

/** The taken ends: they count what comes, and send it back where they are told to. */
export class Sinks {
  bytes = 0
  echoes = false

  take(side: Side): void {
    side.join({
      onBytes: bytes => {
        this.bytes += bytes.byteLength
        if (this.echoes) side.write(bytes)
        side.credit(bytes.byteLength)
      },
      onEnd: () => void side.finish().catch(() => {}),
      onClose: () => {},
      onWritable: () => {}
    })
  }
}

/** Writes as fast as is taken, or so many bytes a second, until it is stopped. */
export class Pump {
  readonly #side: Side
  readonly #chunk: Uint8Array
  #wakes: PromiseWithResolvers<void> | undefined
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(side: Side, writeBytes: number, bytesPerSecond?: number) {
    this.#side = side
    this.#chunk = new Uint8Array(writeBytes).fill(7)
    const paced = bytesPerSecond !== undefined
    const bulk = writeBytes >= BULK_BYTES && !paced
    side.join(
      listener({
        onWritable: () => (bulk ? this.#pour() : this.#wakes?.resolve()),
        onClose: () => this.#stop(),
        credit: bytes => side.credit(bytes)
      })
    )
    if (paced) this.#keepPace(bytesPerSecond)
    else if (bulk) this.#pour()
    else void this.#drip()
  }

  async finish(): Promise<void> {
    this.#stop()
    await this.#side.finish()
  }

  #stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#wakes?.resolve()
  }

  #pour(): void {
    for (let room = this.#side.sendable; room > 0 && !this.#stopped; room = this.#side.sendable) {
      this.#write(room)
    }
  }

  /** A whole write, or what there is room for: a side tells of new room only where there was none. */
  #write(room: number): number {
    const bytes = room < this.#chunk.byteLength ? this.#chunk.subarray(0, room) : this.#chunk
    this.#side.write(bytes)
    return bytes.byteLength
  }

  #keepPace(bytesPerSecond: number): void {
    const whole = this.#chunk.byteLength
    let [due, at] = [0, performance.now()]
    this.#timer = setInterval(() => {
      const now = performance.now()
      due = Math.min(due + ((now - at) / 1000) * bytesPerSecond, WRITES_LATE * whole)
      at = now
      while (due >= whole && this.#side.sendable > 0) due -= this.#write(this.#side.sendable)
    }, PACE_MS)
  }

  /** One message a turn of the event loop: clients that gather writes would send a bulk of them as one frame. */
  async #drip(): Promise<void> {
    for (;;) {
      while (this.#side.sendable === 0 && !this.#stopped) {
        this.#wakes = Promise.withResolvers()
        await this.#wakes.promise
      }
      if (this.#stopped) return
      this.#write(this.#side.sendable)
      await turn()
    }
  }
}

/** Milliseconds that each of the round trips took which fit into that time. The other end must echo. */
export async function roundTrips(side: Side, bytes: number, seconds: number): Promise<number[]> {
  const message = new Uint8Array(bytes)
  const took: number[] = []
  const until = performance.now() + seconds * 1000
  const done = Promise.withResolvers<void>()
  let [since, missing] = [performance.now(), bytes]
  side.join(
    listener({
      onBytes: received => {
        missing -= received.byteLength
        if (missing > 0) return
        const now = performance.now()
        took.push(now - since)
        if (now >= until) return done.resolve()
        missing = bytes
        since = now
        side.write(message)
      },
      onClose: () => done.reject(new Error('the circuit ended')),
      credit: count => side.credit(count)
    })
  )
  side.write(message)
  await done.promise
  return took
}

function listener({ credit, ...rest }: Partial<SideSink> & { credit: (bytes: number) => void }): SideSink {
  return {
    onEnd: () => {},
    onClose: () => {},
    onWritable: () => {},
    ...rest,
    onBytes: bytes => {
      rest.onBytes?.(bytes)
      credit(bytes.byteLength)
    }
  }
}
