import type { MessageStreamDirection } from '@libp2p/interface'
import type { Logger } from '@libp2p/logger'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SecureDuct } from './duct.ts'

interface FastConnectionInit {
  duct: SecureDuct
  remoteAddr: Multiaddr
  direction: MessageStreamDirection
  log: Logger
}

/** A connection as libp2p knows it. Its bytes pass between the duct and the muxer: it carries none of its own. */
export class FastConnection extends AbstractMultiaddrConnection {
  readonly #duct: SecureDuct

  constructor({ duct, ...init }: FastConnectionInit) {
    super(init)
    this.#duct = duct
  }

  sendData(): never {
    throw new Error('this connection carries streams only')
  }

  sendReset(): void {
    this.#duct.destroy()
  }

  async sendClose(): Promise<void> {
    this.#duct.flush()
    this.#duct.end()
  }

  // Flow control is each stream's own.
  sendPause(): void {}
  sendResume(): void {}
}
