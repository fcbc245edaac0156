import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { missing } from '../support/needs.ts'
import { canMakeNetworks, NEEDS_NETNS } from '../support/netns.ts'
import { CLIENT_IP, ReachNetwork, ROUTER_IP, type ServerKind } from '../support/reach-network.ts'
import { sleep, until } from '../support/until.ts'

const four = (kind: ServerKind): ServerKind[] => [kind, kind, kind, kind]
/** To be asked and to answer takes less than a second here, for all addresses. */
const LONG_ENOUGH_MS = 4000
const OUTER_TCP = `/ip4/${ROUTER_IP}/tcp/4001`
const OUTER_QUIC = `/ip4/${ROUTER_IP}/udp/4001/quic-v1`

const unable = missing(NEEDS_NETNS, canMakeNetworks)
let net: ReachNetwork
beforeEach(async () => {
  if (!unable) net = await ReachNetwork.create()
})
afterEach(async () => {
  if (!unable) await net[Symbol.asyncDispose]()
})

describe.skipIf(unable)('a node behind a NAT router with a forwarded port', () => {
  it.each<[kind: ServerKind, version: string]>([
    ['ours', 'v2'],
    ['stock v2', 'v2'],
    ['stock v1 and v2', 'v2'],
    ['our v1', 'v1']
  ])('is verified, announced and relays from there (peers: %s)', async (kind, version) => {
    await net.forwardPort('tcp', 4001)
    const node = await net.node({ 'dht.bootstrap': await net.servers(four(kind)) })

    const { cause } = await node.becomes(OUTER_TCP, 'verified')

    expect(cause).toContain(`AutoNAT ${version}`)
    const { announced, peers } = await node.snapshot()
    expect(announced).toContain(node.complete(OUTER_TCP))
    // Nobody closed the connection that it was asked over.
    expect(peers).toBe(4)
    const { reserved, told, same } = await net.relayThrough(node.complete(OUTER_TCP))
    expect(reserved.every(address => address.startsWith(`${node.complete(OUTER_TCP)}/p2p-circuit`))).toBe(
      true
    )
    expect(told).toContain(OUTER_TCP)
    expect(same).toBe(true)
  })

  it('knows of each port by itself', async () => {
    await net.forwardPort('udp', 4001)
    const node = await net.node({ 'dht.bootstrap': await net.servers(four('ours')) })

    await node.becomes(OUTER_QUIC, 'verified')
    await node.becomes(OUTER_TCP, 'unreachable')

    const { announced } = await node.snapshot()
    expect(announced.filter(address => address.includes(ROUTER_IP))).toEqual([node.complete(OUTER_QUIC)])
    const { same } = await net.relayThrough(node.complete(OUTER_QUIC))
    expect(same).toBe(true)
  })
})

describe.skipIf(unable)('a node behind a NAT router that forwards nothing', () => {
  it.each<ServerKind>(['ours', 'our v1'])('is unreachable, with what to do (peers: %s)', async kind => {
    const node = await net.node({ 'dht.bootstrap': await net.servers(four(kind)) })

    const { cause } = await node.becomes(OUTER_TCP, 'unreachable')

    expect(cause).toMatch(/^\d peers of different networks could not reach it .*Forward TCP port 4001 /)
    const { announced, states } = await node.snapshot()
    expect(announced.filter(address => address.includes(ROUTER_IP))).toEqual([])
    expect(states.filter(({ state }) => state === 'verified')).toEqual([])
  })

  it('is not called unreachable by two peers, nor by many of two networks', async () => {
    // The last two are in the networks of the first two.
    const servers = await net.servers(['ours', 'ours', 'stock v1', 'stock v1', 'ours', 'ours'])
    const node = await net.node({ 'dht.bootstrap': servers.filter((_, i) => i < 2 || i > 3) })
    await until('all four are connected', async () => (await node.snapshot()).peers === 4)
    await sleep(LONG_ENOUGH_MS)

    expect(await node.stateOf(OUTER_TCP)).toBeUndefined()
  })

  it('asks no stock v1 server, which would close their connection', async () => {
    const servers = await net.servers(four('stock v1'))
    const node = await net.node({ 'dht.bootstrap': servers })
    await until('all four are connected', async () => (await node.snapshot()).peers === 4)
    await sleep(LONG_ENOUGH_MS)

    const { peers, states } = await node.snapshot()
    expect(peers).toBe(4)
    expect(states.filter(info => info.public)).toEqual([])
  })
})

describe.skipIf(unable)('a node with a public address of its own', () => {
  const TCP = `/ip4/${CLIENT_IP}/tcp/4001`

  it('announces it when it is verified, and not before; reservations carry it meanwhile', async () => {
    const servers = await net.servers(four('ours'))
    const lone = await net.node({}, { at: net.clients })
    expect(await lone.stateOf(TCP)).toMatchObject({ state: 'listening', public: true })
    expect((await lone.snapshot()).announced).not.toContain(lone.complete(TCP))
    const { reserved, told } = await net.relayThrough(lone.complete(TCP))
    expect(reserved[0]).toContain(`${lone.complete(TCP)}/p2p-circuit`)
    expect(told).not.toContain(TCP)
    await lone.stop()

    const met = await net.node({ 'dht.bootstrap': servers }, { at: net.clients })
    await met.becomes(TCP, 'verified')
    expect((await met.snapshot()).announced).toContain(met.complete(TCP))
  })
})

describe.skipIf(unable)('the AutoNAT servers of a node', () => {
  it('dial eight addresses of one v2 request at most, and refuse the rest', async () => {
    const [server = ''] = await net.servers(['ours'])
    const results = await net.askV2(
      server,
      Array.from({ length: 12 }, (_, i) => `/ip4/${CLIENT_IP}/tcp/${i + 1}`)
    )
    // 100: dialled in vain (E_DIAL_ERROR). 101: refused (E_DIAL_REFUSED).
    expect(results.map(({ status, dialStatus }) => (status === 200 ? dialStatus : status))).toEqual([
      ...Array<number>(8).fill(100),
      ...Array<number>(4).fill(101)
    ])
  })
})

describe.skipIf(unable)("a peer of one's choice", () => {
  it('says which of the given addresses lead in, and which do not', async () => {
    await net.forwardPort('tcp', 4001)
    const [server = ''] = await net.servers(['ours'])
    const { version, answers } = await net.via(server)

    expect(version).toBe('v2')
    const said = answers.map(
      ({ address, outcome }) => `${address.includes('/tcp/') ? 'tcp' : 'quic'} ${outcome}`
    )
    expect(said.sort()).toEqual(['quic failed', 'tcp reached'])
  })
})
