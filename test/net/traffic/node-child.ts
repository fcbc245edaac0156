import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { pino } from 'pino'
import { createPublicHttp } from '../../../app/main/net/public-http.ts'
import { TrafficMeter } from '../../../app/main/net/traffic.ts'
import { createBus } from '../../../app/main/observe/events.ts'
import { RelayNode } from '../../../app/main/relay/node.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'
import { addressOf, KINDS, unlimited } from '../../support/relay.ts'
import { PROTOCOL } from '../../support/dht-node.ts'

/**
 * A node with its traffic meter and its public pages. Answers each message with the totals, and ends with its parent.
 * Where the message asks for it, it sends datagrams first, and waits for their echo.
 */
export interface NodeTask {
  datagrams?: { count: number; ip: string; port: number }
}

const ip = process.argv[2] ?? ''
const listen: Partial<Settings> = ip.includes(':')
  ? { 'listen.ip4': [], 'listen.ip6': [ip] }
  : { 'listen.ip4': [ip], 'listen.ip6': [] }
const settings: Settings = { ...defaultsOf('server'), ...unlimited, ...listen, 'dht.protocol': PROTOCOL }

const meter = new TrafficMeter({ clock: () => performance.now() })
meter.start()
const privateKey = await generateKeyPair('Ed25519')
const node = new RelayNode(
  { privateKey, bus: createBus(), warn: text => console.error(text), traffic: meter },
  { settings, version: '0.0.0' }
)
await node.start()
const http = createPublicHttp(
  {
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    identity: () => ({
      peer_id: node.peerId,
      addresses: node.addresses.all,
      protocol_version: node.protocolVersion,
      agent_version: node.agentVersion
    }),
    health: () => ({ alive: true, listening: true, draining: false, reasons: [] })
  },
  { hosts: [ip], port: 0, requestsPerIpPerMinute: 0 }
)
await http.start()

async function exchange({ count, ip: remote, port }: NonNullable<NodeTask['datagrams']>): Promise<void> {
  const socket = createSocket(remote.includes(':') ? 'udp6' : 'udp4')
  for (let i = 0; i < count; i++) {
    const echo = once(socket, 'message')
    socket.send(Buffer.alloc(100), port, remote)
    await echo
  }
  socket.close()
}

process.on('message', message => {
  const { datagrams } = message as NodeTask
  void Promise.resolve(datagrams && exchange(datagrams)).then(() => process.send?.(meter.totals()))
})
process.on('disconnect', () => process.exit())
const addresses = Object.fromEntries(KINDS.map(kind => [kind, addressOf(node.addresses.listening, kind)]))
process.send?.({ ...addresses, http: http.addresses()[0] })
