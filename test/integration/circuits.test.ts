import type { Connection } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { HopMessage } from '../../app/main/relay/circuit/pb/messages.ts'
import {
  createClient,
  createListener,
  dialThrough,
  exchange,
  type ClientOptions
} from '../support/clients.ts'
import { TcpProxy } from '../support/proxy.ts'
import { RawPeer, connectMessage, hopFrames, openPair } from '../support/raw.ts'
import { KINDS, eventsOf, startRelay, type Kind, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

const MiB = 1024 * 1024

/** Exchanges 1 MiB each way between two stock clients, which come in at those addresses. */
async function exchangeThrough(
  toListener: string,
  toDialer: string,
  options: ClientOptions = {}
): Promise<boolean> {
  await using listener = await createListener(toListener, options)
  await using dialer = await createClient(options)
  return await exchange(await dialThrough(dialer, toDialer, listener), MiB)
}

const closedCircuits = (relay: TestRelay, count: number): Promise<void> =>
  until(`${count} circuits have ended`, () => eventsOf(relay, 'circuit-closed').length === count)

describe.each(KINDS)('on %s', kind => {
  it('lets two clients exchange 1 MiB each way', async () => {
    await using relay = await startRelay()
    const address = relay.address(kind)
    await using listener = await createListener(address)
    await using dialer = await createClient()

    const stream = await dialThrough(dialer, address, listener)

    expect(await exchange(stream, MiB)).toBe(true)
    await stream.close()
    await dialer.stop()
    await closedCircuits(relay, 1)
    const [closed] = eventsOf(relay, 'circuit-closed')
    expect(closed?.bytesToTarget).toBeGreaterThan(MiB)
    expect(closed?.bytesToSource).toBeGreaterThan(MiB)
    expect(relay.node.relay.circuits.size).toBe(0)
  })

  it('does so over IPv6', async () => {
    await using relay = await startRelay({ 'listen.ip4': [], 'listen.ip6': ['::1'] })
    const address = relay.address(kind)
    expect(address).toContain('/ip6/::1/')
    expect(await exchangeThrough(address, address)).toBe(true)
  })

  it.each(['source', 'target'] as const)(
    'passes on what arrives after the %s has closed its writing',
    async first => {
      await using relay = await startRelay()
      await using target = await RawPeer.reserved(relay.address(kind))
      await using source = await RawPeer.create(relay.address(kind))
      const pair = await openPair(relay, source, target)
      const [early, late] = first === 'source' ? pair : [pair[1], pair[0]]

      early.send('all of mine')
      await early.stream.close()
      await until('the other side knows', () => late.ended)
      expect(late.text).toBe('all of mine')
      for (const part of ['but ', 'not ', 'yet ', 'all of mine']) late.send(part)
      await early.receives(23)
      expect(early.ended).toBe(false)
      expect(relay.node.relay.circuits.size).toBe(1)
      await late.stream.close()

      await closedCircuits(relay, 1)
      expect(early.text).toBe('but not yet all of mine')
      expect(early.ended).toBe(true)
      expect(eventsOf(relay, 'circuit-closed')[0]?.reason).toBe('closed')
    }
  )

  it('passes on what a source sent, and closed, before it had its answer', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    const frames = await hopFrames(source.connection)
    await frames.write(HopMessage.encode(connectMessage(target)))
    const stream = frames.unwrap()
    stream.send(Buffer.from('early'))
    await stream.close()

    await until('the target has it all', () => target.taken[0]?.ended === true)
    expect(target.taken[0]?.text).toBe('early')
  })

  it('counts what passes, each way and each peer', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    const [from, to] = await openPair(relay, source, target)
    from.sendBytes(100_000)
    await to.receives(100_000)
    to.sendBytes(7)
    await from.receives(7)

    const { circuits } = relay.node.relay
    expect(circuits.trafficOf(source.id)).toEqual({ sent: 100_000, received: 7 })
    expect(circuits.trafficOf(target.id)).toEqual({ sent: 7, received: 100_000 })
    await Promise.all([from.stream.close(), to.stream.close()])
    await closedCircuits(relay, 1)
    expect(eventsOf(relay, 'circuit-closed')[0]).toEqual({
      id: 1,
      source: source.id,
      target: target.id,
      reason: 'closed',
      bytesToTarget: 100_000,
      bytesToSource: 7,
      seconds: expect.any(Number) as number
    })
  })

  it.each(['source', 'target'] as const)('ends a circuit that its %s resets', async side => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    const [from, to] = await openPair(relay, source, target)
    const [resetting, other] = side === 'source' ? [from, to] : [to, from]

    resetting.stream.abort(new Error('enough'))

    await closedCircuits(relay, 1)
    expect(eventsOf(relay, 'circuit-closed')[0]?.reason).toBe('reset')
    await other.isOver()
    expect(relay.node.relay.circuits.size).toBe(0)
  })
})

const MIXED = KINDS.flatMap(to => KINDS.filter(from => from !== to).map(from => [to, from] as const))

