import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createClient, type Client } from '../../support/clients.ts'
import { until } from '../../support/until.ts'

/** So many stock clients, each with a reservation on the relay at that address. They end with their parent. */
const [relay = '', count = '0'] = process.argv.slice(2)
/** As many as connect at a time. */
const AT_ONCE = 4
/** Their own few seconds are few on a machine that is busy with other tests. */
const PATIENCE_MS = 60_000

const clients: Client[] = []
let begun = 0
async function holdMore(): Promise<void> {
  while (begun++ < Number(count)) {
    const client = await createClient({
      options: {
        transports: [webSockets(), circuitRelayTransport({ reservationCompletionTimeout: PATIENCE_MS })],
        connectionManager: {
          dialTimeout: PATIENCE_MS,
          addressDialTimeout: PATIENCE_MS,
          outboundStreamProtocolNegotiationTimeout: PATIENCE_MS
        }
      }
    })
    await client.dial(multiaddr(relay))
    await until('it has a reservation', () => client.getMultiaddrs().length > 0, PATIENCE_MS / 1000)
    clients.push(client)
  }
}

process.on('disconnect', () => process.exit())
await Promise.all(Array.from({ length: AT_ONCE }, holdMore))
process.send?.(
  clients.filter(client => client.getMultiaddrs().length > 0).map(({ peerId }) => peerId.toString())
)
