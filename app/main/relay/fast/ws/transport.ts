import type { Transport } from '@libp2p/interface'
import { getNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import { DuctTransport, type FastTransportOptions } from '../transport.ts'
import { acceptWebSocket, greetWebSocket } from './handshake.ts'

/** The WebSocket transport (`/tcp/…/ws`), without TLS: `/tls/ws` and `/wss` are none of its addresses. */
export function fastWebSockets({ arrivals, upgrade }: FastTransportOptions): () => Transport {
  return () =>
    new DuctTransport({
      name: 'websockets',
      arrivals,
      upgrade,
      matches: isWebSocketOverTcp,
      addressOf: tcp => tcp.encapsulate('/ws'),
      accept: acceptWebSocket,
      greet: (duct, address, signal) => greetWebSocket(duct, hostOf(address), signal)
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
