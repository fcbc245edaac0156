import type { Connection, IdentifyResult, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { lpStream } from '@libp2p/utils'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { ConnectionCheck, type CheckComponents } from '../../app/main/relay/connection-check.ts'
import { keepConnectionList } from '../../app/main/relay/connection-list.ts'
import { IdentifyMessage } from '../../app/main/relay/identify/message.ts'
import { Identify, type IdentifyComponents } from '../../app/main/relay/identify/service.ts'
import { LeanPeerStore } from '../../app/main/relay/lean-peer-store.ts'
import { createPlainClient, type Client, type ClientOptions } from '../support/clients.ts'
import { until } from '../support/until.ts'

/** A node with what RelayNode puts in the place of libp2p's parts, and no more. */
async function leanNode() {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    nodeInfo: { name: 'lean', version: '1', userAgent: 'lean/1' },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: (components: IdentifyComponents) => {
        keepConnectionList(components.connectionManager, components.events)
        return new Identify(components, { protocolVersion: 'test/1' })
      },
      ping: ping(),
      connectionCheck: (components: CheckComponents) =>
        new ConnectionCheck(components, { everyMs: 100, mostPerSecond: 100, timeoutMs: 300 })
    }
  })
  new LeanPeerStore(libp2p.peerStore, libp2p.peerId)
  const told: IdentifyResult[] = []
  libp2p.addEventListener('peer:identify', ({ detail }) => told.push(detail))
  return Object.assign(libp2p, { told, [Symbol.asyncDispose]: async () => libp2p.stop() })
}

type LeanNode = Awaited<ReturnType<typeof leanNode>>

async function clientOf(node: LeanNode, options: ClientOptions = {}) {
  const client = await createPlainClient(options)
  const told: IdentifyResult[] = []
  client.addEventListener('peer:identify', ({ detail }) => told.push(detail))
  const connection = await client.dial(node.getMultiaddrs())
  return Object.assign(client, { told, connection })
}

it('and js-libp2p tell each other who they are, and what has changed', async () => {
  await using node = await leanNode()
  await using client = await clientOf(node)
  await until('each knows the other', () => node.told.length === 1 && client.told.length === 1)
  expect(client.told[0]).toMatchObject({ agentVersion: 'lean/1', protocolVersion: 'test/1' })
  expect(client.told[0]?.protocols).toEqual(node.getProtocols())
  expect(client.told[0]?.signedPeerRecord?.addresses.map(String)).toEqual(
    client.told[0]?.listenAddrs.map(String)
  )
  const seenAt = client.told[0]?.observedAddr?.toString()
  expect(seenAt).toBe(node.getConnections()[0]?.remoteAddr.toString())
  expect(node.told[0]?.agentVersion).toMatch(/js-libp2p/)
  expect(node.told[0]?.protocols).toEqual(client.getProtocols())
  expect(await node.peerStore.has(client.peerId)).toBe(false)

  await Promise.all([node.handle('/node/new', () => {}), client.handle('/client/new', () => {})])
  await until('each knows what is new', () =>
    [node, client].every(({ told }) =>
      told.some(({ protocols }) => protocols.some(name => name.endsWith('/new')))
    )
  )
})

it('takes an answer in several messages, and none that is of another', async () => {
  await using node = await leanNode()
  const answer = async (stream: Stream, ...messages: Partial<IdentifyMessage>[]): Promise<void> => {
    const frames = lpStream(stream)
    for (const message of messages) {
      await frames.write(IdentifyMessage.encode({ listenAddrs: [], protocols: [], ...message }))
    }
    await stream.close()
  }
  const options = { transports: [tcp()], services: { ping: ping() } }
  await using client = await createPlainClient({ options })
  const publicKey = client.peerId.toMultihash().digest
  await client.handle('/ipfs/id/1.0.0', async stream =>
    answer(stream, { publicKey, protocols: ['/a'] }, { protocols: ['/b'], agentVersion: 'two/1' })
  )
  await using liar = await createPlainClient({ options })
  await liar.handle('/ipfs/id/1.0.0', async stream => answer(stream, { publicKey, agentVersion: 'liar/1' }))
  await liar.dial(node.getMultiaddrs())
  await client.dial(node.getMultiaddrs())
  await until('one is known', () => node.told.length > 0)
  expect(node.told.map(({ agentVersion, protocols }) => [agentVersion, protocols])).toEqual([
    ['two/1', ['/a', '/b']]
  ])
})

it('ends the connection of a peer that no longer answers, and no other', async () => {
  await using node = await leanNode()
  const hangs: Client = await clientOf(node)
  await hangs.unhandle('/ipfs/ping/1.0.0')
  await hangs.handle('/ipfs/ping/1.0.0', () => {})
  await using answers = await clientOf(node)
  await using silent = await clientOf(node, { options: { transports: [tcp()], services: {} } })
  await until('one has gone', () => node.getConnections().length === 2)
  await new Promise(done => setTimeout(done, 1500))
  expect(new Set(node.getPeers().map(String))).toEqual(
    new Set([answers.peerId.toString(), silent.peerId.toString()])
  )
  await hangs.stop()
})

it('lists the connections that libp2p has', async () => {
  await using node = await leanNode()
  const clients: Client[] = []
  const both = (): [Connection[], Connection[]] => {
    const manager = (node as unknown as { components: IdentifyComponents }).components.connectionManager
    const upstream = [...manager.getConnectionsMap().values()].flat()
    const byId = (a: Connection, b: Connection): number => (a.id < b.id ? -1 : 1)
    return [node.getConnections().sort(byId), upstream.sort(byId)]
  }
  for (let i = 0; i < 4; i++) clients.push(await clientOf(node))
  await clients[0]?.dial(node.getMultiaddrs(), { force: true })
  await until('all are there', () => node.getConnections().length === 5)
  expect(both()[0]).toEqual(both()[1])
  for (const client of clients) {
    const left = node.getConnections().length - client.getConnections().length
    await client.stop()
    await until('it has left', () => node.getConnections().length === left)
    expect(both()[0]).toEqual(both()[1])
  }
})
