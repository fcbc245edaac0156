import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { dhtClient } from '../../support/dht-node.ts'
import { arrivesWhole, FlowPeer } from '../../support/flow.ts'
import { RawPeer } from '../../support/raw.ts'
import type { Kind } from '../../support/relay.ts'

/** Clients of the node in node-child.ts: do what their parent says, then answer `done`. They echo datagrams. */

const MiB = 1024 * 1024
const SOMEBODY = peerIdFromString('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')

export type Addresses = Record<Kind | 'http', string>
export interface Work {
  kind: Kind
  /** MiB through a circuit, one way and at the same time another. */
  bulk?: number
  /** MiB through a circuit, one way. */
  oneWay?: number
  /** Connections that reserve and go. */
  visits?: number
  /** Short messages through a circuit, one way, each by itself. */
  messages?: number
  /** Questions to the DHT, over TCP. */
  queries?: number
  /** Requests to the public page: one after the other, each on a connection of its own or all on one. */
  requests?: { count: number; keepAlive: boolean }
}

const addresses = JSON.parse(process.argv[2] ?? '{}') as Addresses
const ip = process.argv[3] ?? ''

async function bulk(address: string, megabytes: number): Promise<void> {
  await using a = await FlowPeer.create(address, { reserved: true })
  await using b = await FlowPeer.create(address, { reserved: true })
  const bytes = megabytes * MiB
  const whole = await Promise.all([
    arrivesWhole(await a.flowTo(b, { bytes }), 120),
    arrivesWhole(await b.flowTo(a, { bytes }), 120)
  ])
  if (!whole.every(Boolean)) throw new Error('what arrived is not what was sent')
}

async function oneWay(address: string, megabytes: number): Promise<void> {
  await using target = await FlowPeer.create(address, { reserved: true })
  await using source = await FlowPeer.create(address)
  const flow = await source.flowTo(target, { bytes: megabytes * MiB })
  if (!(await arrivesWhole(flow, 120))) throw new Error('what arrived is not what was sent')
}

async function visits(address: string, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const peer = await RawPeer.reserved(address)
    await peer[Symbol.asyncDispose]()
  }
}

async function messages(address: string, count: number): Promise<void> {
  await using target = await RawPeer.reserved(address)
  await using source = await RawPeer.create(address)
  const end = await source.open(target)
  for (let sent = 1; sent <= count; sent++) {
    end.sendBytes(100)
    await target.taken[0]?.receives(sent * 100)
  }
}

async function queries(address: string, count: number): Promise<void> {
  const client = await dhtClient({ ip })
  await client.dial(multiaddr(address))
  const { peerRouting, contentRouting } = client
  for (let asked = 0; asked < count; asked += 2) {
    await all(peerRouting.getClosestPeers(SOMEBODY.toMultihash().bytes))
    await all(contentRouting.findProviders(SOMEBODY.toCID()))
  }
  await client.stop()
}

async function all(answers: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const answer of answers) count += answer === undefined ? 0 : 1
  return count
}

async function requests({ count, keepAlive }: NonNullable<Work['requests']>): Promise<void> {
  const headers = keepAlive ? undefined : { connection: 'close' }
  for (let i = 0; i < count; i++) {
    const response = await fetch(`${addresses.http}/api/v1/identity`, { headers })
    if (!response.ok) throw new Error(`status ${response.status}`)
    await response.text()
  }
}

async function work(asked: Work): Promise<void> {
  const address = addresses[asked.kind]
  await Promise.all([
    asked.bulk && bulk(address, asked.bulk),
    asked.oneWay && oneWay(address, asked.oneWay),
    asked.visits && visits(address, asked.visits),
    asked.messages && messages(address, asked.messages),
    asked.queries && queries(addresses.tcp, asked.queries),
    asked.requests && requests(asked.requests)
  ])
}

process.on('message', message => void work(message as Work).then(() => process.send?.('done')))
process.on('disconnect', () => process.exit())

const echo = createSocket(ip.includes(':') ? 'udp6' : 'udp4').bind(0, ip)
echo.on('message', (message, { port, address }) => echo.send(message, port, address))
await once(echo, 'listening')
process.send?.({ ip, port: echo.address().port })
