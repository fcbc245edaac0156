import { quic } from '@chainsafe/libp2p-quic'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/** The stock js relay, its limits lifted. Tells its parent its addresses, and ends with it. */
const libp2p = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/quic-v1'] },
  transports: [tcp({ backlog: 1024 }), webSockets(), quic()],
  connectionEncrypters: [noise(), tls()],
  streamMuxers: [yamux()],
  connectionManager: {
    maxConnections: Infinity,
    inboundConnectionThreshold: Infinity,
    maxIncomingPendingConnections: Infinity
  },
  services: {
    identify: identify(),
    relay: circuitRelayServer({
      maxInboundHopStreams: Infinity,
      maxOutboundHopStreams: Infinity,
      maxOutboundStopStreams: Infinity,
      reservations: { maxReservations: Infinity, applyDefaultLimit: false }
    })
  }
})
process.on('disconnect', () => process.exit())
process.send?.(libp2p.getMultiaddrs().map(String))
