import type { Libp2p } from '@libp2p/interface'
import { getNetConfig } from '@libp2p/utils'
import type { TrafficHints } from '../net/traffic.ts'

/** As js-libp2p names itself, unless an application names itself instead. */
const JS_LIBP2P = /\bjs-libp2p\/|^libp2p\/\d/

/**
 * Tells the meter which peers run js-libp2p: it gives a socket the length of each message and then the message, and the
 * system sends each by itself. Other implementations give both at once.
 */
export function tellSegments(libp2p: Libp2p, traffic: TrafficHints): void {
  libp2p.addEventListener('peer:identify', ({ detail }) => {
    if (detail.connection.limits !== undefined || !JS_LIBP2P.test(detail.agentVersion ?? '')) return
    const { host, port, protocol } = getNetConfig(detail.connection.remoteAddr)
    if (protocol === 'tcp' && port !== undefined) traffic.headersApart(host, port)
  })
}
