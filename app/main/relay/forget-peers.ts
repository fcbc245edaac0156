import type { Libp2p, PeerId } from '@libp2p/interface'

/** Peers that others told of are forgotten by the peer store itself, but only when it is read through. */
const READ_THROUGH_EVERY = 20

type Node = Pick<Libp2p, 'peerStore' | 'getConnections' | 'addEventListener' | 'removeEventListener'>

interface ForgetOptions {
  /** How long a peer that left may come back before it is forgotten. */
  graceMs?: number
  lookEveryMs?: number
}

/**
 * libp2p remembers every peer it has stored for at least an hour: on a busy relay that is all of its memory. This
 * forgets those that left, but for the ones that `keep` wants (DHT servers, providers); most were never stored.
 * Returns what ends it.
 */
export function forgetPeersThatLeft(
  node: Node,
  isStored: (peer: PeerId) => boolean,
  keep: (peer: PeerId) => Promise<boolean>,
  { graceMs = 60_000, lookEveryMs = 30_000 }: ForgetOptions = {}
): () => void {
  const left = new Map<string, { peer: PeerId; at: number }>()
  let looks = 0
  const onLeft = ({ detail: peer }: CustomEvent<PeerId>): void => {
    if (isStored(peer)) left.set(peer.toString(), { peer, at: performance.now() })
  }

  async function look(): Promise<void> {
    const now = performance.now()
    for (const [key, { peer, at }] of left) {
      if (now - at < graceMs) break
      left.delete(key)
      if (node.getConnections(peer).length > 0 || (await keep(peer))) continue
      await node.peerStore.delete(peer)
    }
    if (++looks % READ_THROUGH_EVERY === 0) await node.peerStore.forEach(() => {}, {})
  }

  node.addEventListener('peer:disconnect', onLeft)
  // A peer that cannot be forgotten now is tried again when it next leaves.
  const timer = setInterval(() => void look().catch(() => {}), lookEveryMs)
  return () => {
    clearInterval(timer)
    node.removeEventListener('peer:disconnect', onLeft)
  }
}
