import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import {
  connect,
  createListener,
  createPlainClient,
  dialThrough,
  exchange,
  reserve,
  type Client
} from '../support/clients.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const CONNECTS = 5_000
const CLIENTS = 50
/** Requests of a client under way at once: all at once would keep it from taking answers before its own timeouts. */
const AT_ONCE = 20

async function flood(connection: Connection, target: Client): Promise<unknown[]> {
  const statuses: unknown[] = []
  while (statuses.length < CONNECTS / CLIENTS) {
    const requests = Array.from({ length: AT_ONCE }, async () => (await connect(connection, target)).status)
    statuses.push(...(await Promise.all(requests)))
  }
  return statuses
}

/** The clients share the processor with the node, so that it comes late to its work on any machine. */
it('refuses what a flood of connects asks for, keeps what runs, and recovers', async () => {
  await using relay = await startRelay()
  const address = relay.address('tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  const flooders = await Promise.all(Array.from({ length: CLIENTS }, () => createPlainClient()))
  const connections = await Promise.all(flooders.map(each => each.dial(multiaddr(address))))

  // Only now: to make so many clients is a flood of its own.
  relay.change({ 'overload.eventLoopDelayMs': 150 })

  const statuses = (await Promise.all(connections.map(connection => flood(connection, listener)))).flat()

  expect(statuses).toHaveLength(CONNECTS)
  const refused = eventsOf(relay, 'request-denied').filter(({ reason }) => reason === 'overloaded')
  expect(refused.length).toBeGreaterThan(CONNECTS / 2)
  expect(statuses.filter(status => status === Status.RESOURCE_LIMIT_EXCEEDED)).toHaveLength(refused.length)
  expect(await exchange(stream, 100_000)).toBe(true)
  await until('it has recovered', () => relay.node.overload === undefined, 60)
  await using late = await createPlainClient()
  expect((await reserve(await late.dial(multiaddr(address)))).status).toBe(Status.OK)
  await Promise.all(flooders.map(async client => client.stop()))
})

it('refuses by its memory, and takes work again where the limit is lifted', async () => {
  await using relay = await startRelay({ 'overload.memoryBytes': 1024 * 1024 })
  await using client = await createPlainClient()
  const connection = await client.dial(multiaddr(relay.address('tcp')))
  await reserve(connection)
  await until('it is noticed', () => relay.node.overload?.cause === 'memory', 5)

  await using other = await createPlainClient()
  const second = await other.dial(multiaddr(relay.address('tcp')))
  expect((await reserve(second)).status).toBe(Status.RESERVATION_REFUSED)
  expect((await reserve(connection)).status).toBe(Status.OK)
  expect(eventsOf(relay, 'request-denied').map(({ reason }) => reason)).toEqual(['overloaded'])
  relay.change({ 'overload.memoryBytes': 0 })
  expect((await reserve(second)).status).toBe(Status.OK)
})
