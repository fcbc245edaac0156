import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { DIAL_TIMEOUT_MS } from './node.ts'
import { messageOf } from './words.ts'

export type PathState =
  | { name: 'relayed' | 'direct' | 'lost' }
  /** Stays on the relay. */
  | { name: 'relayed-only'; why: string }

/** The way to another page: first through the relay, then straight to it as soon as that works. */
export class Path {
  readonly peer: PeerId
  readonly #node: Libp2p
  readonly #changed: (state: PathState) => void
  readonly #listening = new AbortController()
  #whyNotDirect: string | undefined
  #told = ''

  constructor(node: Libp2p, peer: PeerId, changed: (state: PathState) => void) {
    this.#node = node
    this.peer = peer
    this.#changed = changed
    const look = ({ detail }: CustomEvent<Connection>): void => {
      if (detail.remotePeer.equals(peer)) this.#look()
    }
    const { signal } = this.#listening
    node.addEventListener('connection:open', look, { signal })
    node.addEventListener('connection:close', look, { signal })
    this.#look()
  }

  /** Tells nothing more. */
  forget(): void {
    this.#listening.abort()
  }

  /** The connection to use now: a direct one, if there is one. */
  get connection(): Connection | undefined {
    const open = this.#node.getConnections(this.peer).filter(({ status }) => status === 'open')
    return open.find(({ direct }) => direct) ?? open[0]
  }

  async newStream(protocol: string): Promise<Stream> {
    const connection = this.connection
    if (connection === undefined) throw new Error('The other side is gone.')
    // A relay may limit time and bytes; protocols that bear that say so.
    return connection.newStream(protocol, { runOnLimitedConnection: true })
  }

  /** Has both browsers exchange what WebRTC needs, over the relay. Where that fails, the relayed connection stays. */
  async goDirect(relayedAddress: string): Promise<void> {
    this.#whyNotDirect = undefined
    this.#look()
    try {
      const address = multiaddr(relayedAddress.replace(/\/p2p-circuit\//, '/p2p-circuit/webrtc/'))
      // By force, because a connection to that peer exists: the relayed one.
      await this.#node.dial(address, { force: true, signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
      // The introduction is over: this gives the circuit back to the relay.
      const connections = this.#node.getConnections(this.peer)
      await Promise.all(connections.filter(({ direct }) => !direct).map(relayed => relayed.close()))
    } catch (error) {
      this.#whyNotDirect = messageOf(error)
      this.#look()
    }
  }

  #look(): void {
    const state = this.#state()
    const told = JSON.stringify(state)
    if (told === this.#told) return
    this.#told = told
    this.#changed(state)
  }

  #state(): PathState {
    const connection = this.connection
    if (connection === undefined) return { name: 'lost' }
    if (connection.direct) return { name: 'direct' }
    return this.#whyNotDirect === undefined
      ? { name: 'relayed' }
      : { name: 'relayed-only', why: this.#whyNotDirect }
  }
}

/** Connects to another page by its address over a relay. */
export async function dialRelayed(node: Libp2p, address: string): Promise<PeerId> {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  const { remotePeer } = await node.dial(multiaddr(address), { signal })
  return remotePeer
}
