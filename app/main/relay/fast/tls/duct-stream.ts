import { Duplex } from 'node:stream'
import type { RawDuct } from '../duct.ts'
import { Outbox, unsealed } from '../outbox.ts'

/** A duct as one of Node's streams, for TLS over what is no socket: slower, as every byte passes through JavaScript. */
export class DuctStream extends Duplex {
  readonly #duct: RawDuct
  readonly #outbox: Outbox
  #isWanted = false
  #drained: (() => void) | undefined

  constructor(duct: RawDuct) {
    super({ allowHalfOpen: false })
    this.#duct = duct
    this.#outbox = new Outbox(duct, unsealed, error => this.destroy(error))
    duct.reader = {
      onBytes: bytes => {
        this.#isWanted = false
        // The stream may ask for more before it has answered.
        if (!this.push(Buffer.from(bytes)) && !this.#isWanted) duct.pause()
      },
      onDrain: () => this.#goOn(),
      onEnd: () => this.push(null),
      onClose: error => {
        // What has arrived is still to be read, unless the connection failed.
        if (error !== undefined) return void this.destroy(error)
        this.push(null)
        this.#goOn()
      }
    }
  }

  override _read(): void {
    this.#isWanted = true
    this.#duct.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#outbox.write(chunk)
    if (this.#duct.full) this.#drained = done
    else done()
  }

  override _final(done: () => void): void {
    this.#outbox.flush()
    this.#duct.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#outbox.close()
    this.#duct.destroy(error ?? undefined)
    this.#goOn()
    done(error)
  }

  #goOn(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }
}
