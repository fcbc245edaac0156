import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Ping } from '@libp2p/ping'
import { describe, expect, it } from 'vitest'
import { arrivesWhole, FlowPeer, held, PEER_WINDOW_BYTES, stuck } from '../support/flow.ts'
import { RelayProcess } from '../support/relay-process.ts'
import type { Kind } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

const MiB = 1024 * 1024
/** The default of relay.circuits.bufferBytes. */
const BUFFER_BYTES = 2 * MiB
/** A peer's QUIC library holds so much of a paused stream, where a test cannot see it. */
const unseen = (reader: Kind): number => (reader === 'quic' ? PEER_WINDOW_BYTES : 0)

async function pingMs({ raw }: FlowPeer): Promise<number> {
  return (raw.client.services as unknown as { ping: Ping }).ping.ping(raw.connection.remotePeer)
}

describe.concurrent.each<{ writer: Kind; reader: Kind }>([
  { writer: 'tcp', reader: 'tcp' },
  { writer: 'quic', reader: 'quic' },
  { writer: 'ws', reader: 'ws' },
  { writer: 'quic', reader: 'tcp' },
  { writer: 'tcp', reader: 'quic' },
  { writer: 'quic', reader: 'ws' },
  { writer: 'ws', reader: 'tcp' }
])('from $writer to $reader', ({ writer, reader }) => {
  it('stops the writer of a reader that pauses, and nothing else, for 10 s', async () => {
    await using relay = await RelayProcess.start()
    await using target = await FlowPeer.create(relay.address(reader), { reserved: true })
    await using source = await FlowPeer.create(relay.address(writer))

    const flow = await source.flowTo(target, { paused: true })
    await stuck(flow)
    const bytes = flow.source.bytes
    expect(bytes).toBeGreaterThan(BUFFER_BYTES / 8)
    expect(held(flow)).toBeLessThanOrEqual(BUFFER_BYTES + unseen(reader))

    // Meanwhile, over the same two connections.
    expect(await pingMs(source)).toBeLessThan(2000)
    expect(await pingMs(target)).toBeLessThan(2000)
    const beside = await source.flowTo(target, { bytes: 8 * MiB })
    expect(await arrivesWhole(beside)).toBe(true)
    expect(beside.sink.bytes).toBe(8 * MiB)

    await sleep(10_000)
    expect(flow.source.bytes).toBe(bytes)
    expect(flow.source.stream.status).toBe('open')
    // The one beside is over; this one is not.
    expect((await relay.state()).circuits).toBe(1)
    flow.sink.stream.resume()
    await until('the writer goes on', () => flow.sink.bytes > bytes)
    expect(await arrivesWhole(flow)).toBe(true)
    expect(flow.sink.bytes).toBe(flow.source.bytes)
    await until('both circuits close', async () => (await relay.state()).circuits === 0)
    expect((await relay.state()).closed).toEqual(['closed', 'closed'])
  })

  it('takes up a reader again that pauses in the middle, over and over', async () => {
    await using relay = await RelayProcess.start()
    await using target = await FlowPeer.create(relay.address(reader), { reserved: true })
    await using source = await FlowPeer.create(relay.address(writer))
    const flow = await source.flowTo(target)
    for (let i = 0; i < 20; i++) {
      await sleep(20)
      flow.sink.stream.pause()
      await sleep(30)
      flow.sink.stream.resume()
    }
    expect(await arrivesWhole(flow)).toBe(true)
    expect(flow.sink.bytes).toBeGreaterThan(MiB)
  })
})

describe.each<Kind>(['tcp', 'quic', 'ws'])('on %s', kind => {
  it('holds no more for each of 16 stalled circuits, in memory either', async () => {
    await using relay = await RelayProcess.start()
    await using target = await FlowPeer.create(relay.address(kind), { reserved: true })
    await using source = await FlowPeer.create(relay.address(kind))
    // What comes with the first circuit is no part of what one holds.
    expect(await arrivesWhole(await source.flowTo(target, { bytes: 16 * MiB }))).toBe(true)
    await until('its circuit closes', async () => (await relay.state()).circuits === 0)
    const before = await relay.state()

    const flows = []
    for (let i = 0; i < 16; i++) flows.push(await source.flowTo(target, { paused: true }))
    await Promise.all(flows.map(flow => stuck(flow)))
    const after = await relay.state()

    const each = flows.map(held)
    const grown = Math.max(after.arrayBuffers - before.arrayBuffers, 0)
    const rss = Math.max(after.rss - before.rss, 0)
    for (const bytes of each) expect(bytes).toBeLessThanOrEqual(BUFFER_BYTES + unseen(kind))
    expect(grown).toBeLessThan(16 * BUFFER_BYTES)
    // RSS holds the heap's growth and what the allocator keeps, too.
    expect(rss).toBeLessThan(16 * BUFFER_BYTES + 64 * MiB)
    expect(after.circuits).toBe(16)
    for (const { sink } of flows) sink.stream.resume()
    expect(await Promise.all(flows.map(flow => arrivesWhole(flow)))).toEqual(flows.map(() => true))
  })
})

describe.each<Kind>(['tcp', 'ws'])('behind a %s connection that stalls as a whole', kind => {
  it('stops the writer, and neither the connection nor a byte is lost', async () => {
    await using relay = await RelayProcess.start()
    await using way = await stallableWay(relay.address(kind))
    await using target = await FlowPeer.create(way.address, { reserved: true })
    await using source = await FlowPeer.create(relay.address('tcp'))
    await using other = await FlowPeer.create(relay.address('tcp'), { reserved: true })
    const flows = []
    for (let i = 0; i < 4; i++) flows.push(await source.flowTo(target))
    await sleep(300)
    const before = await relay.state()

    way.stall()
    await Promise.all(flows.map(flow => stuck(flow)))
    const after = await relay.state()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * BUFFER_BYTES)
    expect(after.rss - before.rss).toBeLessThan(4 * BUFFER_BYTES + 64 * MiB)
    expect(await pingMs(source)).toBeLessThan(2000)
    expect(await arrivesWhole(await source.flowTo(other, { bytes: 8 * MiB }))).toBe(true)
    await sleep(5000)
    expect((await relay.state()).closed).toEqual(['closed'])
    for (const { source } of flows) expect(source.stream.status).toBe('open')

    way.goOn()
    expect(await Promise.all(flows.map(flow => arrivesWhole(flow)))).toEqual(flows.map(() => true))
  })
})

/** A proxy before the relay that can stop reading what the relay sends. */
async function stallableWay(relayAddress: string) {
  const port = Number(/\/tcp\/(\d+)/.exec(relayAddress)?.[1])
  const sockets: Socket[] = []
  const fromRelay: Socket[] = []
  const server = createServer(client => {
    const relay = connect(port, '127.0.0.1')
    for (const socket of [client, relay]) socket.on('error', () => {})
    sockets.push(client, relay)
    fromRelay.push(relay)
    client.pipe(relay).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  return {
    address: relayAddress.replace(/\/tcp\/\d+/, `/tcp/${own}`),
    stall: () => fromRelay.forEach(socket => void socket.unpipe().pause()),
    goOn: () => fromRelay.forEach((socket, i) => void socket.pipe(sockets[2 * i] as Socket)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
