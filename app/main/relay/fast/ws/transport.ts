import type { Transport } from '@libp2p/interface'
import { getNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import { TrustedProxies } from '../../../net/forwarded.ts'
import { DuctTransport, type FastTransportOptions } from '../transport.ts'
import type { WsBounds } from './bounds.ts'
import { acceptWebSocket, greetWebSocket } from './handshake.ts'

export interface FastWebSocketsOptions extends FastTransportOptions {
  bounds?: WsBounds
}

/** The WebSocket transport (`/tcp/…/ws`), without TLS: `/tls/ws` and `/wss` are none of its addresses. */
export function fastWebSockets(options: FastWebSocketsOptions): () => Transport {
  const { bounds, proxies = new TrustedProxies([]) } = options
  return () =>
    new DuctTransport({
      ...options,
      name: 'websockets',
      matches: isWebSocketOverTcp,
      addressOf: tcp => tcp.encapsulate('/ws'),
      accept: (duct, peer, signal) => acceptWebSocket(duct, { peer, proxies }, signal, { bounds }),
      greet: (duct, address, signal) => greetWebSocket(duct, hostOf(address), signal, { bounds })
    })
}

/** The matcher takes addresses without a port, or over UDP, too. */
function isWebSocketOverTcp(address: Multiaddr): boolean {
  return WebSockets.exactMatch(address) && address.getComponents().some(({ name }) => name === 'tcp')
}

function hostOf(address: Multiaddr): string {
  const { host, port, type } = getNetConfig(address)
  return `${type === 'ip6' ? `[${host}]` : host}:${port}`
}
