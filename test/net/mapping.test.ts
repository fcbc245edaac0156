import { describe, expect, it } from 'vitest'
import {
  HomeNetwork,
  hasMiniupnpd,
  HOME_IP,
  NEEDS_MINIUPNPD,
  NEIGHBOUR_IP,
  ROUTER_IP,
  ROUTER_PRIVATE_IP,
  ROUTER_PUBLIC_IP,
  type DaemonOptions
} from '../support/home-network.ts'
import { MappingNode, PORTS } from '../support/mapping-node.ts'
import { findProgram, missing } from '../support/needs.ts'
import { canMakeNetworks, NEEDS_NETNS, type Namespace } from '../support/netns.ts'
import { moduleUrl } from '../support/node-script.ts'
import { until } from '../support/until.ts'

const DENY_ALL = 'deny 0-65535 0.0.0.0/0 0-65535'
const FORWARDED = [
  `tcp ${PORTS.tcp} -> ${HOME_IP}:${PORTS.tcp}`,
  `tcp ${PORTS.ws} -> ${HOME_IP}:${PORTS.ws}`,
  `udp ${PORTS.quic} -> ${HOME_IP}:${PORTS.quic}`
]
const ADDRESSES = [
  `/ip4/${ROUTER_PUBLIC_IP}/tcp/${PORTS.tcp}`,
  `/ip4/${ROUTER_PUBLIC_IP}/tcp/${PORTS.ws}/ws`,
  `/ip4/${ROUTER_PUBLIC_IP}/udp/${PORTS.quic}/quic-v1`
]

const cannot =
  missing(NEEDS_NETNS, canMakeNetworks) ||
  missing(NEEDS_MINIUPNPD, hasMiniupnpd) ||
  missing('upnpc (Debian: miniupnpc)', findProgram('upnpc') !== undefined)

// Mostly they wait, each in networks of its own.
describe.skipIf(cannot)('port mapping by a real router', { concurrent: true }, () => {
  describe.each<{ by: string; daemon: DaemonOptions; protocol: string }>([
    { by: 'UPnP 2', daemon: { natPmp: true }, protocol: 'upnp' },
    { by: 'UPnP 1', daemon: { version1: true }, protocol: 'upnp' },
    { by: 'NAT-PMP', daemon: { upnp: false, natPmp: true }, protocol: 'nat-pmp' }
  ])('by $by', ({ daemon, protocol }) => {
    it('forwards TCP, WebSocket and QUIC to clients outside, and gives the ports back at its stop', async () => {
      await using net = await HomeNetwork.create()
      await net.startDaemon(daemon)
      const node = await MappingNode.start(net.home, { enabled: false })
      const target = ADDRESSES.map(address => `${address}/p2p/${node.peer}`)
      expect(await reservations(net.outside, target, 2)).toEqual(['no way', 'no way', 'no way'])

      node.switch('on')
      const info = await node.reaches('mapped')

      expect(info.gateway).toEqual({ protocol, address: ROUTER_IP, externalIp: ROUTER_PUBLIC_IP })
      expect(info.ports.map(({ externalPort }) => externalPort)).toEqual([PORTS.tcp, PORTS.ws, PORTS.quic])
      expect(await net.forwarded()).toEqual(FORWARDED)
      expect(await reservations(net.outside, target)).toEqual([100, 100, 100])

      await node.stop()
      expect(await net.forwarded()).toEqual([])
      expect(await reservations(net.outside, target, 2)).toEqual(['no way', 'no way', 'no way'])
    })

    it('takes another port where a neighbour has that, and says which', async () => {
      await using net = await HomeNetwork.create()
      await net.startDaemon(daemon)
      await takes4001(net.neighbour, protocol)
      const [neighbours] = await net.forwarded()
      expect(neighbours).toBe(`tcp 4001 -> ${NEIGHBOUR_IP}:4001`)

      const node = await MappingNode.start(net.home)
      const info = await node.reaches('mapped', 'conflict')

      const [port] = info.ports
      expect(port).toMatchObject({ state: 'mapped', code: 'conflict', internalPort: PORTS.tcp })
      expect(port?.externalPort).not.toBe(PORTS.tcp)
      expect(info.cause).toContain(`${port?.externalPort} is forwarded instead`)
      expect(await net.forwarded()).toContain(neighbours)
      const address = `/ip4/${ROUTER_PUBLIC_IP}/tcp/${port?.externalPort}`
      expect((await node.publicAddresses()).map(known => known.address)).toContain(address)
      expect(await reservations(net.outside, [`${address}/p2p/${node.peer}`])).toEqual([100])
      await node.stop()
      expect(await net.forwarded()).toEqual([neighbours])
    })

    it('maps anew after the router has restarted and forgotten all', async () => {
      await using net = await HomeNetwork.create()
      await net.startDaemon({ ...daemon, httpPort: 5000 })
      const node = await MappingNode.start(net.home)
      await node.reaches('mapped')

      await net.killDaemon()
      await net.startDaemon({ ...daemon, httpPort: 5000 })

      await until('all is forwarded again', async () => (await net.forwarded()).length === 3, 60)
      expect(await net.forwarded()).toEqual(FORWARDED)
      await node.reaches('mapped')
    })

    it('says that the router answers no more, and maps anew when it does', async () => {
      await using net = await HomeNetwork.create()
      await net.startDaemon(daemon)
      const node = await MappingNode.start(net.home)
      await node.reaches('mapped')

      await net.killDaemon()
      const gone = await node.reaches('failed', 'no-answer')
      expect(gone.cause).toMatch(/has stopped answering/)
      await until('its addresses go', async () => (await node.publicAddresses()).length === 0, 60)

      await net.startDaemon(daemon)
      await node.reaches('mapped')
      expect(await net.forwarded()).toEqual(FORWARDED)
      expect((await node.publicAddresses()).map(({ address }) => address)).toEqual(ADDRESSES)
    })
  })
})

