import { RecordEnvelope } from '@libp2p/peer-record'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { HopMessage, HopType, Status, VoucherMessage } from '../../app/main/relay/circuit/pb/messages.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { NodeScript, moduleUrl } from '../support/node-script.ts'
import { TcpProxy } from '../support/proxy.ts'
import { RawPeer, hopFrames, openPair } from '../support/raw.ts'
import { KINDS, eventsOf, startRelay, type Kind, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

const PART_OF: Record<Kind, RegExp> = { tcp: /\/tcp\/\d+\/p2p\//, quic: /\/quic-v1\//, ws: /\/ws\// }
const both = { 'listen.ip6': ['::1'] }

/** The relay's address of that transport on IPv6. */
function address6(relay: TestRelay, kind: Kind): string {
  const found = relay.node.addresses.listening.find(
    address => address.startsWith('/ip6/') && PART_OF[kind].test(address)
  )
  if (found === undefined) throw new Error('the relay does not listen on IPv6')
  return found
}

const ended = (relay: TestRelay): Promise<void> =>
  until('the reservation ends', () => relay.node.relay.reservations.size === 0)

/** A client has its answer a moment before the relay knows that it has. */
const granted = (relay: TestRelay): Promise<void> =>
  until('the reservation is granted', () => eventsOf(relay, 'reservation-accepted').length > 0)

describe.each(KINDS)('a reservation over %s', kind => {
  it('says how long it lasts and where to be reached', async () => {
    await using relay = await startRelay({ ...both, 'relay.reservations.ttlSeconds': 90 })
    await using peer = await RawPeer.create(relay.address(kind))
    const before = Date.now() / 1000

    const { type, status, reservation } = await peer.reserve()

    expect(type).toBe(HopType.STATUS)
    expect(status).toBe(Status.OK)
    expect(Number(reservation?.expire) - before).toBeGreaterThan(88)
    expect(Number(reservation?.expire) - before).toBeLessThan(92)
    const addresses = (reservation?.addrs ?? []).map(bytes => multiaddr(bytes).toString())
    expect([...addresses].sort()).toEqual([...relay.node.addresses.listening].sort())
    expect(addresses.every(address => address.endsWith(`/p2p/${relay.node.peerId}`))).toBe(true)
    expect(addresses[0]).toBe(relay.address(kind))
    await granted(relay)
    expect(eventsOf(relay, 'reservation-accepted')).toEqual([{ peer: peer.id, ip: '127.0.0.1', seconds: 90 }])
  })

  it('names the way the client came in by first, on IPv6 too', async () => {
    await using relay = await startRelay(both)
    await using peer = await RawPeer.create(address6(relay, kind))
    const { reservation } = await peer.reserve()
    expect(multiaddr(reservation?.addrs[0] ?? '').toString()).toBe(address6(relay, kind))
  })

  it('comes with a voucher that the relay has signed', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address(kind))
    const { reservation } = await peer.reserve()

    const envelope = await RecordEnvelope.openAndCertify(reservation?.voucher ?? new Uint8Array(), DOMAIN)

    expect(peerIdOf(envelope.publicKey.toMultihash().bytes)).toBe(relay.node.peerId)
    expect([...envelope.payloadType]).toEqual([0x03, 0x02])
    const voucher = VoucherMessage.decode(envelope.payload)
    expect(peerIdOf(voucher.relay)).toBe(relay.node.peerId)
    expect(peerIdOf(voucher.peer)).toBe(peer.id)
    expect(voucher.expiration).toBe(reservation?.expire)
  })

  it('ends at once when its peer leaves', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.reserved(relay.address(kind))
    await granted(relay)
    await peer.client.stop()
    await ended(relay)
    expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: peer.id, reason: 'peer-gone' }])
  })

  it('ends with the last of its connections, not with the one it was made over', async () => {
    await using relay = await startRelay()
    const address = relay.address(kind)
    await using peer = await RawPeer.create(address)
    const second = await peer.dialAgain(address)
    await peer.reserve()
    await granted(relay)

    await peer.connection.close()
    await until('one connection is left', () => relay.node.connectionsByTransport()[kind4(kind)] === 1)
    await sleep(100)
    expect(relay.node.relay.reservations.size).toBe(1)
    expect(eventsOf(relay, 'reservation-ended')).toEqual([])

    await second.close()
    await ended(relay)
    expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: peer.id, reason: 'peer-gone' }])
  })
})

