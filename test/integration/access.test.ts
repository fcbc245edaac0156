import { describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import { accept, RawPeer, openPair } from '../support/raw.ts'
import { addressOf, eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** On IPv4 and IPv6: two IP addresses to come from. */
const both = { 'listen.ip6': ['::1'] }
const addressIn = (relay: TestRelay, family: 'ip4' | 'ip6'): string =>
  addressOf(
    relay.node.addresses.listening.filter(address => address.startsWith(`/${family}/`)),
    'tcp'
  )

const reasons = (relay: TestRelay): string[] => eventsOf(relay, 'request-denied').map(({ reason }) => reason)

describe.each<[rule: string, onIp4: boolean, onIp6: boolean]>([
  ['127.0.0.1', true, false],
  ['127.0.0.0/8', true, false],
  ['0.0.0.0/0', true, false],
  ['::ffff:127.0.0.1', true, false],
  ['::1', false, true],
  ['::/0', false, true],
  ['192.0.2.0/24', false, false]
])('the rule %s', (rule, onIp4, onIp6) => {
  it.each([
    ['access.deny', 'denied', !onIp4, !onIp6],
    ['access.allow', 'not-allowed', onIp4, onIp6]
  ] as const)('in %s is for whom it names', async (key, reason, ip4MayUse, ip6MayUse) => {
    await using relay = await startRelay({ ...both, [key]: [rule] })
    await using ip4 = await RawPeer.create(addressIn(relay, 'ip4'))
    await using ip6 = await RawPeer.create(addressIn(relay, 'ip6'))

    const expected = (mayUse: boolean): number => (mayUse ? Status.OK : Status.PERMISSION_DENIED)
    expect((await ip4.reserve()).status).toBe(expected(ip4MayUse))
    expect((await ip6.reserve()).status).toBe(expected(ip6MayUse))
    expect(reasons(relay)).toEqual([ip4MayUse, ip6MayUse].filter(may => !may).map(() => reason))
  })
})

describe('peer ids', () => {
  it('on the deny list neither reserve nor dial, others do both', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using denied = await RawPeer.create(relay.address('tcp'))
    await using other = await RawPeer.create(relay.address('tcp'))
    relay.change({ 'access.deny': [denied.id] })

    expect((await denied.reserve()).status).toBe(Status.PERMISSION_DENIED)
    expect((await denied.connect(target)).status).toBe(Status.PERMISSION_DENIED)
    expect((await other.reserve()).status).toBe(Status.OK)
    expect((await other.connect(target)).status).toBe(Status.OK)
    expect(reasons(relay)).toEqual(['denied', 'denied'])
  })

  it('on the allow list reserve and dial, others do neither', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.create(relay.address('tcp'))
    await using allowed = await RawPeer.create(relay.address('tcp'))
    await using other = await RawPeer.create(relay.address('tcp'))
    relay.change({ 'access.allow': [allowed.id, target.id] })
    expect((await target.reserve()).status).toBe(Status.OK)

    expect((await allowed.connect(target)).status).toBe(Status.OK)
    expect((await allowed.reserve()).status).toBe(Status.OK)
    expect((await other.reserve()).status).toBe(Status.PERMISSION_DENIED)
    expect((await other.connect(target)).status).toBe(Status.PERMISSION_DENIED)
    expect(reasons(relay)).toEqual(['not-allowed', 'not-allowed'])
  })

  it('on both lists are denied', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('tcp'))
    relay.change({ 'access.allow': [peer.id], 'access.deny': [peer.id] })
    expect((await peer.reserve()).status).toBe(Status.PERMISSION_DENIED)
    expect(reasons(relay)).toEqual(['denied'])
  })
})

describe('a change of the lists', () => {
  it.each(['target', 'source'] as const)(
    'that denies the %s ends what it has, at once, and nothing else',
    async side => {
      await using relay = await startRelay()
      await using denied = await RawPeer.reserved(relay.address('tcp'))
      await using one = await RawPeer.reserved(relay.address('tcp'))
      await using two = await RawPeer.create(relay.address('tcp'))
      const pair = await (side === 'target' ? openPair(relay, one, denied) : openPair(relay, denied, one))
      const [from, to] = await openPair(relay, two, one)
      relay.events.length = 0

      relay.change({ 'access.deny': [denied.id] })

      expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: denied.id, reason: 'denied' }])
      expect(eventsOf(relay, 'circuit-closed').map(({ reason }) => reason)).toEqual(['denied'])
      await Promise.all(pair.map(end => end.isOver()))
      expect(relay.node.relay.circuits.size).toBe(1)
      expect(relay.node.relay.reservations.get(one.id)).toBeDefined()
      from.send('still here')
      await to.receives(10)
      expect((await denied.reserve()).status).toBe(Status.PERMISSION_DENIED)
    }
  )

  it('that denies an IP address ends what came from there', async () => {
    await using relay = await startRelay(both)
    await using inside = await RawPeer.reserved(addressIn(relay, 'ip4'))
    await using outside = await RawPeer.reserved(addressIn(relay, 'ip6'))
    await openPair(relay, outside, inside)

    relay.change({ 'access.deny': ['127.0.0.0/8'] })

    expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: inside.id, reason: 'denied' }])
    expect(eventsOf(relay, 'circuit-closed').map(({ reason }) => reason)).toEqual(['denied'])
    expect((await outside.reserve()).status).toBe(Status.OK)
  })

  it('that leaves someone out of the allow list ends what they have', async () => {
    await using relay = await startRelay()
    await using kept = await RawPeer.reserved(relay.address('tcp'))
    await using left = await RawPeer.reserved(relay.address('tcp'))
    relay.change({ 'access.allow': [kept.id] })
    expect(eventsOf(relay, 'reservation-ended')).toEqual([{ peer: left.id, reason: 'denied' }])
    expect(relay.node.relay.reservations.get(kept.id)).toBeDefined()
  })

  it('that lets someone in again is enough: no connection was closed', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.reserved(relay.address('tcp'))
    relay.change({ 'access.deny': [peer.id] })
    relay.change({ 'access.deny': [] })
    expect((await peer.reserve()).status).toBe(Status.OK)
  })

  it.each(['source', 'target'] as const)(
    'that denies the %s while its target is asked stops that circuit too',
    async side => {
      await using relay = await startRelay()
      const go = Promise.withResolvers<void>()
      await using target = await RawPeer.reserved(relay.address('tcp'), {
        answer: async (peer, frames) => {
          await go.promise
          await accept(peer, frames)
        }
      })
      await using source = await RawPeer.create(relay.address('tcp'))
      const connecting = source.connect(target)
      await until('the target is asked', () => target.asked.length === 1)

      relay.change({ 'access.deny': [side === 'source' ? source.id : target.id] })
      go.resolve()

      const status = side === 'source' ? Status.PERMISSION_DENIED : Status.NO_RESERVATION
      expect((await connecting).status).toBe(status)
      await until('the target has taken it', () => target.taken.length === 1)
      await target.taken[0]?.isOver()
      await sleep(50)
      expect(eventsOf(relay, 'circuit-accepted')).toEqual([])
      expect(relay.node.relay.circuits.size).toBe(0)
    }
  )
})
