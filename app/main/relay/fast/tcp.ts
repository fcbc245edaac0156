import type { Transport } from '@libp2p/interface'
import { TCP } from '@multiformats/multiaddr-matcher'
import { DuctTransport, type FastTransportOptions } from './transport.ts'

/** The TCP transport (`/tcp/…`). */
export function fastTcp({ arrivals, upgrade }: FastTransportOptions): () => Transport {
  return () =>
    new DuctTransport({ name: 'tcp', arrivals, upgrade, matches: address => TCP.exactMatch(address) })
}
