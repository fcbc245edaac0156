import type { Socket } from 'node:net'
import type { Page } from './duct.ts'

/** What may be on its way to the system before writers are to wait. */
const FULL_BYTES = 512 * 1024
/** What a send costs beside its bytes. */
const SEND_COST_BYTES = 1024
/** Less than this is copied where it has to wait, so that it does not hold a page. */
const SMALL_BYTES = 16 * 1024

export interface SendingInit {
  /** There is room again. */
  drained(): void
  /** Something was given to the socket, or taken by the system. */
  moved?(): void
}

/** Pages on their way through a socket, plain or TLS: given back when they have left. */
export class Sending {
  readonly #socket: Socket
  readonly #init: SendingInit
  #bytes = 0
  #full = false

  constructor(socket: Socket, init: SendingInit) {
    this.#socket = socket
    this.#init = init
  }

  get full(): boolean {
    return this.#full
  }

  send(page: Page, start: number, end: number): void {
    const socket = this.#socket
    // Behind its end a socket takes nothing, and would fail.
    if (!socket.writable) return page.release()
    let bytes = page.bytes.subarray(start, end)
    let held: Page | undefined = page
    if (bytes.byteLength < SMALL_BYTES && socket.writableLength > 0) {
      bytes = Buffer.from(bytes)
      page.release()
      held = undefined
    }
    const cost = bytes.byteLength + SEND_COST_BYTES
    this.#bytes += cost
    if (this.#bytes > FULL_BYTES) this.#full = true
    socket.write(bytes, () => {
      held?.release()
      this.#init.moved?.()
      this.#bytes -= cost
      if (!this.#full || this.#bytes > FULL_BYTES / 2) return
      this.#full = false
      this.#init.drained()
    })
    this.#init.moved?.()
  }
}
