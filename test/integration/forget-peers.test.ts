import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { forgetPeersThatLeft } from '../../app/main/relay/forget-peers.ts'
import { createClient, createPlainClient } from '../support/clients.ts'
import { until } from '../support/until.ts'

it('forgets peers that left, but not those to keep or those that are back', async () => {
  await using node = await createClient({
    options: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()] }
  })
  const [address] = node.getMultiaddrs()
  await using kept = await createPlainClient()
  await using back = await createPlainClient()
  await using gone = await createPlainClient()
  const stop = forgetPeersThatLeft(
    node,
    () => true,
    async peer => peer.equals(kept.peerId),
    {
      graceMs: 300,
      lookEveryMs: 20
    }
  )
  for (const client of [kept, back, gone]) await client.dial(multiaddr(address))
  await until('all are known', async () => (await node.peerStore.all()).length === 3)

  await Promise.all([kept, back, gone].map(client => client.hangUp(node.peerId)))
  await back.dial(multiaddr(address))

  await until('one is forgotten', async () => (await node.peerStore.all()).length === 2)
  expect(await node.peerStore.has(gone.peerId)).toBe(false)
  stop()
})