it('has no more addresses than fit into a message of 4 KiB', async () => {
  const name = (index: number): string => `${'a'.repeat(60)}.${'b'.repeat(60)}.${index}.example`
  const announce = Array.from({ length: 40 }, (_, index) => `/dns4/${name(index)}/tcp/443/wss`)
  await using relay = await startRelay({ announce })
  await using peer = await RawPeer.create(relay.address('tcp'))
  const answer = await peer.reserve()
  expect(HopMessage.encode(answer).byteLength).toBeLessThan(4096)
  expect(answer.reservation?.addrs.length).toBeGreaterThan(10)
  const [first] = answer.reservation?.addrs ?? []
  expect(multiaddr(first).toString()).toBe(relay.address('tcp'))
})

it('ends with the node, as its circuits do', async () => {
  const relay = await startRelay()
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('tcp'))
  await openPair(relay, source, target)
  await relay.node.stop()
  expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: target.id, reason: 'stopped' }])
  expect(eventsOf(relay, 'circuit-closed').map(({ reason }) => reason)).toEqual(['stopped'])
})

const DOMAIN = 'libp2p-relay-rsvp'
const peerIdOf = (multihash: Uint8Array): string => peerIdFromMultihash(Digest.decode(multihash)).toString()
const kind4 = (kind: Kind): string => (kind === 'quic' ? 'quic-v1' : kind)

it.each<[settings: Partial<Settings>, limit: HopMessage['limit']]>([
  [{}, undefined],
  [{ 'relay.circuits.durationSeconds': 120 }, { duration: 120 }],
  [{ 'relay.circuits.bytesEachWay': 131_072 }, { data: 131_072n }],
  [
    { 'relay.circuits.durationSeconds': 7200, 'relay.circuits.bytesEachWay': 2 ** 40 },
    { duration: 7200, data: 2n ** 40n }
  ]
])('with %j the limit is told as %o, in seconds and bytes', async (settings, limit) => {
  await using relay = await startRelay(settings)
  await using target = await RawPeer.create(relay.address('tcp'))
  expect((await target.reserve()).limit).toEqual(limit)
  await using source = await RawPeer.create(relay.address('tcp'))
  expect((await source.connect(target)).limit).toEqual(limit)
  expect(target.asked[0]?.limit).toEqual(limit)
})

