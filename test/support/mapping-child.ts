import {
  portMapping,
  type PortMappingOptions,
  type PortMapping
} from '../../app/main/relay/mapping/service.ts'
import { NetworkWatch } from '../../app/main/relay/network-watch.ts'
import { Arrivals } from '../../app/main/relay/fast/arrivals.ts'
import { certificateIn } from '../../app/main/relay/webrtc/certificate.ts'
import { loadNativeWebRtc } from '../../app/main/relay/webrtc/native.ts'
import { webRtcDirect } from '../../app/main/relay/webrtc/transport.ts'
import { createPlainClient } from './clients.ts'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import type { Libp2pOptions } from 'libp2p'

/**
 * A node with the port mapping of ours and a relay, in a process that a test can put into another network. It reports
 * each state, and takes `on`, `off`, `stop` and `addresses`; it ends with its parent.
 */

type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]
type Options = Omit<PortMappingOptions, 'changed' | 'watch'> & { listen: string[] }
const { listen, ...options } = JSON.parse(process.argv[2] ?? '{}') as Options

/** The node's own, which adds the hash of its certificate to what is forwarded. */
async function webRtc(): Promise<TransportFactory> {
  const native = await loadNativeWebRtc()
  const certificate = await certificateIn(undefined, () => {})
  const arrivals = new Arrivals({ clock: () => performance.now() }, { pending: 100, perIpPerSecond: 100 })
  return webRtcDirect({ native, certificate, arrivals, windowBytes: 1024 * 1024, bothFamilies: false })
}

const changed: PortMappingOptions['changed'] = info => process.send?.({ info })
const watch = new NetworkWatch()
const node = await createPlainClient({
  options: {
    addresses: { listen },
    ...(listen.some(address => address.includes('webrtc-direct')) && { transports: [tcp(), await webRtc()] }),
    start: false,
    services: {
      identify: identify(),
      relay: circuitRelayServer(),
      networkWatch: () => watch,
      mapping: portMapping({ ...options, changed, watch })
    }
  }
})
const mapping = node.services['mapping'] as PortMapping

process.on('message', (message: string) => {
  if (message === 'stop') void Promise.resolve(node.stop()).then(() => process.exit())
  else if (message === 'addresses') process.send?.({ addresses: addresses() })
  else mapping.setEnabled(message === 'on')
})
process.on('disconnect', () => process.exit())
await node.start()
process.send?.({ peer: node.peerId.toString(), listening: node.getMultiaddrs().map(String) })

/** As the address manager has them, and whether they are verified. */
function addresses(): { address: string; type: string; verified: boolean }[] {
  const { addressManager } = (node as unknown as { components: { addressManager: Manager } }).components
  return addressManager
    .getAddressesWithMetadata()
    .map(({ multiaddr, type, verified }) => ({ address: multiaddr.toString(), type, verified }))
}

interface Manager {
  getAddressesWithMetadata(): { multiaddr: { toString(): string }; type: string; verified: boolean }[]
}
