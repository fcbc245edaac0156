import { NotFoundError, type Peer, type PeerData, type PeerId, type PeerStore } from '@libp2p/interface'

/**
 * Where we hold on to libp2p's peer store, which has no options for this (test/upstream/libp2p.test.ts). libp2p notes
 * the protocol of every stream there, with five locks, two encodings and a sort each. Who serves what is known from
 * identify, so those notes are left out, and peers that are known by nothing else have no entry.
 */
export class LeanPeerStore {
  readonly #self: PeerId
  /** Everyone who may have an entry. */
  #stored = new Set<string>()

  /** Changes the peer store. It must be empty still. */
  constructor(peerStore: PeerStore, self: PeerId) {
    this.#self = self
    this.#wrapWrites(peerStore)
    this.#wrapReads(peerStore)
  }

  /** Whether a peer may have an entry: false is certain. */
  mayHave(peer: PeerId): boolean {
    return this.#stored.has(peer.toString())
  }

  #wrapWrites(peerStore: PeerStore): void {
    for (const name of ['save', 'patch', 'merge'] as const) {
      const write = peerStore[name].bind(peerStore)
      peerStore[name] = async (peer, data, options) => {
        if (name === 'merge' && isNote(data) && !peer.equals(this.#self)) return stranger(peer)
        this.#stored.add(peer.toString())
        return write(peer, data, options)
      }
    }
    const remove = peerStore.delete.bind(peerStore)
    peerStore.delete = async (peer, options) => {
      if (!this.mayHave(peer)) return
      await remove(peer, options)
      if (!peer.equals(this.#self)) this.#stored.delete(peer.toString())
    }
  }

  #wrapReads(peerStore: PeerStore): void {
    const get = peerStore.get.bind(peerStore)
    const has = peerStore.has.bind(peerStore)
    const forEach = peerStore.forEach.bind(peerStore)
    peerStore.get = async (peer, options) => {
      if (!this.mayHave(peer)) throw unknown
      return get(peer, options)
    }
    peerStore.has = async (peer, options) => this.mayHave(peer) && has(peer, options)
    // What upstream drops while it reads, because it is old, is dropped here too.
    peerStore.forEach = async (visit, query) => {
      const before = this.#stored
      const written = (this.#stored = new Set([this.#self.toString()]))
      try {
        await forEach(peer => {
          written.add(peer.id.toString())
          visit(peer)
        }, query)
      } catch (error) {
        for (const name of before) written.add(name)
        throw error
      }
    }
  }
}

/** One for all: to find out where it was made would cost more than all else that is done with it. */
const unknown = new NotFoundError()

/** The note of a stream's protocol, as libp2p's connections make it. */
function isNote(data: PeerData): boolean {
  return data.protocols?.length === 1 && Object.keys(data).length === 1
}

const stranger = (id: PeerId): Peer => ({
  id,
  addresses: [],
  protocols: [],
  metadata: new Map(),
  tags: new Map()
})