describe('a renewal', () => {
  it('keeps the one slot and lasts anew', async () => {
    await using relay = await startRelay({ 'relay.reservations.total': 1, 'relay.reservations.perIp': 1 })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    relay.change({ 'relay.reservations.ttlSeconds': 7200 })

    const { status, reservation } = await peer.reserve()

    expect(status).toBe(Status.OK)
    expect(Number(reservation?.expire) - Date.now() / 1000).toBeGreaterThan(7190)
    expect(relay.node.relay.reservations.size).toBe(1)
    await until('it is renewed', () => eventsOf(relay, 'reservation-renewed').length > 0)
    expect(eventsOf(relay, 'reservation-accepted')).toHaveLength(1)
    expect(eventsOf(relay, 'reservation-renewed')).toEqual([
      { peer: peer.id, ip: '127.0.0.1', seconds: 7200 }
    ])
  })

  it('may come over another connection of the peer, and another transport', async () => {
    await using relay = await startRelay({ 'relay.reservations.total': 1, 'relay.reservations.perIp': 1 })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    const other = await peer.dialAgain(relay.address('quic'))

    expect((await peer.reserve(other)).status).toBe(Status.OK)
    expect(relay.node.relay.reservations.size).toBe(1)
    await peer.connection.close()
    await sleep(100)
    expect(relay.node.relay.reservations.size).toBe(1)
  })

  it('from another IP address moves the slot there', async () => {
    await using relay = await startRelay({ ...both, 'relay.reservations.perIp': 1 })
    await using mover = await RawPeer.reserved(relay.address('tcp'))
    await using stayer = await RawPeer.create(relay.address('tcp'))
    expect((await stayer.reserve()).status).toBe(Status.RESERVATION_REFUSED)

    const elsewhere = await mover.dialAgain(address6(relay, 'tcp'))
    expect((await mover.reserve(elsewhere)).status).toBe(Status.OK)

    expect((await stayer.reserve()).status).toBe(Status.OK)
    expect((await mover.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect((await mover.reserve(elsewhere)).status).toBe(Status.OK)
    expect(relay.node.relay.reservations.size).toBe(2)
  })

  it('that is refused leaves the reservation as it is', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    relay.node.relay.setMode('draining')
    expect((await peer.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(relay.node.relay.reservations.size).toBe(1)
  })
})

describe('after its time', () => {
  it.concurrent('a reservation ends, and its slot is free', async () => {
    await using relay = await startRelay({
      'relay.reservations.total': 1,
      'relay.reservations.ttlSeconds': 1
    })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    await granted(relay)
    await using next = await RawPeer.create(relay.address('tcp'))
    expect((await next.reserve()).status).toBe(Status.RESERVATION_REFUSED)

    await ended(relay)

    expect(eventsOf(relay, 'reservation-expired')).toEqual([{ peer: peer.id }])
    expect(eventsOf(relay, 'reservation-ended')).toEqual([])
    expect((await next.connect(peer)).status).toBe(Status.NO_RESERVATION)
    expect((await next.reserve()).status).toBe(Status.OK)
  })

  it.concurrent('a reservation that was renewed goes on', async () => {
    await using relay = await startRelay({ 'relay.reservations.ttlSeconds': 1 })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    relay.change({ 'relay.reservations.ttlSeconds': 3600 })
    await peer.reserve()
    await sleep(2000)
    expect(relay.node.relay.reservations.get(peer.id)).toBeDefined()
    expect(eventsOf(relay, 'reservation-expired')).toEqual([])
  })

  it.concurrent('a circuit goes on: it has its own limits', async () => {
    await using relay = await startRelay({ 'relay.reservations.ttlSeconds': 1 })
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using source = await RawPeer.create(relay.address('tcp'))
    const end = await source.open(target)
    await ended(relay)
    end.send('still here')
    await until('it arrives', () => target.taken[0]?.text === 'still here')
  })
})

describe('when the connection breaks', () => {
  it.concurrent.each([
    ['tcp', 'fin'],
    ['tcp', 'rst'],
    ['ws', 'fin'],
    ['ws', 'rst']
  ] as const)('(%s, %s) the slot is free at once', async (kind, how) => {
    await using relay = await startRelay({ 'relay.reservations.total': 1 })
    await using proxy = await TcpProxy.to(relay.address(kind))
    await using peer = await RawPeer.reserved(proxy.address(relay.address(kind)))
    await granted(relay)
    await using next = await RawPeer.create(relay.address(kind))
    expect((await next.reserve()).status).toBe(Status.RESERVATION_REFUSED)

    proxy.break(how)

    await until('the slot is free', () => relay.node.relay.reservations.size === 0, 2)
    expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: peer.id, reason: 'peer-gone' }])
    expect((await next.reserve()).status).toBe(Status.OK)
  })

  // QUIC has no socket that breaks: a peer is gone when it was silent for the idle timeout, 15 s.
  it.concurrent.each([
    ['tcp', 5],
    ['quic', 40]
  ] as const)('(%s, kill -9) the slot is free within %i s', async (kind, seconds) => {
    await using relay = await startRelay()
    const script = new NodeScript(`
      const { RawPeer } = await import(${moduleUrl('test/support/raw.ts')})
      const peer = await RawPeer.reserved(${JSON.stringify(relay.address(kind))})
      console.log(peer.id)
    `)
    try {
      const peer = await script.line()
      await granted(relay)
      expect(relay.node.relay.reservations.get(peer)).toBeDefined()
      await script.kill()
      await until('the slot is free', () => relay.node.relay.reservations.size === 0, seconds)
      expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer, reason: 'peer-gone' }])
    } finally {
      await script.kill()
    }
  })
})

