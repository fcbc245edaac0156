import type { Transport } from '@libp2p/interface'
import { TCP } from '@multiformats/multiaddr-matcher'
import type { Upgrade } from './listener.ts'
import { DuctTransport } from './transport.ts'

/** The TCP transport (`/tcp/…`). */
export function fastTcp({ upgrade }: { upgrade: Upgrade }): () => Transport {
  return () => new DuctTransport({ name: 'tcp', upgrade, matches: address => TCP.exactMatch(address) })
}
