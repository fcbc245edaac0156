import { autoNAT } from '@libp2p/autonat'
import { autoNATv2 } from '@libp2p/autonat-v2'
import type { AddressManager } from '@libp2p/interface-internal'
import { tcp } from '@libp2p/tcp'
import { identify, identifyPush } from '@libp2p/identify'
import { autoNatServers } from '../../app/main/relay/reach/servers.ts'
import { createClient } from './clients.ts'
import type { ServerKind } from './reach-network.ts'
import { addressOf, startRelay } from './relay.ts'

/** An AutoNAT server at that IP address, in this process: its address over TCP. */
export async function startServer(kind: ServerKind, ip: string): Promise<string> {
  if (kind === 'ours') {
    const relay = await startRelay({ 'listen.ip4': [ip] })
    return addressOf(relay.node.addresses.listening, 'tcp')
  }
  const services = { identify: identify(), identifyPush: identifyPush() }
  const { autoNATv1 } = autoNatServers({ clock: () => performance.now() })
  const server = await createClient({
    options: {
      // By its agent version it is no js-libp2p, whose own v1 server is not asked.
      ...(kind === 'our v1' && { nodeInfo: { userAgent: 'other/1.0.0' } }),
      addresses: { listen: [`/ip4/${ip}/tcp/0`] },
      transports: [tcp()],
      services: {
        ...services,
        ...(kind.startsWith('stock v1') && { v1: autoNAT() }),
        ...(kind.endsWith('v2') && { v2: autoNATv2() }),
        ...(kind === 'our v1' && { v1: autoNATv1 })
      }
    }
  })
  // Nobody has verified it, so it does not say so itself.
  const { addressManager } = (server as unknown as { components: { addressManager: AddressManager } })
    .components
  const [known] = addressManager.getAddressesWithMetadata()
  return `${String(known?.multiaddr)}/p2p/${server.peerId.toString()}`
}
