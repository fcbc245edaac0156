import type { TLSSocket } from 'node:tls'
import type { ReadSeen } from '../../../net/tcp-socket.ts'
import type { SecureDuct } from '../duct.ts'
import { Outbox, unsealed, type Seal } from '../outbox.ts'
import { TlsSocketDuct } from './tls-socket-duct.ts'

/** Whole records, where a page has room for a few bytes more that would be one of their own. */
const records: Seal = { ...unsealed, most: 8 * 16 * 1024 }

/** A TLS socket by which the other side has proved who it is. Made before the handshake. */
export class TlsDuct extends TlsSocketDuct implements SecureDuct {
  readonly #outbox: Outbox

  constructor(socket: TLSSocket, carrier?: ReadSeen) {
    super(socket, carrier)
    this.#outbox = new Outbox(this, records, error => this.destroy(error))
  }

  write(bytes: Uint8Array): void {
    this.#outbox.write(bytes)
  }

  flush(): void {
    this.#outbox.flush()
  }

  override end(): void {
    this.#outbox.flush()
    super.end()
  }

  protected override closed(): void {
    this.#outbox.close()
  }
}