describe.skipIf(cannot)('port mapping', { concurrent: true }, () => {
  it('announces nothing as verified that is only mapped', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const listen = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/udp/4004/webrtc-direct']
    const node = await MappingNode.start(net.home, { listen })
    await node.reaches('mapped')

    const addresses = await node.publicAddresses()

    expect(addresses.map(({ address }) => address)).toEqual([
      `/ip4/${ROUTER_PUBLIC_IP}/tcp/4001`,
      expect.stringMatching(new RegExp(`^/ip4/${ROUTER_PUBLIC_IP}/udp/4004/webrtc-direct/certhash/uEi[^/]+$`))
    ])
    expect(addresses.map(({ verified }) => verified)).toEqual([false, false])
    expect(await net.forwarded()).toEqual([`tcp 4001 -> ${HOME_IP}:4001`, `udp 4004 -> ${HOME_IP}:4004`])
  })

  it('maps the ports that the system chose, where none was given', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { listen: ['/ip4/0.0.0.0/tcp/0'] })

    const { ports } = await node.reaches('mapped')

    expect(ports).toHaveLength(1)
    expect(ports[0]?.internalPort).toBeGreaterThan(0)
    expect(await net.forwarded()).toEqual([
      `tcp ${ports[0]?.externalPort} -> ${HOME_IP}:${ports[0]?.internalPort}`
    ])
  })

  it.each<{ by: string; daemon: DaemonOptions; code: string; said: RegExp }>([
    { by: 'UPnP', daemon: {}, code: 'refused', said: /UPnP code 606/ },
    { by: 'UPnP 1', daemon: { version1: true }, code: 'refused', said: /UPnP code 606/ },
    {
      by: 'NAT-PMP',
      daemon: { upnp: false, natPmp: true },
      code: 'nat-pmp-refused',
      said: /NAT-PMP result 2/
    }
  ])('says what the router refuses, with its own code: $by', async ({ daemon, code, said }) => {
    await using net = await HomeNetwork.create()
    await net.startDaemon({ ...daemon, rules: [DENY_ALL] })
    const node = await MappingNode.start(net.home)

    const info = await node.reaches('failed', code)

    expect(info.cause).toMatch(said)
    expect(info.ports.map(port => port.code)).toEqual([code, code, code])
    expect(await node.publicAddresses()).toEqual([])
  })

  it('maps what it may where the router refuses one port, and the rest as soon as it may', async () => {
    await using net = await HomeNetwork.create()
    const rules = ['deny 4002 0.0.0.0/0 4002', 'allow 4001 0.0.0.0/0 4001', DENY_ALL]
    await net.startDaemon({ rules, httpPort: 5000 })
    const node = await MappingNode.start(net.home)

    const info = await node.reaches('mapped', 'refused')
    expect(info.ports.map(({ state }) => state)).toEqual(['mapped', 'failed', 'mapped'])
    expect(info.cause).toMatch(/TCP port 4002/)

    await net.killDaemon()
    await net.startDaemon({ httpPort: 5000 })
    await node.reaches('mapped')
    expect((await node.publicAddresses()).map(({ address }) => address).sort()).toEqual([...ADDRESSES].sort())
  })

  it('finds a router that has come back at another place', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon({ httpPort: 5000 })
    const node = await MappingNode.start(net.home)
    await node.reaches('mapped')

    await net.killDaemon()
    await net.startDaemon({ httpPort: 5001 })

    await until('all is forwarded again', async () => (await net.forwarded()).length === 3, 60)
    await node.reaches('mapped')
  })

  it('says that the router answers no more where it is silent', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { times: { requestSeconds: 1 } })
    await node.reaches('mapped')

    await net.router.ip('link', 'set', 'lan0', 'down')
    await node.reaches('failed', 'no-answer')

    await net.router.ip('link', 'set', 'lan0', 'up')
    await node.reaches('mapped')
  })

  it('says that no router answers', async () => {
    await using net = await HomeNetwork.create()
    const node = await MappingNode.start(net.home)

    const info = await node.reaches('failed', 'no-gateway')

    expect(info.cause).toMatch(/Switch UPnP on in the router/)
    expect(info.gateway).toBeUndefined()
  })

  it('says that the router has no public address', async () => {
    await using net = await HomeNetwork.create({ doubleNat: true })
    await net.startDaemon({ natPmp: true })
    const node = await MappingNode.start(net.home)
    const info = await node.reaches('failed', 'no-external-address')
    expect(info.cause).toMatch(/stands behind another router/)
  })

  it('says that the router is itself behind another, and names both addresses', async () => {
    await using net = await HomeNetwork.create({ doubleNat: true })
    const actions = await net.startOddRouter({ externalIp: ROUTER_PRIVATE_IP })
    const node = await MappingNode.start(net.home)

    const info = await node.reaches('failed', 'private-gateway')

    expect(info.gateway).toEqual({ protocol: 'upnp', address: ROUTER_IP, externalIp: ROUTER_PRIVATE_IP })
    expect(info.cause).toMatch(/another router/)
    expect(actions.filter(({ action }) => action === 'AddPortMapping')).toEqual([])
  })

  it('accepts a router that forwards for ever only, and takes its ports back at the stop', async () => {
    await using net = await HomeNetwork.create()
    const actions = await net.startOddRouter({ externalIp: ROUTER_PUBLIC_IP, onlyPermanent: true })
    const node = await MappingNode.start(net.home, { listen: ['/ip4/0.0.0.0/tcp/4001'] })
    await node.reaches('mapped')
    await node.stop()

    const leases = actions.flatMap(({ body }) => /<NewLeaseDuration>(\d+)</.exec(body)?.[1] ?? [])
    expect(leases.slice(0, 2)).toEqual(['3600', '0'])
    expect(actions.at(-1)?.action).toBe('DeletePortMapping')
  })

  it.each([
    { fault: 606, code: 'refused' },
    { fault: 501, code: 'refused' },
    { fault: 718, code: 'conflict' },
    { fault: 724, code: 'conflict' }
  ])('tells of fault $fault', async ({ fault, code }) => {
    await using net = await HomeNetwork.create()
    await net.startOddRouter({ externalIp: ROUTER_PUBLIC_IP, faults: { AddPortMapping: fault } })
    const node = await MappingNode.start(net.home, { listen: ['/ip4/0.0.0.0/tcp/4001'] })
    const info = await node.reaches('failed', code)
    expect(info.cause).toMatch(code === 'refused' ? `UPnP code ${fault}, NoWay` : /TCP port 4001/)
  })

  it('has nothing to forward on loopback alone', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { listen: ['/ip4/127.0.0.1/tcp/0'] })
    await node.reaches('failed', 'nothing-to-map')
    expect(await net.forwarded()).toEqual([])
  })

  it('is switched off and on while the node runs', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { enabled: false })
    expect(node.states).toEqual([])

    node.switch('on')
    await node.reaches('mapped')
    node.switch('off')
    const { ports } = await node.reaches('off')
    expect(ports).toEqual([])
    expect(await net.forwarded()).toEqual([])
    expect(await node.publicAddresses()).toEqual([])

    node.switch('on')
    await node.reaches('mapped')
    expect(await net.forwarded()).toEqual(FORWARDED)
  })

  it('renews leases before they end; those of a killed node end', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { times: { leaseSeconds: 6 } })
    await node.reaches('mapped')

    const ends = performance.now() + 20_000
    while (performance.now() < ends) {
      expect(await net.forwarded()).toEqual(FORWARDED)
      await new Promise(resolve => setTimeout(resolve, 500))
    }

    await node.kill()
    await until('the leases end', async () => (await net.forwarded()).length === 0, 60)
  })

  it('finds the router through a firewall that lets in answers only', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    await net.home.nft(
      'table ip fw { chain in { type filter hook input priority 0; policy drop; iif "lo" accept; ct state established,related accept; }; }'
    )
    const node = await MappingNode.start(net.home)
    await node.reaches('mapped')
    expect(await net.forwarded()).toEqual(FORWARDED)
  })

  it('stops, without waiting for each of its ports, where the router is silent', async () => {
    await using net = await HomeNetwork.create()
    await net.startDaemon()
    const node = await MappingNode.start(net.home, { times: { checkSeconds: 600, requestSeconds: 600 } })
    await node.reaches('mapped')
    await net.router.ip('link', 'set', 'lan0', 'down')

    // A TCP connection to nobody takes two minutes to fail, and there are three ports.
    await node.stop()

    expect(await net.forwarded()).toEqual(FORWARDED)
  })
})

