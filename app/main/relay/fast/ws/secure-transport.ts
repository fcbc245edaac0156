import type { CreateListenerOptions, Transport } from '@libp2p/interface'
import { WebSockets, WebSocketsSecure } from '@multiformats/multiaddr-matcher'
import {
  SharedListener,
  SharedPath,
  type SharedTls,
  type SharedWebSocketsOptions
} from './shared-listener.ts'

export interface SecureWebSocketsOptions extends Omit<SharedWebSocketsOptions, 'front'> {
  /** Without it nothing is listened on. */
  front: SharedTls | undefined
}

/** WebSocket over TLS (`/tcp/…/tls/ws`): upstream's transport dials, the shared listener listens. */
export function secureWebSockets(
  upstream: Transport,
  { front, ...options }: SecureWebSocketsOptions
): Transport {
  const path = front && new SharedPath(front)
  const dialFilter = upstream.dialFilter.bind(upstream)
  return Object.assign(upstream, {
    dialFilter: (addresses: Parameters<Transport['dialFilter']>[0]) =>
      dialFilter(addresses).filter(address => !WebSockets.exactMatch(address)),
    listenFilter: (addresses: Parameters<Transport['listenFilter']>[0]) =>
      path === undefined ? [] : addresses.filter(address => WebSocketsSecure.exactMatch(address)),
    createListener: ({ upgrader }: CreateListenerOptions) => {
      if (front === undefined || path === undefined) throw new Error('there is no TLS to share')
      return new SharedListener({ ...options, front, path, upgrader })
    }
  })
}
