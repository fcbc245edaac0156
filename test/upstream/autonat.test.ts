import { autoNAT, type AutoNATComponents } from '@libp2p/autonat'
import { autoNATv2, type AutoNATv2Components } from '@libp2p/autonat-v2'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { lpStream } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { reader, writer } from 'protons-runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { V1_PROTOCOL, V2_PROTOCOL } from '../../app/main/relay/reach/autonat.ts'
import { V1Message, V2Message } from '../../app/main/relay/reach/messages.ts'
import { createPlainClient, type Client } from '../support/clients.ts'
import { sleep, until } from '../support/until.ts'

/**
 * Why libp2p's AutoNAT clients do nothing here, its servers stand behind rules of our own, and its marks of
 * verification are not used (app/main/relay/reach). A failure says that one of the reasons is gone.
 */

const running: Client[] = []
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop()
})

type Services = Record<string, (components: never) => unknown>

async function node(services: Services = {}): Promise<Client> {
  const made = await createPlainClient({
    options: {
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
      // Nobody really dials the public addresses of these tests.
      connectionGater: { denyDialMultiaddr: address => !address.toString().startsWith('/ip4/127.') },
      services: { identify: identify(), ...services }
    }
  })
  running.push(made)
  return made
}

const managerOf = (one: Client): AddressManager =>
  (one as unknown as { components: { addressManager: AddressManager } }).components.addressManager

/** The router has mapped every port of the node at 5.6.7.8, as it says: the complete addresses. */
function mapPorts(one: Client): void {
  for (const address of one.getMultiaddrs()) {
    const port = Number(address.getComponents().find(({ name }) => name === 'tcp')?.value)
    managerOf(one).addPublicAddressMapping('127.0.0.1', port, '5.6.7.8', port, 'tcp')
  }
}

const outside = (one: Client): string[] =>
  one
    .getMultiaddrs()
    .map(String)
    .filter(text => text.startsWith('/ip4/5.6.7.8/'))

it('takes every port of an IP address for verified, when one of them is', async () => {
  const one = await node()
  mapPorts(one)
  expect(outside(one)).toEqual([])
  const [mapped] = managerOf(one)
    .getAddressesWithMetadata()
    .filter(({ type }) => type === 'ip-mapping')
  managerOf(one).confirmObservedAddr(mapped?.multiaddr as Multiaddr)
  expect(outside(one)).toHaveLength(2)
})

it('reads a fixed64, such as the nonce of AutoNAT v2, as a signed number', () => {
  const nonce = 2n ** 64n - 1n
  expect(reader(writer().fixed64(nonce).finish()).fixed64()).toBe(-1n)
})

describe('the client', () => {
  /** A peer that says of everything that it dialled it, and dials nothing. */
  async function liar(asked: string[]): Promise<Client> {
    const peer = await node()
    await peer.handle(V2_PROTOCOL, async (stream: Stream) => {
      const frames = lpStream(stream)
      const { dialRequest } = V2Message.decode(await frames.read())
      for (const [addressIndex, address] of (dialRequest?.addrs ?? []).entries()) {
        asked.push(multiaddr(address).toString())
        const dialResponse = { status: 200, addressIndex, dialStatus: 200 }
        await frames.write(V2Message.encode({ dialResponse }))
      }
    })
    return peer
  }

  it('of v2 believes one peer that it dialled back, without having seen the nonce', async () => {
    const one = await node({ v2: autoNATv2() })
    mapPorts(one)
    const asked: string[] = []
    await one.dial((await liar(asked)).getMultiaddrs())
    await until('it was asked', () => asked.length === 2)
    await until('both are believed', () => outside(one).length === 2)
  })

  it('of v2 asks a peer when it connects, and about nothing that comes later', async () => {
    const one = await node({ v2: autoNATv2() })
    const asked: string[] = []
    const peer = await liar(asked)
    await one.dial(peer.getMultiaddrs())
    await until('they know each other', async () =>
      (await one.peerStore.get(peer.peerId)).protocols.includes(V2_PROTOCOL)
    )
    mapPorts(one)
    await sleep(300)
    expect(asked).toEqual([])
  })
})

describe('the server', () => {
  /** Asked from 5.6.7.8, as far as it knows. */
  function elsewhere<C extends { registrar: Registrar }>(components: C, changes: Partial<C> = {}): C {
    const registrar = Object.create(components.registrar) as Registrar
    registrar.handle = async (protocol, handler, options) =>
      components.registrar.handle(
        protocol,
        (stream, connection) => {
          const remoteAddr = multiaddr('/ip4/5.6.7.8/tcp/4001')
          return handler(
            stream,
            new Proxy(connection, {
              get: (target, name): unknown => (name === 'remoteAddr' ? remoteAddr : Reflect.get(target, name))
            })
          )
        },
        options
      )
    return new Proxy(components, {
      get: (target, name): unknown =>
        name === 'registrar' ? registrar : (Reflect.get(changes, name) ?? Reflect.get(target, name))
    })
  }

  const connect = async (server: Client, client: Client): Promise<Connection> =>
    client.dial(server.getMultiaddrs())

  it('of v1 takes the connection it was asked over for its dial back, and closes it', async () => {
    const server = await node({ v1: (components: AutoNATComponents) => autoNAT()(elsewhere(components)) })
    const client = await node()
    const connection = await connect(server, client)
    const frames = lpStream(await connection.newStream(V1_PROTOCOL))
    const dial = {
      id: client.peerId.toMultihash().bytes,
      addrs: [multiaddr('/ip4/5.6.7.8/tcp/4001').bytes]
    }
    await frames.write(V1Message.encode({ type: 0, dial }))
    await until('the connection is closed', () => connection.status !== 'open')
  })

  it('of v2 dials as many addresses as one request lists', async () => {
    const dialled: string[] = []
    const connectionManager = {
      isDialable: async () => true,
      openConnection: async (address: Multiaddr) => {
        dialled.push(address.toString())
        throw new Error('nobody there')
      }
    } as unknown as ConnectionManager
    const server = await node({
      v2: (components: AutoNATv2Components) => autoNATv2()(elsewhere(components, { connectionManager }))
    })
    const connection = await connect(server, await node())
    const frames = lpStream(await connection.newStream(V2_PROTOCOL))
    const addrs = Array.from({ length: 200 }, (_, i) => multiaddr(`/ip4/5.6.7.8/tcp/${i + 1}`).bytes)
    await frames.write(V2Message.encode({ dialRequest: { addrs, nonce: 1n } }))
    await until('it has dialled them all', () => dialled.length === 200)
  })

  it('of v2 dials them for whoever asks, as often as asked', async () => {
    let dials = 0
    const connectionManager = {
      isDialable: async () => true,
      openConnection: async () => {
        dials++
        throw new Error('nobody there')
      }
    } as unknown as ConnectionManager
    const server = await node({
      v2: (components: AutoNATv2Components) => autoNATv2()(elsewhere(components, { connectionManager }))
    })
    const connection = await connect(server, await node())
    const addrs = [multiaddr('/ip4/5.6.7.8/tcp/1').bytes]
    for (let i = 0; i < 100; i++) {
      const frames = lpStream(await connection.newStream(V2_PROTOCOL))
      await frames.write(V2Message.encode({ dialRequest: { addrs, nonce: 1n } }))
      await frames.read()
      frames.unwrap().abort(new Error('seen enough'))
    }
    expect(dials).toBe(100)
  })
})
