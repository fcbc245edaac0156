import { expect, it } from 'vitest'
import type { Stats } from '../../app/shared/api.ts'
import { Command, startNode, temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { canMakeNetworks, NEEDS_NETNS, TestNetwork } from '../support/netns.ts'
import { moduleUrl } from '../support/node-script.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'

const NODE_IP = '10.77.0.1'
const MB = 1_000_000
const QUOTA_BYTES = 40 * MB
/** What the quota may be off by: 1 %, and the longest frame. */
const LEEWAY_BYTES = QUOTA_BYTES / 100 + 64 * 1024

it.skipIf(missing(NEEDS_NETNS, canMakeNetworks))(
  'what clients send uses up the quota and no more; then the node listens no more, also after a restart',
  async () => {
    await using network = await TestNetwork.create()
    const [node, clients] = [await network.namespace('node'), await network.namespace('clients')]
    await network.cable(
      { in: node, interface: 'eth0', addresses: [`${NODE_IP}/24`] },
      { in: clients, interface: 'eth0', addresses: ['10.77.0.2/24'] },
      { offloads: false }
    )
    await using folder = await temporaryFolder()
    const flags = [
      '--listen-ip4',
      NODE_IP,
      '--quota-bytes-per-month',
      '40MB',
      '--shutdown-timeout-seconds',
      '20'
    ]
    await using first = startNode(folder.dir, flags, { under: node.under })
    // The one inside the machine is another.
    const addresses = (await first.listening()).addresses.filter(each => each.includes(NODE_IP))

    const start = await node.counters('eth0')
    // As fast as it goes: a MB there and back is two in and two out.
    const script = clients.script(`
      import { createListener, createPlainClient, dialThrough, exchange } from ${moduleUrl('test/support/clients.ts')}
      const address = ${JSON.stringify(addressOf(addresses, 'tcp'))}
      const listener = await createListener(address)
      const dialer = await createPlainClient()
      const stream = await dialThrough(dialer, address, listener)
      for (let sent = 0; ; sent++) {
        console.log(sent)
        await exchange(stream, ${MB})
      }
    `)
    for (let sent = -1; sent < 1;) sent = Number(await script.line())
    expect(first.logged('mode changed')).toEqual([])
    await until('the node sleeps', () => first.lines.some(({ msg }) => msg.startsWith('the node sleeps')), 60)

    const ask = async (): Promise<Stats> => {
      const args = ['stats', '--json', '--data-dir', folder.dir]
      await using command = new Command(args, { under: node.under })
      return JSON.parse((await command.finished).stdout) as Stats
    }
    const { quota } = await ask()
    expect(quota.usedBytes).toBeGreaterThan(QUOTA_BYTES - LEEWAY_BYTES)
    expect(quota.usedBytes).toBeLessThan(QUOTA_BYTES + LEEWAY_BYTES)
    const end = await node.counters('eth0')
    const passed = end.received + end.sent - start.received - start.sent
    expect(passed).toBeLessThan(QUOTA_BYTES + LEEWAY_BYTES)
    expect(first.logged('circuit closed').at(-1)).toMatchObject({ reason: 'quota' })
    expect(await node.run('ss', '-Hltn')).not.toContain(`:${/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1]} `)
    const before = (await node.counters('eth0')).received
    await first.kill('SIGTERM')

    await using second = startNode(folder.dir, flags, { under: node.under })
    expect((await second.listening()).addresses).toEqual([])
    expect((await ask()).quota.usedBytes).toBeGreaterThanOrEqual(quota.usedBytes)
    expect((await node.counters('eth0')).received - before).toBeLessThan(MB)
  }
)
