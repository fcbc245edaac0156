import { describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { RawPeer, openPair, type RawEnd } from '../support/raw.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** A relay whose settings change while peers use it: what is still inside the limits goes on. */

interface Scene {
  relay: TestRelay
  target: RawPeer
  source: RawPeer
  open(): Promise<[source: RawEnd, target: RawEnd]>
  [Symbol.asyncDispose](): Promise<void>
}

async function scene(settings: Partial<Settings> = {}): Promise<Scene> {
  const relay = await startRelay(settings)
  const target = await RawPeer.reserved(relay.address('tcp'))
  const source = await RawPeer.create(relay.address('tcp'))
  return {
    relay,
    target,
    source,
    open: () => openPair(relay, source, target),
    async [Symbol.asyncDispose]() {
      await Promise.all([target.client.stop(), source.client.stop()])
      await relay.node.stop()
    }
  }
}

const ends = (relay: TestRelay): string[] => eventsOf(relay, 'circuit-closed').map(({ reason }) => reason)

/** The circuit still carries data, both ways. */
async function goesOn([from, to]: [RawEnd, RawEnd]): Promise<void> {
  const [there, back] = [to.bytes, from.bytes]
  from.send('to and')
  await to.receives(there + 6)
  to.send('fro')
  await from.receives(back + 3)
}

describe.concurrent('relay.circuits.durationSeconds', () => {
  it('lowered ends the circuits that are older, within a second, and lets younger ones go on', async () => {
    await using on = await scene()
    await on.open()
    await sleep(2100)
    const young = await on.open()

    on.relay.change({ 'relay.circuits.durationSeconds': 2 })

    await until('the old one ends', () => ends(on.relay).length === 1, 1)
    await goesOn(young)
    await until('the young one ends in its time', () => ends(on.relay).length === 2, 5)
    expect(ends(on.relay)).toEqual(['duration', 'duration'])
    const seconds = eventsOf(on.relay, 'circuit-closed').map(closed => closed.seconds)
    expect(seconds[1]).toBeGreaterThanOrEqual(2)
  })

  it.each([0, 3600])('raised (to %i) lets running circuits go on', async seconds => {
    await using on = await scene({ 'relay.circuits.durationSeconds': 1 })
    const pair = await on.open()
    on.relay.change({ 'relay.circuits.durationSeconds': seconds })
    await sleep(2000)
    await goesOn(pair)
    expect(ends(on.relay)).toEqual([])
  })
})

describe('relay.circuits.bytesEachWay', () => {
  it('lowered ends the circuits that have carried more, at once, and lets others go on', async () => {
    await using on = await scene()
    const [busy, busyEnd] = await on.open()
    const quiet = await on.open()
    busy.sendBytes(50_001)
    await busyEnd.receives(50_001)
    quiet[1].sendBytes(40_000)
    await quiet[0].receives(40_000)

    on.relay.change({ 'relay.circuits.bytesEachWay': 50_000 })

    await until('the busy one ends', () => ends(on.relay).length === 1, 1)
    expect(ends(on.relay)).toEqual(['bytes'])
    await busyEnd.isOver()
    await goesOn(quiet)
    quiet[1].sendBytes(10_000)
    await until('the other has carried too much as well', () => ends(on.relay).length === 2)
    expect(eventsOf(on.relay, 'circuit-closed')[1]).toMatchObject({ reason: 'bytes', bytesToSource: 50_000 })
  })

  it('lowered to what a circuit has carried leaves it open', async () => {
    await using on = await scene()
    const [from, to] = await on.open()
    from.sendBytes(50_000)
    await to.receives(50_000)
    on.relay.change({ 'relay.circuits.bytesEachWay': 50_000 })
    await sleep(700)
    expect(ends(on.relay)).toEqual([])
    to.send('back')
    await from.receives(4)
  })

  it.each([0, 200_000])('raised (to %i) lets running circuits carry more', async bytesEachWay => {
    await using on = await scene({ 'relay.circuits.bytesEachWay': 1000 })
    const [from, to] = await on.open()
    from.sendBytes(1000)
    await to.receives(1000)
    on.relay.change({ 'relay.circuits.bytesEachWay': bytesEachWay })
    from.sendBytes(100_000)
    await to.receives(101_000)
    expect(ends(on.relay)).toEqual([])
  })
})

describe.each(['relay.circuits.total', 'relay.circuits.perPeer'] as const)('%s', key => {
  it('lowered refuses new circuits and lets those that run go on', async () => {
    await using on = await scene()
    const pairs = [await on.open(), await on.open(), await on.open()]

    on.relay.change({ [key]: 2 })

    await sleep(700)
    for (const pair of pairs) await goesOn(pair)
    expect(ends(on.relay)).toEqual([])
    expect((await on.source.connect(on.target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    for (const [index, pair] of pairs.slice(0, 2).entries()) {
      await Promise.all(pair.map(end => end.stream.close()))
      await until('it is closed', () => ends(on.relay).length === index + 1)
    }
    expect((await on.source.connect(on.target)).status).toBe(Status.OK)
    expect((await on.source.connect(on.target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
  })

  it.each([0, 2])('raised (to %i) lets more in at once', async limit => {
    await using on = await scene({ [key]: 1 })
    await on.open()
    expect((await on.source.connect(on.target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    on.relay.change({ [key]: limit })
    expect((await on.source.connect(on.target)).status).toBe(Status.OK)
  })
})

describe.each(['relay.reservations.total', 'relay.reservations.perIp'] as const)('%s', key => {
  it('lowered refuses new reservations and keeps those there are, with their renewals', async () => {
    await using on = await scene()
    await using second = await RawPeer.reserved(on.relay.address('tcp'))

    on.relay.change({ [key]: 1 })

    expect((await on.source.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect((await on.target.reserve()).status).toBe(Status.OK)
    expect((await second.reserve()).status).toBe(Status.OK)
    await goesOn(await on.open())
    expect(on.relay.node.relay.reservations.size).toBe(2)
  })

  it.each([0, 2])('raised (to %i) grants more at once', async limit => {
    await using on = await scene({ [key]: 1 })
    expect((await on.source.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    on.relay.change({ [key]: limit })
    expect((await on.source.reserve()).status).toBe(Status.OK)
  })
})

describe.each(['relay.attempts.perPeerPerMinute', 'relay.attempts.perIpPerMinute'] as const)('%s', key => {
  const tries = async ({ source, target }: Scene): Promise<number | undefined> =>
    (await source.connect(target)).status

  it('lowered counts from now on', async () => {
    await using on = await scene()
    for (let i = 0; i < 5; i++) expect(await tries(on)).toBe(Status.OK)
    on.relay.change({ [key]: 2 })
    expect([await tries(on), await tries(on), await tries(on)]).toEqual([
      Status.OK,
      Status.OK,
      Status.RESOURCE_LIMIT_EXCEEDED
    ])
  })

  it('lifted lets everyone try again', async () => {
    // The target's reservation is an attempt of the IP address.
    await using on = await scene({ [key]: key.includes('Ip') ? 2 : 1 })
    expect([await tries(on), await tries(on)]).toEqual([Status.OK, Status.RESOURCE_LIMIT_EXCEEDED])
    on.relay.change({ [key]: 0 })
    expect(await tries(on)).toBe(Status.OK)
  })
})

describe('relay.rate.perCircuitBytesPerSecond', () => {
  it('lowered and lifted holds and frees a running circuit', async () => {
    await using on = await scene()
    const pair = await on.open()
    on.relay.change({ 'relay.rate.perCircuitBytesPerSecond': 20_000 })
    const before = performance.now()
    pair[0].sendBytes(400_000)
    await sleep(1000)
    const most = 20_000 * ((performance.now() - before) / 1000)
    expect(pair[1].bytes).toBeGreaterThan(most / 2)
    expect(pair[1].bytes).toBeLessThan(most * 1.5)

    on.relay.change({ 'relay.rate.perCircuitBytesPerSecond': 0 })

    // At the old rate the rest would take 19 s.
    await until('the rest has passed', () => pair[1].bytes === 400_000, 5)
    await goesOn(pair)
  })
})

it('the mode changes what is taken from then on, and nothing that runs', async () => {
  await using on = await scene()
  const pair = await on.open()
  for (const mode of ['paused', 'quota', 'draining'] as const) {
    on.relay.node.relay.setMode(mode)
    expect(on.relay.node.relay.mode).toBe(mode)
    expect((await on.source.connect(on.target)).status).toBe(Status.RESOURCE_LIMIT_EXCEEDED)
    expect((await on.source.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect((await on.target.reserve()).status).toBe(
      mode === 'paused' ? Status.OK : Status.RESERVATION_REFUSED
    )
    await goesOn(pair)
  }
  on.relay.node.relay.setMode('open')
  expect((await on.source.connect(on.target)).status).toBe(Status.OK)
})
