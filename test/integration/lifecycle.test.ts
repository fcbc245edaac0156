import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import {
  circuitAddress,
  connect,
  createClient,
  createListener,
  createPlainClient,
  dialThrough,
  exchange
} from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { addressOf, KINDS } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

describe('killed by kill -9', () => {
  it.each(KINDS)('comes back with its peer id, and a client gets its reservation back (%s)', async kind => {
    await using folder = await temporaryFolder()
    await using first = startNode(folder.dir)
    const before = await first.listening()
    const address = addressOf(before.addresses, kind)
    await using client = await createListener(address)
    await first.kill('SIGKILL')
    await until('the client has noticed', () => client.getConnections().length === 0, 60)

    const ports = {
      tcp: ['--tcp-port', portOf(address)],
      ws: ['--ws-port', portOf(address)],
      quic: ['--quic-port', portOf(address)]
    }
    await using second = startNode(folder.dir, ports[kind])
    const after = await second.listening()

    expect(after.peerId).toBe(before.peerId)
    const redial = (): Promise<boolean> => client.dial(multiaddr(address)).then(Boolean, () => false)
    await until('the client reaches it', redial, 60)
    await until('it reserves anew', () => second.logged('reservation accepted').length > 0, 60)
    await using dialer = await createClient()
    await until('its address is back', () => client.getMultiaddrs().length > 0, 60)
    expect(await exchange(await dialThrough(dialer, address, client), 1000)).toBe(true)
  })
})

describe('a second node on the same data folder', () => {
  it('is refused with the pid of the first', async () => {
    await using folder = await temporaryFolder()
    await using first = startNode(folder.dir)
    await first.listening()

    const { code, stderr } = await startNode(folder.dir).finished

    expect(code).toBe(1)
    expect(stderr).toContain(String(first.pid))
    expect(first.running).toBe(true)
  })

  it('runs beside it with a folder of its own', async () => {
    await using folders = await pair(temporaryFolder, temporaryFolder)
    await using first = startNode(folders.first.dir)
    await using second = startNode(folders.second.dir)

    const [one, two] = await Promise.all([first.listening(), second.listening()])

    expect(one.peerId).not.toBe(two.peerId)
  })
})

describe('asked to stop while a circuit runs', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'lets it finish, takes no new one, then ends (%s)',
    async signal => {
      await using folder = await temporaryFolder()
      await using node = startNode(folder.dir)
      const { addresses, identity } = await node.listening()
      const address = addressOf(addresses, 'tcp')
      await using listener = await createListener(address)
      await using dialer = await createPlainClient()
      const stream = await dialThrough(dialer, address, listener)
      expect(await exchange(stream, 1000)).toBe(true)

      node.child.kill(signal)
      await until('it drains', () => node.lines.some(({ msg }) => msg.startsWith('stopping')))

      const ready = await fetch(new URL('/readyz', identity[0]))
      expect(ready.status).toBe(503)
      await using late = await createClient()
      const refused = await connect(await late.dial(multiaddr(address)), listener)
      expect(refused.status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
      const [circuit] = listener.getConnections(dialer.peerId)
      const more = await circuit?.newStream('/ipfs/ping/1.0.0', { runOnLimitedConnection: true })
      expect(more?.status).toBe('open')
      await Promise.all(dialer.getConnections(listener.peerId).map(connection => connection.close()))

      expect((await node.finished).code).toBe(0)
      expect(node.logged('stopped')).toHaveLength(1)
    }
  )

  it('ends it at the deadline', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir, ['--shutdown-timeout-seconds', '1'])
    const address = addressOf((await node.listening()).addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createClient()
    await dialThrough(dialer, address, listener)

    const { code } = await node.kill('SIGTERM')

    expect(code).toBe(0)
    expect(node.logged('circuit closed').map(({ reason }) => reason)).toEqual(['drained'])
  })

  it('ends at once at a second signal, but takes the two signals of one Ctrl-C under npm for one', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    const address = addressOf((await node.listening()).addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createClient()
    await dialThrough(dialer, address, listener)

    node.child.kill('SIGINT')
    node.child.kill('SIGINT')
    await until('it drains', () => node.lines.some(({ msg }) => msg.startsWith('stopping')))
    await sleep(700)
    expect(node.running).toBe(true)

    const { code } = await node.kill('SIGINT')

    expect(code).toBe(0)
    expect(node.logged('stopping at once')).toHaveLength(1)
  })
})

describe('the log', () => {
  it.each([
    { flags: [], address: false, peers: false },
    { flags: ['--log-addresses'], address: true, peers: false },
    { flags: ['--log-peers'], address: false, peers: true }
  ])('with $flags: addresses $address, peers of circuits $peers', async ({ flags, address, peers }) => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir, flags)
    const relay = addressOf((await node.listening()).addresses, 'tcp')
    await using listener = await createListener(relay)
    await using dialer = await createClient()
    await exchange(await dialThrough(dialer, relay, listener), 1000)
    await using stranger = await createClient()
    await expect(dialer.dial(multiaddr(circuitAddress(relay, stranger)))).rejects.toThrow()
    await dialer.stop()
    await until('the circuit is closed', () => node.logged('circuit closed').length > 0)
    await node.kill('SIGTERM')

    const lines = node.lines.filter(({ msg }) => msg !== 'listening')
    expect(node.logged('reservation accepted').length).toBeGreaterThan(0)
    expect(lines.some(line => JSON.stringify(line).includes('127.0.0.1'))).toBe(address)
    const aboutCircuits = lines.filter(line => 'circuit' in line || line['request'] === 'connect')
    expect(aboutCircuits.length).toBeGreaterThan(2)
    expect(aboutCircuits.some(line => JSON.stringify(line).includes('12D3Koo'))).toBe(peers)
  })
})

function portOf(address: string): string {
  return /\/(?:tcp|udp)\/(\d+)/.exec(address)?.[1] ?? ''
}

async function pair<T extends AsyncDisposable>(one: () => Promise<T>, two: () => Promise<T>) {
  const [first, second] = await Promise.all([one(), two()])
  return {
    first,
    second,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])
    }
  }
}
