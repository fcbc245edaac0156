import { KEEP_ALIVE } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { createApp } from '../support/app.ts'
import {
  createClient,
  createListener,
  createPlainClient,
  dialThrough,
  exchange,
  reserve
} from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { addressOf, eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const portOf = (address: string): number => Number(/\/tcp\/(\d+)/.exec(address)?.[1])

it('sends reserved clients away one by one, and one that has a circuit when that has ended', async () => {
  await using relay = await startRelay()
  const address = relay.address('tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  const clients = await Promise.all([createPlainClient(), createPlainClient(), createPlainClient()])
  for (const client of clients) await reserve(await client.dial(multiaddr(address)))
  const { reservations } = relay.node.relay
  const left: number[] = []
  relay.bus.on('reservation-ended', () => left.push(reservations.size))

  const draining = relay.node.relay.drain(6_000)
  await until('those without a circuit are gone', () => reservations.size === 1)
  await until('their connections are closed', () => clients.every(each => each.getConnections().length === 0))

  expect(left).toEqual([3, 2, 1])
  expect(await exchange(stream, 1000)).toBe(true)
  await dialer.hangUp(listener.peerId)
  expect(await draining).toBe(true)
  expect(eventsOf(relay, 'reservation-ended').map(({ reason }) => reason)).toEqual(Array(4).fill('drained'))
  expect(eventsOf(relay, 'circuit-closed')).toHaveLength(1)
  await Promise.all(clients.map(async client => client.stop()))
})

it('tells how many clients are left while it drains', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir)
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  const clients = await Promise.all([createPlainClient(), createPlainClient(), createPlainClient()])
  for (const client of clients) await reserve(await client.dial(multiaddr(address)))
  const told: unknown[] = []
  app.events.listen(
    ({ value }) => told.push((value as { reservationsLeft?: number }).reservationsLeft),
    ['mode-changed']
  )

  await app.drain(4)

  expect(told).toContain(3)
  expect(told).toContain(1)
  expect(app.mode).toMatchObject({ mode: 'draining', circuitsLeft: 0, reservationsLeft: 0 })
  await app.stop()
  await Promise.all(clients.map(async client => client.stop()))
})

it('sends clients that look for relays by themselves to another one', async () => {
  await using first = await startRelay()
  await using second = await startRelay()
  const clients = await Promise.all([createClient(), createClient()])
  for (const client of clients) await client.dial(multiaddr(first.address('tcp')))
  await until('both have reserved', () => first.node.relay.reservations.size === 2)
  for (const client of clients) await client.dial(multiaddr(second.address('tcp')))
  expect(second.node.relay.reservations.size).toBe(0)

  await first.node.relay.drain(1_000)

  await until('the other relay has them', () => second.node.relay.reservations.size === 2, 20)
  await Promise.all(clients.map(async client => client.stop()))
})

it('has the reservations of its clients again after a restart, where they keep to their relay', async () => {
  await using folder = await temporaryFolder()
  const { app: first } = createApp(folder.dir)
  await first.start()
  const address = addressOf(first.addresses, 'tcp')
  const listeners = await Promise.all([1, 2, 3].map(() => createListener(address)))
  // js-libp2p dials again whom its app wants to keep; that it then reserves is its own doing.
  const relay = peerIdFromString(first.peerId)
  for (const each of listeners) await each.peerStore.merge(relay, { tags: { [KEEP_ALIVE]: {} } })
  await first.drain(1)
  await first.stop()

  const { app: second } = createApp(folder.dir, { 'tcp.port': portOf(address) })
  await second.start()
  expect(second.addresses).toContain(address)

  await until('they hold reservations', () => second.node.relay.reservations.size === 3, 30)
  await second.stop()
  await Promise.all(listeners.map(async client => client.stop()))
})
