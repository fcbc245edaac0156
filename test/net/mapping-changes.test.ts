import { describe, expect, it } from 'vitest'
import { Ladder } from '../../app/main/relay/reachability/ladder.ts'
import type { LadderFacts } from '../../app/main/relay/reachability/facts.ts'
import type { MappingInfo } from '../../app/shared/api.ts'
import type { Family, FirewallInfo, Rung } from '../../app/shared/api/ladder.ts'
import {
  hasMiniupnpd,
  HOME_IP,
  HOME_IP6,
  HomeNetwork,
  NEEDS_MINIUPNPD,
  ROUTER_IP,
  ROUTER_PRIVATE_IP,
  ROUTER_PUBLIC_IP
} from '../support/home-network.ts'
import { MappingNode } from '../support/mapping-node.ts'
import { missing } from '../support/needs.ts'
import { canMakeNetworks, NEEDS_NETNS, type Namespace } from '../support/netns.ts'
import { moduleUrl } from '../support/node-script.ts'
import { until } from '../support/until.ts'

const cannot = missing(NEEDS_NETNS, canMakeNetworks) || missing(NEEDS_MINIUPNPD, hasMiniupnpd)
const LISTEN = ['/ip4/0.0.0.0/tcp/4001']
const OTHER_PUBLIC_IP = '5.6.7.2'

// Mostly they wait, each in networks of its own.
describe.skipIf(cannot)('a home that changes', { concurrent: true }, () => {
  it('gets back a port that the router has lost', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { listen: LISTEN })
    await node.reaches('mapped')

    await net.router.nft('flush chain inet filter prerouting_miniupnpd')
    expect(await net.forwarded()).toEqual([])

    await until('it is forwarded again', async () => (await net.forwarded()).length === 1, 30)
    expect(rung(await node.reaches('mapped'))).toMatchObject({ state: 'ok', code: 'mapped' })
  })

  it('is known at the new address of the router, and no more at the old one', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { listen: LISTEN })
    await node.reaches('mapped')

    await net.router.ip('address', 'add', `${OTHER_PUBLIC_IP}/24`, 'dev', 'wan0')
    await net.router.ip('address', 'del', `${ROUTER_PUBLIC_IP}/24`, 'dev', 'wan0')
    await net.router.ip('address', 'replace', `${OTHER_PUBLIC_IP}/24`, 'dev', 'wan0')

    const address = `/ip4/${OTHER_PUBLIC_IP}/tcp/4001`
    const known = async (): Promise<string[]> => (await node.publicAddresses()).map(each => each.address)
    await until('the new address', async () => (await known()).join() === address, 30)
    expect((await node.reaches('mapped')).gateway?.externalIp).toBe(OTHER_PUBLIC_IP)
    expect(await statusAt(net.outside, `${address}/p2p/${node.peer}`)).toBe(100)
  })

  it('has its ports forwarded to its new address; a circuit over another interface goes on', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const otherIp = await net.secondCable()
    // It is noticed without waiting for the next check.
    const times = { checkSeconds: 600, searchAgainSeconds: 600 }
    const node = await MappingNode.start(net.home, { listen: LISTEN, times })
    await node.reaches('mapped')
    const circuit = net.neighbour.script(`
      import { createListener, createPlainClient, dialThrough, exchange } from ${moduleUrl('test/support/clients.ts')}
      const address = '/ip4/${otherIp}/tcp/4001/p2p/${node.peer}'
      const stream = await dialThrough(await createPlainClient(), address, await createListener(address))
      console.log(await exchange(stream, 1000))
      await go
      console.log(await exchange(stream, 1000))
      process.exit()
    `)
    expect(await circuit.line()).toBe('true')

    const moved = HOME_IP.replace(/\d+$/, '44')
    await net.home.ip('address', 'del', `${HOME_IP}/24`, 'dev', 'eth0')
    await net.home.ip('address', 'add', `${moved}/24`, 'dev', 'eth0')
    await net.home.route('default', ROUTER_IP)

    const isMoved = async (): Promise<boolean> =>
      (await net.forwarded()).some(each => each.endsWith(`-> ${moved}:4001`))
    await until('it is forwarded to the new address', isMoved, 30)
    // The router keeps the port of the old address for that, and gives another.
    await node.reaches('mapped', 'conflict')
    circuit.tell()
    expect(await circuit.line()).toBe('true')
  })
})