it.each(MIXED)('joins a listener on %s and a dialer on %s', async (toListener: Kind, toDialer: Kind) => {
  await using relay = await startRelay()
  expect(await exchangeThrough(relay.address(toListener), relay.address(toDialer))).toBe(true)
})

it('joins a listener on IPv4 and a dialer on IPv6', async () => {
  await using relay = await startRelay({ 'listen.ip6': ['::1'] })
  const [ip4 = '', ip6 = ''] = ['/ip4/', '/ip6/'].map(family =>
    relay.node.addresses.listening.find(address => address.startsWith(family) && !address.includes('/ws'))
  )
  expect(await exchangeThrough(ip4, ip6)).toBe(true)
})

it.each(['tcp', 'ws'] as const)('serves clients that encrypt with TLS, on %s', async kind => {
  await using relay = await startRelay()
  const address = relay.address(kind)
  expect(await exchangeThrough(address, address, { encrypter: 'tls' })).toBe(true)
})

it('serves several circuits side by side', async () => {
  await using relay = await startRelay()
  const address = relay.address('tcp')
  await using one = await createListener(address)
  await using two = await createListener(relay.address('quic'))
  await using a = await createClient()
  await using b = await createClient()
  const pairs = [one, two].flatMap(listener => [a, b].map(dialer => [listener, dialer] as const))

  const streams = await Promise.all(pairs.map(([listener, dialer]) => dialThrough(dialer, address, listener)))

  const { circuits } = relay.node.relay
  expect(circuits.size).toBe(4)
  for (const client of [one, two, a, b]) expect(circuits.countOf(client.peerId.toString())).toBe(2)
  expect(await Promise.all(streams.map(stream => exchange(stream, MiB)))).toEqual([true, true, true, true])
})

it('carries many circuits between the same two peers', async () => {
  await using relay = await startRelay()
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('tcp'))
  const ends = await Promise.all(Array.from({ length: 100 }, () => source.open(target)))
  ends.forEach((end, number) => end.send(`circuit ${number}`))

  await until('all have arrived', () => target.taken.filter(end => end.bytes > 0).length === 100)
  const texts = target.taken.map(end => end.text).sort()
  expect(texts).toEqual(ends.map((_, number) => `circuit ${number}`).sort())
  expect(relay.node.relay.circuits.countOf(target.id)).toBe(100)
  await target.client.stop()
  await closedCircuits(relay, 100)
  expect(relay.node.relay.circuits.size).toBe(0)
  expect(relay.node.relay.circuits.countOf(source.id)).toBe(0)
})

describe.each(['source', 'target'] as const)('when the connection of the %s breaks', side => {
  it.each([
    ['tcp', 'fin'],
    ['tcp', 'rst'],
    ['ws', 'fin'],
    ['ws', 'rst']
  ] as const)('(%s, %s) the circuit ends and the other side learns it', async (kind, how) => {
    await using relay = await startRelay()
    const address = relay.address(kind)
    await using proxy = await TcpProxy.to(address)
    const addressOf = (who: typeof side): string => (who === side ? proxy.address(address) : address)
    await using target = await RawPeer.reserved(addressOf('target'))
    await using source = await RawPeer.create(addressOf('source'))
    const [from, to] = await openPair(relay, source, target)

    proxy.break(how)

    await closedCircuits(relay, 1)
    expect(eventsOf(relay, 'circuit-closed')[0]?.reason).toBe('peer-gone')
    await (side === 'source' ? to : from).isOver()
    expect(relay.node.relay.circuits.size).toBe(0)
  })
})

describe('with a target that has two connections', () => {
  it('goes over the newer one, or over what is left', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await sleep(5)
    const newer = await target.dialAgain(relay.address('quic'))
    await using source = await RawPeer.create(relay.address('ws'))
    const stops = (connection: Connection): number =>
      connection.streams.filter(({ protocol }) => protocol.endsWith('/stop')).length
    await openPair(relay, source, target)
    expect([stops(target.connection), stops(newer)]).toEqual([0, 1])

    await newer.close()
    await closedCircuits(relay, 1)
    expect(relay.node.relay.reservations.size).toBe(1)
    const [from, to] = await openPair(relay, source, target)
    from.send('by the other way')
    await to.receives(16)
    expect(stops(target.connection)).toBe(1)
  })
})

it('passes on what came with the end of the stream before the target was asked', async () => {
  await using relay = await startRelay()
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('tcp'))
  const frames = await hopFrames(source.connection)
  await frames.write(HopMessage.encode(connectMessage(target)))

  // The last bytes and the end of the stream in one Yamux frame, before the relay has answered.
  const stream = frames.unwrap() as unknown as YamuxStream
  const frame = { type: 0, flag: 4, streamID: stream.streamId, length: 5 }
  stream.sendFrame(frame, Buffer.from('early'))

  await until('the target was asked', () => target.taken.length === 1)
  const [end] = target.taken
  await end?.isOver()
  expect(end?.text).toBe('early')
  await end?.stream.close()
  await until('the slot is free', () => relay.node.relay.circuits.size === 0)
})

interface YamuxStream {
  streamId: number
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }, data: Uint8Array): void
}
