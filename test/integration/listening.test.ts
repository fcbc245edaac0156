import { createSocket } from 'node:dgram'
import { once, setMaxListeners } from 'node:events'
import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import type { Listener } from '../../app/main/relay/listening.ts'
import { AppError } from '../../app/shared/errors.ts'
import { defaultsOf, keys, type Settings } from '../../app/shared/settings.ts'
import { createPlainClient, reserve, type Client } from '../support/clients.ts'
import { RawPeer } from '../support/raw.ts'
import { KINDS, startRelay, type Kind } from '../support/relay.ts'
import { until } from '../support/until.ts'

interface TakenPort extends AsyncDisposable {
  port: number
}

/** A port that another program has. */
async function takePort(kind: Kind): Promise<TakenPort> {
  if (kind === 'quic') {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return {
      port: socket.address().port,
      [Symbol.asyncDispose]: () => new Promise(done => socket.close(done))
    }
  }
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { port, [Symbol.asyncDispose]: () => new Promise(done => void server.close(() => done())) }
}

async function startError(settings: Partial<Settings>, askedFor: Listener[] = []): Promise<AppError> {
  try {
    const relay = await startRelay(settings, { askedFor: new Set(askedFor) })
    await relay.node.stop()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('it started')
}

const portSetting = (kind: Kind): `${Kind}.port` => `${kind}.port`
const onlyTcp = { 'quic.enabled': false, 'ws.enabled': false }

describe.each(KINDS)('when the port of %s is taken', kind => {
  const others = KINDS.filter(other => other !== kind)

  it('the others go on, and a warning names the setting and the way out', async () => {
    await using taken = await takePort(kind)
    await using relay = await startRelay({ [portSetting(kind)]: taken.port })

    expect(relay.warnings).toHaveLength(1)
    expect(relay.warnings[0]).toContain(`port ${taken.port}`)
    expect(relay.warnings[0]).toContain('127.0.0.1')
    expect(relay.warnings[0]).toContain(`setting ${kind}.port`)
    expect(relay.warnings[0]).toContain(`--${kind}-port`)
    expect(() => relay.address(kind)).toThrow()
    for (const other of others) {
      await using peer = await RawPeer.create(relay.address(other))
      expect((await peer.reserve()).status).toBe(Status.OK)
    }
  })

  it('the start fails where that transport was asked for', async () => {
    await using taken = await takePort(kind)
    const error = await startError({ [portSetting(kind)]: taken.port }, [kind])
    expect(error.code).toBe('port-in-use')
    expect(error.details).toMatchObject({ setting: `${kind}.port`, port: taken.port })
    expect(error.message).toContain(`setting ${kind}.port`)
  })

  it('the start goes on where another transport was asked for', async () => {
    await using taken = await takePort(kind)
    const askedFor = new Set(others)
    await using relay = await startRelay({ [portSetting(kind)]: taken.port }, { askedFor })
    expect(relay.warnings).toHaveLength(1)
  })
})

it('fails when all ports are taken, and leaves nothing open', async () => {
  await using tcp = await takePort('tcp')
  await using quic = await takePort('quic')
  await using ws = await takePort('ws')
  const error = await startError({ 'tcp.port': tcp.port, 'quic.port': quic.port, 'ws.port': ws.port })
  expect(error.code).toBe('port-in-use')
  expect(error.details.setting).toMatch(/^(tcp|quic|ws)\.port$/)
})

it('frees its ports when the start fails', async () => {
  await using free = await takePort('tcp')
  await free[Symbol.asyncDispose]()
  await using quic = await takePort('quic')
  await startError({ 'tcp.port': free.port, 'quic.port': quic.port }, ['quic'])
  await using relay = await startRelay({ 'tcp.port': free.port })
  expect(relay.address('tcp')).toContain(`/tcp/${free.port}/`)
})

it('does not take the ports of a node that runs', async () => {
  await using first = await startRelay()
  const port = Number(/\/tcp\/(\d+)/.exec(first.address('tcp'))?.[1])
  const error = await startError({ 'tcp.port': port }, ['tcp'])
  expect(error.code).toBe('port-in-use')
  await using peer = await RawPeer.create(first.address('tcp'))
  expect((await peer.reserve()).status).toBe(Status.OK)
})

describe('an address that this machine does not have', () => {
  it.each(KINDS)('stops the start when it is the only one (%s)', async kind => {
    const off = Object.fromEntries(KINDS.map(other => [`${other}.enabled`, other === kind]))
    const error = await startError({ ...off, 'listen.ip4': ['192.0.2.1'] })
    expect(error.code).toBe('address-unusable')
    expect(error.details.setting).toBe('listen.ip4')
    expect(error.message).toContain('192.0.2.1')
    expect(error.message).toContain('this machine has no such address')
  })

  it('is warned of beside one that it has', async () => {
    await using relay = await startRelay({ ...onlyTcp, 'listen.ip4': ['192.0.2.1', '127.0.0.1'] })
    expect(relay.warnings).toHaveLength(1)
    expect(relay.warnings[0]).toMatch(/192\.0\.2\.1.*listen\.ip4/)
    await using peer = await RawPeer.create(relay.address('tcp'))
    expect((await peer.reserve()).status).toBe(Status.OK)
  })

  it('stops the start where the transport was asked for', async () => {
    const error = await startError({ ...onlyTcp, 'listen.ip4': ['192.0.2.1', '127.0.0.1'] }, ['tcp'])
    expect(error.code).toBe('address-unusable')
  })
})

it('says so when no transport is switched on', async () => {
  const off = { 'tcp.enabled': false, 'quic.enabled': false, 'ws.enabled': false }
  expect((await startError(off)).code).toBe('nothing-to-listen-on')
})

it.each(KINDS)('listens on %s alone when the others are off', async kind => {
  const off = Object.fromEntries(KINDS.map(other => [`${other}.enabled`, other === kind]))
  await using relay = await startRelay(off)
  expect(relay.node.addresses.listening).toEqual([relay.address(kind)])
  await using peer = await RawPeer.create(relay.address(kind))
  expect((await peer.reserve()).status).toBe(Status.OK)
})

it('shares one port number between TCP and QUIC', async () => {
  await using free = await takePort('tcp')
  await free[Symbol.asyncDispose]()
  await using relay = await startRelay({ 'tcp.port': free.port, 'quic.port': free.port })
  expect(relay.warnings).toEqual([])
  expect(relay.address('tcp')).toContain(`/tcp/${free.port}/`)
  expect(relay.address('quic')).toContain(`/udp/${free.port}/`)
})

describe('announced addresses', () => {
  /** What identify told a client, without the relay's id. */
  async function identified(address: string, peerId: string): Promise<string[]> {
    await using client = await createPlainClient()
    const { remotePeer } = await client.dial(multiaddr(address))
    let known: string[] = []
    await until('identify is done', async () => {
      const peer = await client.peerStore.get(remotePeer)
      known = peer.addresses.map(({ multiaddr: known }) => known.toString().replace(`/p2p/${peerId}`, ''))
      return peer.protocols.length > 0
    })
    return known
  }

  async function reserved(address: string, peerId: string): Promise<string[]> {
    await using peer = await RawPeer.create(address)
    const { reservation } = await peer.reserve()
    return (reservation?.addrs ?? []).map(bytes => multiaddr(bytes).toString().replace(`/p2p/${peerId}`, ''))
  }

  it('by the setting announce are in identify and in reservations', async () => {
    const announce = ['/ip4/203.0.113.7/tcp/4001', '/dns4/relay.example/tcp/443/wss']
    await using relay = await startRelay({ announce })
    const { peerId } = relay.node
    const address = relay.address('tcp')
    expect(await identified(address, peerId)).toEqual(expect.arrayContaining(announce))
    expect(await reserved(address, peerId)).toEqual(expect.arrayContaining(announce))
    for (const text of announce) expect(relay.node.addresses.all).toContain(`${text}/p2p/${peerId}`)
  })

  it('by the setting announceIp have every open port, each address its own family', async () => {
    await using relay = await startRelay({
      'listen.ip6': ['::1'],
      announceIp: ['203.0.113.9', '2001:db8::9']
    })
    const { peerId } = relay.node
    const expected = relay.node.addresses.listening.map(address =>
      address
        .replace(`/p2p/${peerId}`, '')
        .replace('/ip4/127.0.0.1/', '/ip4/203.0.113.9/')
        .replace('/ip6/::1/', '/ip6/2001:db8::9/')
    )
    expect(expected).toHaveLength(6)
    const address = relay.address('tcp')
    expect(await identified(address, peerId)).toEqual(expect.arrayContaining(expected))
    expect(await reserved(address, peerId)).toEqual(expect.arrayContaining(expected))
  })

  it('are given to a client of the same network after those it can reach', async () => {
    await using relay = await startRelay({ announceIp: ['203.0.113.9'] })
    const [first] = await reserved(relay.address('quic'), relay.node.peerId)
    expect(`${first}/p2p/${relay.node.peerId}`).toBe(relay.address('quic'))
  })
})

describe('a burst of connections', () => {
  /** As many clients as connections: one client's dials to one peer become one. */
  const clients: Client[] = []
  // Relay and clients share one process here, and the machine may be busy: stock clients give up after 6 s.
  const patient = {
    dialTimeout: 60_000,
    addressDialTimeout: 60_000,
    outboundStreamProtocolNegotiationTimeout: 60_000
  }
  beforeAll(async () => {
    const options = { options: { connectionManager: patient } }
    clients.push(...(await Promise.all(Array.from({ length: 200 }, () => createPlainClient(options)))))
  })
  afterAll(async () => {
    await Promise.all(clients.map(client => client[Symbol.asyncDispose]()))
  })

  it.each(KINDS)('of 200 clients that reserve at once is accepted, limits per IP lifted (%s)', async kind => {
    await using relay = await startRelay()
    const address = multiaddr(relay.address(kind))
    const signal = AbortSignal.timeout(60_000)
    setMaxListeners(Infinity, signal)
    const answers = await Promise.all(
      clients.map(async client => reserve(await client.dial(address, { signal })))
    )
    expect(answers.filter(({ status }) => status === Status.OK)).toHaveLength(200)
    expect(relay.node.relay.reservations.size).toBe(200)
    expect(relay.node.connectedPeers).toBe(200)
  })

  it('of 100 in a second is accepted from one IP address with the limits of a server', async () => {
    const server = defaultsOf('server')
    const limits = Object.fromEntries(
      keys
        .filter(key => key.startsWith('relay.') || key === 'connections.total')
        .map(key => [key, server[key]])
    )
    await using relay = await startRelay(limits)
    const address = multiaddr(relay.address('tcp'))
    const signal = AbortSignal.timeout(60_000)
    setMaxListeners(Infinity, signal)
    await Promise.all(clients.slice(0, 100).map(client => client.dial(address, { signal })))
    await until('the relay has them all', () => relay.node.connectedPeers === 100)
  })
})