/** What the relay answers a client in that network at each address: 100 is a reservation. */
async function reservations(
  from: Namespace,
  addresses: readonly string[],
  seconds = 30
): Promise<(number | 'no way')[]> {
  const script = from.script(`
    import { createPlainClient, reserve } from ${moduleUrl('test/support/clients.ts')}
    import { multiaddr } from '@multiformats/multiaddr'
    const ask = async address => {
      const client = await createPlainClient()
      try {
        const connection = await client.dial(multiaddr(address), { signal: AbortSignal.timeout(${seconds * 1000}) })
        return (await reserve(connection)).status
      } catch {
        return 'no way'
      } finally {
        await client.stop()
      }
    }
    console.log(JSON.stringify(await Promise.all(${JSON.stringify(addresses)}.map(ask))))
    process.exit()
  `)
  return JSON.parse(await script.line()) as (number | 'no way')[]
}

/** Has the router forward TCP port 4001 to that machine. */
async function takes4001(neighbour: Namespace, protocol: string): Promise<void> {
  if (protocol === 'upnp') {
    await neighbour.run('upnpc', '-a', NEIGHBOUR_IP, '4001', '4001', 'TCP')
    return
  }
  const script = neighbour.script(`
    import { pmpNat } from '@achingbrain/nat-port-mapper'
    const gateway = pmpNat(${JSON.stringify(ROUTER_IP)})
    console.log((await gateway.map(4001, '', { ttl: 3600, autoRefresh: false })).externalPort)
    process.exit()
  `)
  expect(await script.line()).toBe('4001')
}
