import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'

/** How long it may take to reach someone, at most. */
export const DIAL_TIMEOUT_MS = 12_000

/** @param stunServers such as `stun:stun.example.org:3478`: by them a browser learns its address behind a router */
export function createNode(stunServers: readonly string[]): Promise<Libp2p> {
  const iceServers = stunServers.length === 0 ? [] : [{ urls: [...stunServers] }]
  return createLibp2p({
    // Reserves on the relay that it is connected to, and can be dialled over it: as it is, and to go direct.
    addresses: { listen: ['/p2p-circuit', '/webrtc'] },
    transports: [
      webSockets(),
      webRTCDirect(),
      webRTC({ rtcConfiguration: { iceServers } }),
      circuitRelayTransport()
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Of its 6 s for an address, WebRTC may need more: ways are tried one after another.
    connectionManager: { addressDialTimeout: DIAL_TIMEOUT_MS, dialTimeout: DIAL_TIMEOUT_MS },
    // In browsers js-libp2p refuses plain WebSocket and private addresses unless told otherwise: a relay at home has both.
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), identifyPush: identifyPush(), ping: ping() }
  })
}
