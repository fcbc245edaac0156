import type { Libp2p } from 'libp2p'
import type { NodeBus } from '../observe/events.ts'

export interface PeerEventsComponents {
  libp2p: Pick<Libp2p, 'addEventListener' | 'getPeers'>
  bus: NodeBus
  /** Whether that peer is a client of the self-test. */
  isOwn: (peer: string) => boolean
}

/** Who comes and goes. Clients of the self-test are nobody. */
export class PeerEvents {
  readonly #libp2p: PeerEventsComponents['libp2p']
  readonly #own = new Set<string>()

  /** Begins to listen to libp2p, for as long as that is there. */
  constructor({ libp2p, bus, isOwn }: PeerEventsComponents) {
    this.#libp2p = libp2p
    libp2p.addEventListener('peer:connect', ({ detail }) => {
      const peer = detail.toString()
      if (isOwn(peer)) this.#own.add(peer)
      else bus.emit('peer-connected', { peer })
    })
    libp2p.addEventListener('peer:disconnect', ({ detail }) => {
      const peer = detail.toString()
      if (!this.#own.delete(peer)) bus.emit('peer-disconnected', { peer })
    })
  }

  /** Ids of those that are connected. */
  connected(): string[] {
    const peers = this.#libp2p.getPeers().map(String)
    return this.#own.size === 0 ? peers : peers.filter(peer => !this.#own.has(peer))
  }
}
