import type { Connection, Stream } from '@libp2p/interface'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { AddressManager } from '@libp2p/interface-internal'
import { identify } from '@libp2p/identify'
import { Reach, type ReachComponents } from '../../app/main/relay/reach/reach.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { lpStream } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { V1_PROTOCOL, V2_PROTOCOL } from '../../app/main/relay/reach/autonat.ts'
import { V1Message, V2Message, type DialResponse } from '../../app/main/relay/reach/messages.ts'
import { BYTES, codec, tag } from '../../app/main/relay/protobuf.ts'
import { createPlainClient, reserve, type Client } from '../support/clients.ts'
import { eventsOf, KINDS, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

/** What needs addresses that count as public is in test/net/reach.test.ts. */

const REFUSED = 101
const OTHER_RELAY = '12D3KooWQh2Lr1oyF2VKZSmz5gjtL53BTosmZU3rVxPkQSgSGZDh'
const IDENTIFY = '/ipfs/id/1.0.0'

async function askV2(connection: Connection, addresses: string[]): Promise<V2Message> {
  const frames = lpStream(await connection.newStream(V2_PROTOCOL))
  const signal = AbortSignal.timeout(10_000)
  const addrs = addresses.map(text => multiaddr(text).bytes)
  await frames.write(V2Message.encode({ dialRequest: { addrs, nonce: 1n } }), { signal })
  const answer = V2Message.decode(await frames.read({ signal }))
  frames.unwrap().abort(new Error('seen enough'))
  return answer
}

async function askV1(client: Client, connection: Connection, addresses: string[]): Promise<V1Message> {
  const frames = lpStream(await connection.newStream(V1_PROTOCOL))
  const signal = AbortSignal.timeout(10_000)
  const dial = {
    id: client.peerId.toMultihash().bytes,
    addrs: addresses.map(text => multiaddr(text).bytes)
  }
  await frames.write(V1Message.encode({ type: 0, dial }), { signal })
  const answer = V1Message.decode(await frames.read({ signal }))
  frames.unwrap().abort(new Error('seen enough'))
  return answer
}

describe('the addresses of a node in a private network', () => {
  it.each(KINDS)('are listening, announced and not public (%s)', async kind => {
    await using relay = await startRelay()
    const address = relay.address(kind)

    expect(relay.node.addressStates().find(info => info.address === address)).toMatchObject({
      state: 'listening',
      public: false
    })
    expect(relay.node.addresses.announced).toContain(address)
    expect(eventsOf(relay, 'address-changed').map(info => info.address)).toContain(address)
  })
})

describe('a given address', () => {
  it('is announced, and said to be given', async () => {
    await using relay = await startRelay({ announceIp: ['8.8.4.4'] })
    const given = relay.address('tcp').replace('127.0.0.1', '8.8.4.4')

    expect(relay.node.addressStates()[0]).toMatchObject({ state: 'given', public: true })
    expect(relay.node.addressStates().find(info => info.address === given)?.cause).toMatch(
      /^Given by the settings/
    )
    expect(relay.node.addresses.announced).toContain(given)
  })

  it('instead of those found out leaves these listening, and not announced', async () => {
    const given = '/dns4/relay.example.org/tcp/4001'
    await using relay = await startRelay({ announce: [given] })
    const states = relay.node.addressStates()

    expect(states.find(info => info.state === 'given')?.address).toBe(`${given}/p2p/${relay.node.peerId}`)
    expect(states.find(info => info.address === relay.address('tcp'))?.state).toBe('listening')
    expect(relay.node.addresses.announced).toEqual([`${given}/p2p/${relay.node.peerId}`])
  })

  it('of WebRTC-direct has the hash of the certificate, whether it was given with none, this or another', async () => {
    const other = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'
    const overRelay = `/ip4/8.8.4.4/udp/4004/webrtc-direct/certhash/${other}/p2p/${OTHER_RELAY}/p2p-circuit`
    await using relay = await startRelay({
      'webrtcDirect.enabled': true,
      'listen.ip6': ['::1'],
      announce: [
        '/ip4/8.8.4.4/udp/4004/webrtc-direct',
        `/ip4/8.8.8.8/udp/4004/webrtc-direct/certhash/${other}`,
        overRelay
      ]
    })
    const [, hash] = /\/certhash\/([^/]+)/.exec(relay.address('webrtc')) ?? []
    const { peerId } = relay.node

    expect(hash).not.toBe(other)
    expect(relay.node.addresses.announced).toEqual([
      `/ip4/8.8.4.4/udp/4004/webrtc-direct/certhash/${hash}/p2p/${peerId}`,
      `/ip4/8.8.8.8/udp/4004/webrtc-direct/certhash/${hash}/p2p/${peerId}`
    ])
    const given = relay.node.addressStates().filter(({ state }) => state === 'given')
    expect(given.map(({ address }) => address)).toEqual(
      expect.arrayContaining([...relay.node.addresses.announced, `${overRelay}/p2p/${peerId}`])
    )
  })

  it('instead of those found out is announced beside those of announceIp, which have every open port', async () => {
    const given = '/dns4/relay.example.org/tcp/443/tls/ws'
    await using relay = await startRelay({ announce: [given], announceIp: ['8.8.4.4'] })

    expect(new Set(relay.node.addresses.announced)).toEqual(
      new Set([
        `${given}/p2p/${relay.node.peerId}`,
        ...relay.node.addresses.listening.map(each => each.replace('127.0.0.1', '8.8.4.4'))
      ])
    )
  })
})

describe('a port that the router maps', () => {
  it('is mapped, and not announced, whatever libp2p takes it for', async () => {
    let reach: Reach | undefined
    let manager: AddressManager | undefined
    await using node = await createPlainClient({
      options: {
        addresses: {
          listen: ['/ip4/127.0.0.1/tcp/0'],
          announceFilter: candidates => reach?.announce(candidates) ?? candidates
        },
        services: {
          identify: identify(),
          reach: (components: ReachComponents) => {
            manager = components.addressManager
            const options = { announce: [], announceIp: [], isClient: () => false, changed: () => {} }
            return (reach = new Reach(components, options))
          }
        }
      }
    })
    const port = Number(node.getMultiaddrs()[0]?.getComponents()[1]?.value)
    manager?.addPublicAddressMapping('127.0.0.1', port, '8.8.4.4', 4001)
    const mapped = `/ip4/8.8.4.4/tcp/4001`

    const info = reach?.states().find(({ address }) => address === `${mapped}/p2p/${node.peerId.toString()}`)
    expect(info).toMatchObject({ state: 'mapped', public: true, cause: 'No peer has tried to reach it yet.' })
    manager?.confirmObservedAddr(multiaddr(mapped))
    expect(manager?.getAddressesWithMetadata().find(({ type }) => type === 'ip-mapping')?.verified).toBe(true)
    expect(node.getMultiaddrs().join()).not.toContain('8.8.4.4')
  })
})

describe('what a peer says it sees us at', () => {
  it('is neither announced, nor in a reservation, nor among the states', async () => {
    const invented = multiaddr('/ip4/8.8.4.4/udp/4001/quic-v1')
    await using relay = await startRelay()
    await using liar = await createPlainClient()
    let told = false
    await liar.handle(
      IDENTIFY,
      async (stream: Stream) => {
        await lpStream(stream).write(identifyMessage(liar, invented.bytes))
        await stream.close()
        told = true
      },
      { force: true }
    )
    const connection = await liar.dial(multiaddr(relay.address('tcp')))
    await until('the relay was told', () => told)
    const { reservation } = await reserve(connection)

    expect(reservation?.addrs.map(bytes => multiaddr(bytes).toString()).join()).not.toContain('8.8.4.4')
    expect(relay.node.addresses.all.join()).not.toContain('8.8.4.4')
    expect(JSON.stringify(relay.node.addressStates())).not.toContain('8.8.4.4')
  })
})

/** Identify's message: public key 1, listen addresses 2, protocols 3, observed address 4. */
function identifyMessage(client: Client, observed: Uint8Array): Uint8Array {
  const key = client.peerId.publicKey
  if (key === undefined) throw new Error('no key in the peer id')
  return codec<object>(
    (_value, writer) => {
      tag(writer, 1, BYTES).bytes(publicKeyToProtobuf(key))
      tag(writer, 3, BYTES).string(IDENTIFY)
      tag(writer, 4, BYTES).bytes(observed)
    },
    () => ({}),
    {}
  ).encode({})
}

describe('the AutoNAT servers', () => {
  it.each([
    ['a private address', '/ip4/192.168.1.1/tcp/80'],
    ['a loopback address', '/ip4/127.0.0.1/tcp/80'],
    ['a private IPv6 address', '/ip6/fd00::1/tcp/80'],
    ['a private address behind NAT64', '/ip6/64:ff9b::a00:1/tcp/80'],
    ['a name', '/dns4/example.org/tcp/80'],
    ['a name of many', '/dnsaddr/example.org'],
    ['a private address with a public one behind it', '/ip4/10.0.0.1/tcp/80/ip4/8.8.4.4/tcp/80'],
    ['a transport that it has not', '/ip4/8.8.4.4/udp/4001/webrtc-direct']
  ])('do not dial %s (%s)', async (_what, address) => {
    await using relay = await startRelay()
    await using client = await createPlainClient()
    const connection = await client.dial(multiaddr(relay.address('tcp')))

    const { dialResponse } = await askV2(connection, [address])
    expect(dialResponse).toMatchObject({ status: REFUSED } satisfies Partial<DialResponse>)
    expect((await askV1(client, connection, [address])).response?.status).toBe(REFUSED)
    expect(connection.status).toBe('open')
  })

  it('want data before they dial an address that is not the one they are asked from', async () => {
    await using relay = await startRelay()
    await using client = await createPlainClient()
    const connection = await client.dial(multiaddr(relay.address('tcp')))

    const { dataRequest, dialResponse } = await askV2(connection, ['/ip4/8.8.4.4/tcp/4001'])
    expect(Number(dataRequest?.bytes)).toBeGreaterThanOrEqual(30_000)
    expect(dialResponse).toBeUndefined()
  })

  it('answer twelve requests a minute of one IP address, v1 and v2 together', async () => {
    await using relay = await startRelay()
    await using client = await createPlainClient()
    const connection = await client.dial(multiaddr(relay.address('tcp')))
    const address = ['/ip4/10.0.0.1/tcp/80']

    for (let i = 0; i < 6; i++) {
      expect((await askV2(connection, address)).dialResponse?.status).toBe(REFUSED)
      expect((await askV1(client, connection, address)).response?.status).toBe(REFUSED)
    }
    await expect(askV2(connection, address)).rejects.toThrow()
    await expect(askV1(client, connection, address)).rejects.toThrow()
    expect(connection.status).toBe('open')
  })
})
