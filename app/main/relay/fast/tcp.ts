import type { Transport } from '@libp2p/interface'
import { TCP } from '@multiformats/multiaddr-matcher'
import { DuctTransport, type FastTransportOptions } from './transport.ts'

/** The TCP transport (`/tcp/…`). */
export function fastTcp(options: FastTransportOptions): () => Transport {
  return () => new DuctTransport({ ...options, name: 'tcp', matches: address => TCP.exactMatch(address) })
}
