import { describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { RawPeer, openPair, type RawEnd } from '../support/raw.ts'
import { addressOf, eventsOf, startRelay, KINDS, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

const both = { 'listen.ip6': ['::1'] }

function address6(relay: TestRelay): string {
  return addressOf(
    relay.node.addresses.listening.filter(address => address.startsWith('/ip6/')),
    'tcp'
  )
}

/** Closes a circuit from both its ends, and waits until the relay has its slot back. */
async function closePair(relay: TestRelay, ...ends: RawEnd[]): Promise<void> {
  const before = relay.node.relay.circuits.size
  await Promise.all(ends.map(end => end.stream.close()))
  await until('the slot is free', () => relay.node.relay.circuits.size < before)
}

const lastDenied = (relay: TestRelay): string | undefined => eventsOf(relay, 'request-denied').at(-1)?.reason
const lastClosed = (relay: TestRelay): string | undefined => eventsOf(relay, 'circuit-closed').at(-1)?.reason

async function closedBy(relay: TestRelay, reason: string, seconds = 20): Promise<void> {
  await until(`the circuit ends by ${reason}`, () => eventsOf(relay, 'circuit-closed').length > 0, seconds)
  expect(lastClosed(relay)).toBe(reason)
  expect(relay.node.relay.circuits.size).toBe(0)
}

describe('reservations', () => {
  it('are granted up to relay.reservations.total, and again when one is gone', async () => {
    await using relay = await startRelay({ 'relay.reservations.total': 2 })
    const address = relay.address('tcp')
    await using first = await RawPeer.reserved(address)
    await using second = await RawPeer.reserved(address)
    await using third = await RawPeer.create(address)

    expect((await third.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(lastDenied(relay)).toBe('full')
    expect(relay.node.relay.reservations.size).toBe(2)
    await first.client.stop()
    await until('the slot is free', () => relay.node.relay.reservations.size === 1)
    expect((await third.reserve()).status).toBe(Status.OK)
    expect((await second.reserve()).status).toBe(Status.OK)
  })

  it('are granted up to relay.reservations.perIp, each IP address by itself', async () => {
    await using relay = await startRelay({ ...both, 'relay.reservations.perIp': 2 })
    const address = relay.address('tcp')
    await using first = await RawPeer.reserved(address)
    await using second = await RawPeer.reserved(relay.address('quic'))
    await using third = await RawPeer.create(relay.address('ws'))

    expect((await third.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(lastDenied(relay)).toBe('per-ip-full')
    await using elsewhere = await RawPeer.create(address6(relay))
    expect((await elsewhere.reserve()).status).toBe(Status.OK)
    await first.client.stop()
    await until('the slot is free', () => relay.node.relay.reservations.size === 2)
    expect((await third.reserve()).status).toBe(Status.OK)
    expect((await second.reserve()).status).toBe(Status.OK)
  })

  it('are never more than the limit, however many ask at once', async () => {
    await using relay = await startRelay({ 'relay.reservations.total': 5 })
    await using peers = await RawPeer.several(10, relay.address('tcp'))
    const answers = await Promise.all(peers.map(peer => peer.reserve()))
    expect(answers.filter(({ status }) => status === Status.OK)).toHaveLength(5)
    expect(relay.node.relay.reservations.size).toBe(5)
  })
})

describe('circuits', () => {
  it('are joined up to relay.circuits.total, and again when one is gone', async () => {
    await using relay = await startRelay({ 'relay.circuits.total': 2 })
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using source = await RawPeer.create(relay.address('tcp'))
    await using other = await RawPeer.create(relay.address('tcp'))
    const pair = await openPair(relay, source, target)
    await openPair(relay, source, target)

    expect((await other.connect(target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect(lastDenied(relay)).toBe('full')
    expect(target.asked).toHaveLength(2)
    await closePair(relay, ...pair)
    expect((await other.connect(target)).status).toBe(Status.OK)
  })

  it('are never more than the limit, however many are asked for at once', async () => {
    await using relay = await startRelay({ 'relay.circuits.total': 5 })
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using source = await RawPeer.create(relay.address('tcp'))
    const answers = await Promise.all(Array.from({ length: 10 }, () => source.connect(target)))
    expect(answers.filter(({ status }) => status === Status.OK)).toHaveLength(5)
    expect(target.asked).toHaveLength(5)
  })

  it.each(['source', 'target'] as const)(
    'are joined up to relay.circuits.perPeer for one %s, and again when one is gone',
    async side => {
      await using relay = await startRelay({ 'relay.circuits.perPeer': 2 })
      const address = relay.address('tcp')
      await using one = await RawPeer.reserved(address)
      await using two = await RawPeer.reserved(address)
      await using three = await RawPeer.reserved(address)
      await using busy = await RawPeer.reserved(address)
      const between = (other: RawPeer): [RawPeer, RawPeer] =>
        side === 'source' ? [busy, other] : [other, busy]
      const pair = await openPair(relay, ...between(one))
      await openPair(relay, ...between(two))

      const [source, target] = between(three)
      expect((await source.connect(target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
      expect(lastDenied(relay)).toBe('per-peer-full')
      expect((await one.connect(two)).status).toBe(Status.OK)
      await closePair(relay, ...pair)
      expect((await source.connect(target)).status).toBe(Status.OK)
    }
  )

  it('of one peer count together, as source and as target', async () => {
    await using relay = await startRelay({ 'relay.circuits.perPeer': 2 })
    await using busy = await RawPeer.reserved(relay.address('tcp'))
    await using other = await RawPeer.reserved(relay.address('tcp'))
    await using third = await RawPeer.create(relay.address('tcp'))
    await openPair(relay, busy, other)
    await openPair(relay, other, busy)

    expect((await third.connect(busy)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect(lastDenied(relay)).toBe('per-peer-full')
  })
})

describe('relay.circuits.durationSeconds', () => {
  it.concurrent.each(KINDS)('ends a circuit after its time, used or not (%s)', async kind => {
    await using relay = await startRelay({ 'relay.circuits.durationSeconds': 2 })
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    const [from, to] = await openPair(relay, source, target)
    from.send('hello')
    await to.receives(5)

    await closedBy(relay, 'duration')

    const seconds = eventsOf(relay, 'circuit-closed')[0]?.seconds ?? 0
    expect(seconds).toBeGreaterThanOrEqual(2)
    expect(seconds).toBeLessThan(5)
    await Promise.all([from.isOver(), to.isOver()])
    await openPair(relay, source, target)
  })
})

const LIMIT = 100_000

describe.each<[how: string, settings: Partial<Settings>]>([
  ['at full speed', {}],
  ['at a rate', { 'relay.rate.perCircuitBytesPerSecond': 2_000_000 }]
])('relay.circuits.bytesEachWay %s', (_how, settings) => {
  const limited = { ...settings, 'relay.circuits.bytesEachWay': LIMIT }

  it.each(KINDS)('lets just so much pass, and ends the circuit at the next byte (%s)', async kind => {
    await using relay = await startRelay(limited)
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    const [from, to] = await openPair(relay, source, target)

    from.sendBytes(LIMIT)
    await to.receives(LIMIT)
    to.send('got it')
    await from.receives(6)
    await sleep(100)
    expect(eventsOf(relay, 'circuit-closed')).toEqual([])
    from.sendBytes(1)

    await closedBy(relay, 'bytes')
    const [closed] = eventsOf(relay, 'circuit-closed')
    expect([closed?.bytesToTarget, closed?.bytesToSource]).toEqual([LIMIT, 6])
    expect(to.bytes).toBe(LIMIT)
    await Promise.all([from.isOver(), to.isOver()])
  })

  it.each(['to-target', 'to-source'] as const)('ends the circuit, sent at once %s', async direction => {
    await using relay = await startRelay(limited)
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using source = await RawPeer.create(relay.address('tcp'))
    const pair = await openPair(relay, source, target)
    const [from, to] = direction === 'to-target' ? pair : [pair[1], pair[0]]

    from.sendBytes(LIMIT + 1)

    await closedBy(relay, 'bytes')
    const [closed] = eventsOf(relay, 'circuit-closed')
    const passed = [closed?.bytesToTarget, closed?.bytesToSource]
    expect(passed).toEqual(direction === 'to-target' ? [LIMIT, 0] : [0, LIMIT])
    expect(to.bytes).toBeLessThanOrEqual(LIMIT)
    const { circuits } = relay.node.relay
    expect(circuits.trafficOf(source.id).sent + circuits.trafficOf(target.id).sent).toBe(LIMIT)
  })

  it('counts each direction by itself', async () => {
    await using relay = await startRelay(limited)
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using source = await RawPeer.create(relay.address('tcp'))
    const [from, to] = await openPair(relay, source, target)

    from.sendBytes(LIMIT)
    to.sendBytes(LIMIT)

    await Promise.all([from.receives(LIMIT), to.receives(LIMIT)])
    await sleep(100)
    expect(eventsOf(relay, 'circuit-closed')).toEqual([])
    await Promise.all([from.stream.close(), to.stream.close()])
    await closedBy(relay, 'closed')
  })
})

describe('attempts', () => {
  it('are up to relay.attempts.perPeerPerMinute, reservations and connects together', async () => {
    await using relay = await startRelay({ 'relay.attempts.perPeerPerMinute': 3 })
    await using stranger = await RawPeer.create(relay.address('tcp'))
    await using eager = await RawPeer.create(relay.address('tcp'))
    const statuses: unknown[] = []
    for (let i = 0; i < 2; i++) statuses.push((await eager.connect(stranger)).status)
    statuses.push((await eager.reserve()).status)
    expect(statuses).toEqual([Status.NO_RESERVATION, Status.NO_RESERVATION, Status.OK])

    expect((await eager.connect(stranger)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect(lastDenied(relay)).toBe('peer-rate')
    await eager.dialAgain(relay.address('quic'))
    expect((await eager.connect(stranger)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect((await stranger.reserve()).status).toBe(Status.OK)
  })

  it('that are refused for being too many are a refused reservation too', async () => {
    await using relay = await startRelay({ 'relay.attempts.perPeerPerMinute': 1 })
    await using peer = await RawPeer.create(relay.address('tcp'))
    expect((await peer.connect(peer)).status).toBe(Status.NO_RESERVATION)
    expect((await peer.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(lastDenied(relay)).toBe('peer-rate')
    expect(relay.node.relay.reservations.size).toBe(0)
  })

  it('are up to relay.attempts.perIpPerMinute for all peers of one IP address', async () => {
    await using relay = await startRelay({ ...both, 'relay.attempts.perIpPerMinute': 3 })
    await using peers = await RawPeer.several(4, relay.address('tcp'))
    const [one, two, three, four] = peers as unknown as [RawPeer, RawPeer, RawPeer, RawPeer]
    await using elsewhere = await RawPeer.create(address6(relay))
    for (const peer of [one, two, three]) expect((await peer.reserve()).status).toBe(Status.OK)

    expect((await four.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(lastDenied(relay)).toBe('ip-rate')
    expect((await one.connect(two)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect((await elsewhere.reserve()).status).toBe(Status.OK)
  })

  it('do not count renewals', async () => {
    await using relay = await startRelay({
      'relay.attempts.perPeerPerMinute': 2,
      'relay.attempts.perIpPerMinute': 2
    })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    for (let i = 0; i < 5; i++) expect((await peer.reserve()).status).toBe(Status.OK)
    expect((await peer.connect(peer)).status).not.toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect((await peer.connect(peer)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect((await peer.reserve()).status).toBe(Status.OK)
  })

  it('are allowed again with time', async () => {
    await using relay = await startRelay({ 'relay.attempts.perPeerPerMinute': 60 })
    await using stranger = await RawPeer.create(relay.address('tcp'))
    await using eager = await RawPeer.create(relay.address('tcp'))
    await until('it has tried too often', async () => {
      return (await eager.connect(stranger)).status === Status.RESOURCE_LIMIT_EXCEEDED
    })
    await until(
      'it may try again',
      async () => (await eager.connect(stranger)).status === Status.NO_RESERVATION,
      5
    )
  })
})