describe.skipIf(cannot)('the ladder names what is in the way of a home', { concurrent: true }, () => {
  it('two routers: both of them', async () => {
    await using net = await HomeNetwork.create({ doubleNat: true })
    await net.startOddRouter({ externalIp: ROUTER_PRIVATE_IP })
    const node = await MappingNode.start(net.home, { listen: LISTEN })
    const { state, code, cause, mend } = rung(await node.reaches('failed', 'private-gateway'))
    expect({ state, code }).toEqual({ state: 'failed', code: 'two-routers' })
    expect(cause).toMatch(new RegExp(`two routers: this one \\(${ROUTER_IP}\\) .* ${ROUTER_PRIVATE_IP}`))
    expect(mend).toMatch(/as a bridge/)
  })

  it('two routers, where the inner one hides its address, once the Internet is reached', async () => {
    await using net = await HomeNetwork.create({ doubleNat: true })
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { listen: LISTEN })
    const info = await node.reaches('failed', 'no-external-address')
    expect(rung(info)).toMatchObject({ code: 'router-failed', cause: info.cause })
    const online = rung(info, { dht: { enabled: true, servers: 3, joins: 1 } })
    expect(online).toMatchObject({ state: 'failed', code: 'two-routers-hidden' })
    expect(online.cause).toContain(ROUTER_IP)
  })

  it('a firewall of the machine that drops the answers of the router', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    await net.home.nft(
      'table inet fw { chain in { type filter hook input priority 0; policy drop; iif "lo" accept; }; }'
    )
    const node = await MappingNode.start(net.home, { listen: LISTEN })
    const info = await node.reaches('failed', 'no-gateway')
    const found = await firewallsOf(net.home)
    expect(found.map(({ name }) => name)).toContain('nftables')
    const said = rung(info, { firewalls: found.filter(({ name }) => name === 'nftables') })
    expect(said).toMatchObject({ state: 'failed', code: 'no-gateway-firewall' })
    expect(said.cause).toMatch(/Nftables is on here and may drop the answers/)
  })
})

describe.skipIf(cannot)('the IPv6 firewall of a home', { concurrent: true }, () => {
  const listen = ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/4001']
  const outer = `/ip6/${HOME_IP6}/tcp/4001`

  it('is opened while the node runs, and closed after it', async () => {
    await using net = await HomeNetwork.create({ ip6: true })
    await net.startDaemon({ ip6: true })
    const node = await MappingNode.start(net.home, { listen, enabled: false })
    const target = `${outer}/p2p/${node.peer}`
    expect(await statusAt(net.outside, target, 2)).toBe('no way')

    node.switch('on')
    const info = await node.reaches('mapped')

    expect(info.pinholes).toMatchObject([{ protocol: 'tcp', internalPort: 4001, state: 'mapped' }])
    expect(rung(info, {}, 'ip6')).toMatchObject({ state: 'ok', code: 'pinhole' })
    expect(await statusAt(net.outside, target)).toBe(100)
    await node.stop()
    expect(await statusAt(net.outside, target, 2)).toBe('no way')
  })

  it('is opened where the router has no public IPv4 address; a refusal is told with its code', async () => {
    await using net = await HomeNetwork.create({ doubleNat: true, ip6: true })
    await net.startOddRouter({
      ...{ externalIp: ROUTER_PRIVATE_IP, pinholes: true, faults: { AddPinhole: 606 } }
    })
    const node = await MappingNode.start(net.home, { listen })
    const info = await node.reaches('failed', 'private-gateway')
    const said = rung(info, {}, 'ip6')
    expect(said).toMatchObject({ state: 'failed', code: 'pinhole-failed' })
    expect(said.cause).toMatch(/refused to let IPv6 in to TCP port 4001 \(UPnP code 606, NoWay\)/)
  })
})

/** The rung `mapped` of TCP, as the node's ladder would have it. */
function rung(info: MappingInfo, facts: Partial<LadderFacts> = {}, family: Family = 'ip4'): Rung {
  const address = family === 'ip4' ? `/ip4/${HOME_IP}/tcp/4001/p2p/X` : `/ip6/${HOME_IP6}/tcp/4001/p2p/X`
  const own = { transport: 'tcp', public: family === 'ip6', state: 'listening', since: info.since } as const
  const ladder = new Ladder({ now: () => info.since }).look({
    ...{ mode: { mode: 'open' }, failures: [], announced: [], mapping: info, firewalls: [] },
    ways: [{ transport: 'tcp', family, protocol: 'tcp', port: 4001 }],
    addresses: [{ address, ...own }],
    dht: { enabled: true, servers: 0, joins: 0 },
    selfTest: { state: 'never', results: [] },
    demand: { reservations: 0, circuits: 0, ever: 0 },
    ...facts
  })
  const found = ladder.rows[0]?.rungs.find(each => each.rung === 'mapped')
  if (found === undefined) throw new Error('no such rung')
  return found
}

/** What the relay answers a client in that network: 100 is a reservation. */
async function statusAt(from: Namespace, address: string, seconds = 20): Promise<number | 'no way'> {
  const script = from.script(`
    import { createPlainClient, reserve } from ${moduleUrl('test/support/clients.ts')}
    import { multiaddr } from '@multiformats/multiaddr'
    const client = await createPlainClient()
    const dial = client.dial(multiaddr(${JSON.stringify(address)}), { signal: AbortSignal.timeout(${seconds * 1000}) })
    console.log(JSON.stringify(await dial.then(reserve).then(({ status }) => status, () => 'no way')))
    process.exit()
  `)
  return JSON.parse(await script.line()) as number | 'no way'
}

async function firewallsOf(machine: Namespace): Promise<FirewallInfo[]> {
  const script = machine.script(`
    import { findFirewalls } from ${moduleUrl('app/main/firewall/find.ts')}
    import { thisSystem } from ${moduleUrl('app/main/firewall/system.ts')}
    console.log(JSON.stringify(await findFirewalls(thisSystem)))
  `)
  return JSON.parse(await script.line()) as FirewallInfo[]
}
