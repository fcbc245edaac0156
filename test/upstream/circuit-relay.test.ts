import { circuitRelayServer, type CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import { createPlainClient, reserve, type Client } from '../support/clients.ts'
import { sleep, until } from '../support/until.ts'

/**
 * Why the relay server is ours (app/main/relay/circuit) and not @libp2p/circuit-relay-v2's, which only the tests'
 * clients use. A failure says that one of the reasons is gone.
 */

type Stock = Libp2p<{ identify: unknown; relay: CircuitRelayService }>
const running: { stop: () => unknown }[] = []
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop()
})

async function stock(): Promise<Stock> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), relay: circuitRelayServer() }
  })
  running.push(node)
  return node
}

async function client(): Promise<Client> {
  const peer = await createPlainClient()
  running.push(peer)
  return peer
}

it('never dispatches relay:reservation', async () => {
  const node = await stock()
  let events = 0
  node.services.relay.addEventListener('relay:reservation', () => events++)
  const connection = await (await client()).dial(node.getMultiaddrs())
  expect((await reserve(connection)).status).toBe(100)
  await sleep(100)
  expect(node.services.relay.reservations.size).toBe(1)
  expect(events).toBe(0)
})

it('sends limit.duration in milliseconds, where the wire has seconds', async () => {
  const node = await stock()
  const connection = await (await client()).dial(node.getMultiaddrs())
  const { limit } = await reserve(connection)
  expect(limit?.duration).toBe(120_000)
})

it("keeps a reservation after its peer's last connection", async () => {
  const node = await stock()
  const peer = await client()
  await reserve(await peer.dial(node.getMultiaddrs()))
  await peer.stop()
  await until('the peer has left', () => node.getPeers().length === 0)
  await sleep(100)
  expect(node.services.relay.reservations.size).toBe(1)
})

it('keeps the old expiry of a reservation that is renewed', async () => {
  const node = await stock()
  const peer = await client()
  const connection = await peer.dial(node.getMultiaddrs())
  await reserve(connection)
  const expiry = node.services.relay.reservations.get(peer.peerId)?.expiry.getTime()
  await sleep(50)
  await reserve(connection)
  expect(node.services.relay.reservations.get(peer.peerId)?.expiry.getTime()).toBe(expiry)
})

it('stays shut down after stop() and start(), which switches its limits off', async () => {
  const node = await stock()
  await node.stop()
  await node.start()
  const { shutdownController } = node.services.relay as unknown as { shutdownController: AbortController }
  expect(shutdownController.signal.aborted).toBe(true)
})
