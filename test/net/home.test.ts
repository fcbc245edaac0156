import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AddressInfo, Status } from '../../app/shared/api.ts'
import { Command, startNode, temporaryFolder } from '../support/command.ts'
import { hasMiniupnpd, HomeNetwork, NEEDS_MINIUPNPD, ROUTER_PUBLIC_IP } from '../support/home-network.ts'
import { missing } from '../support/needs.ts'
import { canMakeNetworks, NEEDS_NETNS } from '../support/netns.ts'
import { moduleUrl } from '../support/node-script.ts'
import { until } from '../support/until.ts'

/** AutoNAT wants to hear from different networks. */
const SERVER_IPS = ['23.1.0.10', '45.2.0.10', '62.3.0.10', '77.4.0.10']
const CLIENT_FLAGS = { NODE_NO_WARNINGS: '1' }

const unable = missing(NEEDS_NETNS, canMakeNetworks) || missing(NEEDS_MINIUPNPD, hasMiniupnpd)
let net: HomeNetwork
beforeEach(async () => {
  if (!unable) net = await HomeNetwork.create()
})
afterEach(async () => {
  if (!unable) await net[Symbol.asyncDispose]()
})

it.skipIf(unable)(
  'a volunteer opts in, and relays for a stranger; nothing stays behind at the end',
  async () => {
    await net.startDaemon()
    for (const ip of SERVER_IPS) await net.outside.ip('address', 'add', `${ip}/32`, 'dev', 'eth0')
    const servers = net.outside.script(`
    import { startServer } from ${moduleUrl('test/support/autonat-child.ts')}
    console.log(JSON.stringify(await Promise.all(${JSON.stringify(SERVER_IPS)}.map(ip => startServer('ours', ip)))))
  `)
    const bootstrap = JSON.parse(await servers.line()) as string[]
    await using folder = await temporaryFolder()
    const own = ['--profile', 'home', '--listen-ip4', '0.0.0.0', '--shutdown-timeout-seconds', '1']
    const flags = [...own, '--dht-bootstrap', bootstrap.join(',')]
    await using node = startNode(folder.dir, flags, { under: net.home.under })
    await node.listening()
    const status = async (): Promise<Status> => {
      const args = ['status', '--json', '--data-dir', folder.dir]
      await using command = new Command(args, { under: net.home.under, env: CLIENT_FLAGS })
      return JSON.parse((await command.finished).stdout) as Status
    }
    const outer = async (state: AddressInfo['state']): Promise<AddressInfo | undefined> =>
      (await status()).addresses.find(
        each =>
          each.address.includes(`${ROUTER_PUBLIC_IP}/tcp/`) &&
          each.transport === 'tcp' &&
          each.state === state
      )

    await until('the address out there is verified', async () => (await outer('verified')) !== undefined, 60)

    const { mapping, announced } = await status()
    expect(mapping).toMatchObject({
      state: 'mapped',
      gateway: { protocol: 'upnp', externalIp: ROUTER_PUBLIC_IP }
    })
    expect(mapping.ports.map(({ transport, state }) => `${transport} ${state}`).sort()).toEqual([
      'quic mapped',
      'tcp mapped',
      'ws mapped'
    ])
    const address = (await outer('verified'))?.address ?? ''
    expect(announced).toContain(address)
    const clients = net.outside.script(`
    import { createListener, createPlainClient, dialThrough, exchange } from ${moduleUrl('test/support/clients.ts')}
    const address = ${JSON.stringify(address)}
    const listener = await createListener(address)
    const dialer = await createPlainClient()
    const same = await exchange(await dialThrough(dialer, address, listener), 1024 * 1024)
    console.log(JSON.stringify({ same, reserved: listener.getMultiaddrs().map(String) }))
  `)
    const { same, reserved } = JSON.parse(await clients.line()) as { same: boolean; reserved: string[] }
    expect(same).toBe(true)
    expect(reserved.every(each => each.includes(ROUTER_PUBLIC_IP))).toBe(true)
    expect(await net.forwarded()).toHaveLength(3)

    await node.kill('SIGTERM')
    expect(await net.forwarded()).toEqual([])
  }
)