describe('a request that fails', () => {
  const reserveMessage = HopMessage.encode({ type: HopType.RESERVE })

  it.each(KINDS)('costs no slot when the client resets it (%s)', async kind => {
    await using relay = await startRelay()
    await using peers = await RawPeer.several(10, relay.address(kind))
    for (const [index, peer] of peers.entries()) {
      const frames = await hopFrames(peer.connection)
      await frames.write(reserveMessage)
      // The first half at once, so that the relay learns of the reset before it can answer.
      if (index >= 5) await sleep((index - 5) / 2)
      frames.unwrap().abort(new Error('never mind'))
    }
    await sleep(200)
    const accepted = eventsOf(relay, 'reservation-accepted').map(({ peer }) => peer)
    const held = [...relay.node.relay.reservations.values()].map(({ peer }) => peer)
    expect(held.sort()).toEqual(accepted.sort())
    expect(relay.node.relay.reservations.countFrom('127.0.0.1')).toBe(accepted.length)
    expect(accepted.length).toBeLessThan(10)
  })

  it('for a renewal leaves the reservation as it was', async () => {
    await using relay = await startRelay({ 'relay.reservations.ttlSeconds': 3600 })
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    const before = relay.node.relay.reservations.get(peer.id)?.expiresAt
    relay.change({ 'relay.reservations.ttlSeconds': 7200 })
    const frames = await hopFrames(peer.connection)
    await frames.write(reserveMessage)
    frames.unwrap().abort(new Error('never mind'))
    await sleep(200)
    expect(relay.node.relay.reservations.get(peer.id)?.expiresAt).toBe(before)
    expect(eventsOf(relay, 'reservation-renewed')).toEqual([])
  })

  it.each(KINDS)('is no event when the client goes away meanwhile (%s)', async kind => {
    await using relay = await startRelay()
    const address = relay.address(kind)
    for (let i = 0; i < 20; i++) {
      // The stock WebSocket's own reset leaves its socket open: break it from outside.
      await using proxy = kind === 'ws' ? await TcpProxy.to(address) : undefined
      await using peer = await RawPeer.create(proxy?.address(address) ?? address)
      const frames = await hopFrames(peer.connection)
      void frames.write(reserveMessage).catch(() => {})
      await sleep(i / 4)
      if (proxy === undefined) peer.connection.abort(new Error('gone'))
      else proxy.break('rst')
    }
    await until('all have left', () => relay.node.connectedPeers === 0)
    await ended(relay)
    await sleep(200)
    expect(relay.node.relay.reservations.countFrom('127.0.0.1')).toBe(0)
    const accepted = eventsOf(relay, 'reservation-accepted').map(({ peer }) => peer)
    expect(eventsOf(relay, 'reservation-ended')).toEqual(
      accepted.map(peer => ({ peer, reason: 'peer-gone' }))
    )
  })

  it('of two at once is one reservation, accepted and renewed', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('tcp'))
    const answers = await Promise.all([peer.reserve(), peer.reserve(), peer.reserve()])
    expect(answers.map(({ status }) => status)).toEqual([Status.OK, Status.OK, Status.OK])
    await until('all are told', () => eventsOf(relay, 'reservation-renewed').length === 2)
    expect(eventsOf(relay, 'reservation-accepted')).toHaveLength(1)
    expect(relay.node.relay.reservations.size).toBe(1)
  })
})
