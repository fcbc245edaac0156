import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Traffic } from '../../app/shared/api.ts'
import { canMakeNetworks, NEEDS_NETNS, TestNetwork, type Namespace } from '../support/netns.ts'
import { findProgram, missing } from '../support/needs.ts'
import { sleep } from '../support/until.ts'
import type { Addresses, Work } from './traffic/clients-child.ts'
import type { NodeTask } from './traffic/node-child.ts'

/**
 * A node in one network, its clients in another, and the counters of the interface between them. The kernel must not
 * join packets there: it would count 64 KiB under one header, which no real cable carries. Nor may
 * it send segments again that were not lost: a cable without any delay makes it too impatient for acknowledgements
 * that wait (tail loss probes). What is lost and sent again over TCP is not counted; nor is ARP, IPv6's neighbour
 * discovery and its router solicitation: some hundred bytes in each case.
 */

const NODE = { 4: '10.77.0.1', 6: 'fd77::1' } as const
const CLIENT = { 4: '10.77.0.2', 6: 'fd77::2' } as const
const INTERFACE = 'wire'
type Version = 4 | 6

class Setup {
  readonly #network: TestNetwork
  readonly #node: Namespace
  readonly #meter: ChildProcess
  readonly #clients: ChildProcess
  readonly #echo: { ip: string; port: number }

  private constructor(
    network: TestNetwork,
    node: Namespace,
    meter: ChildProcess,
    clients: ChildProcess,
    echo: { ip: string; port: number }
  ) {
    this.#network = network
    this.#node = node
    this.#meter = meter
    this.#clients = clients
    this.#echo = echo
  }

  static async create(version: Version): Promise<Setup> {
    const network = await TestNetwork.create()
    const [node, clients] = [await network.namespace('node'), await network.namespace('clients')]
    await network.cable(
      { in: node, interface: INTERFACE, addresses: [`${NODE[4]}/24`, `${NODE[6]}/64`] },
      { in: clients, interface: INTERFACE, addresses: [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`] },
      { offloads: false }
    )
    for (const namespace of [node, clients]) {
      await namespace.run('ethtool', '-K', INTERFACE, 'tx-udp-segmentation', 'off')
      await namespace.run('sysctl', '-qw', 'net.ipv4.tcp_early_retrans=0')
    }
    const meter = child(node, 'node-child.ts', NODE[version])
    const addresses = (await heard(meter)) as Addresses
    const load = child(clients, 'clients-child.ts', JSON.stringify(addresses), CLIENT[version])
    const echo = (await heard(load)) as { ip: string; port: number }
    return new Setup(network, node, meter, load, echo)
  }

  /** What the interface and the meter count of a piece of work. */
  async measure(work: Work): Promise<{ counted: Traffic; real: Traffic }> {
    const [before, realBefore] = [await this.#totals(), await this.#still()]
    const done = heard(this.#clients)
    this.#clients.send(work)
    await done
    const real = minus(await this.#still(), realBefore)
    return { counted: minus(await this.#totals(), before), real }
  }

  /** The same of datagrams that the node exchanges by node:dgram. */
  async measureDatagrams(count: number): Promise<{ counted: Traffic; real: Traffic }> {
    const [before, realBefore] = [await this.#totals(), await this.#still()]
    const after = await this.#totals({ datagrams: { count, ...this.#echo } })
    return { counted: minus(after, before), real: minus(await this.#still(), realBefore) }
  }

  async #totals(task: NodeTask = {}): Promise<Traffic> {
    const answer = heard(this.#meter)
    this.#meter.send(task)
    return (await answer) as Traffic
  }

  /** The interface's counters once nothing has passed for a while: the last segments follow the last answer. */
  async #still(): Promise<Traffic> {
    for (;;) {
      const before = await this.#node.counters(INTERFACE)
      await sleep(250)
      const after = await this.#node.counters(INTERFACE)
      if (after.received === before.received && after.sent === before.sent) return after
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]()
  }
}

function child(namespace: Namespace, file: string, ...args: string[]): ChildProcess {
  const entry = path.join(import.meta.dirname, 'traffic', file)
  return namespace.spawn(process.execPath, ['--no-warnings', entry, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
}

async function heard(from: ChildProcess): Promise<unknown> {
  const [message] = (await once(from, 'message', { signal: AbortSignal.timeout(200_000) })) as [unknown]
  return message
}

function minus(a: Traffic, b: Traffic): Traffic {
  return { received: a.received - b.received, sent: a.sent - b.sent }
}

const cases: { name: string; work: Work; version?: Version }[] = [
  { name: 'a circuit over TCP, both ways', work: { kind: 'tcp', bulk: 24 } },
  { name: 'a circuit over TCP, one way', work: { kind: 'tcp', oneWay: 24 } },
  { name: 'a circuit over QUIC, both ways', work: { kind: 'quic', bulk: 24 } },
  { name: 'a circuit over WebSocket, both ways', work: { kind: 'ws', bulk: 24 } },
  { name: 'short messages over TCP', work: { kind: 'tcp', messages: 500 } },
  { name: 'short messages over QUIC', work: { kind: 'quic', messages: 500 } },
  { name: '200 visits over TCP', work: { kind: 'tcp', visits: 200 } },
  { name: '100 visits over QUIC', work: { kind: 'quic', visits: 100 } },
  { name: '100 visits over WebSocket', work: { kind: 'ws', visits: 100 } },
  { name: 'requests to the page', work: { kind: 'tcp', requests: { count: 300, keepAlive: false } } },
  { name: 'requests on one connection', work: { kind: 'tcp', requests: { count: 300, keepAlive: true } } },
  { name: 'DHT queries', work: { kind: 'tcp', queries: 100 } },
  {
    name: 'all of it at once',
    work: { kind: 'ws', bulk: 2, visits: 50, queries: 50, requests: { count: 100, keepAlive: false } }
  },
  { name: 'a circuit over TCP and IPv6', work: { kind: 'tcp', bulk: 16 }, version: 6 },
  { name: 'a circuit over QUIC and IPv6', work: { kind: 'quic', bulk: 16 }, version: 6 },
  { name: '100 visits over TCP and IPv6', work: { kind: 'tcp', visits: 100 }, version: 6 }
]

const skipped =
  missing(NEEDS_NETNS, canMakeNetworks) ||
  missing('ethtool (Debian: ethtool), for packets as on a real cable,', findProgram('ethtool') !== undefined)

describe.skipIf(skipped)('the traffic meter agrees with the network interface within 3 %', () => {
  it.each(cases)('$name', async ({ name, work, version = 4 }) => {
    await using setup = await Setup.create(version)
    agree(name, await setup.measure(work))
  })

  it.each<Version>([4, 6])('datagrams of IPv%d', async version => {
    await using setup = await Setup.create(version)
    agree(`datagrams of IPv${version}`, await setup.measureDatagrams(500))
  })
})

/** Prints the figures where SHOW=true. */
function agree(name: string, { counted, real }: { counted: Traffic; real: Traffic }): void {
  const part = (some: number, all: number): string => `${((some / all - 1) * 100).toFixed(2)} %`
  const [all, allReal] = [counted.received + counted.sent, real.received + real.sent]
  const received = `${part(counted.received, real.received)} of ${real.received} B received`
  const sent = `${part(counted.sent, real.sent)} of ${real.sent} B sent`
  const figures = `${name}: ${part(all, allReal)} (${received}, ${sent})`
  if (process.env['SHOW'] === 'true') console.info(figures)
  expect(Math.abs(all / allReal - 1), figures).toBeLessThan(0.03)
}
