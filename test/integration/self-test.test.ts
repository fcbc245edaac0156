import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { namesMean, trialTargets, type TargetFacts } from '../../app/main/relay/reachability/targets.ts'
import { SelfTest } from '../../app/main/self-test/self-test.ts'
import type { SelfTestInfo } from '../../app/shared/api.ts'
import { createApp } from '../support/app.ts'
import { createPlainClient, reserve, type Client } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const now = (): string => new Date().toISOString()
const selfTest = (deadlineMs = 60_000): SelfTest => new SelfTest({ now, changed: () => {} }, { deadlineMs })

function factsOf({ node }: TestRelay): TargetFacts {
  return {
    ways: node.ways.wanted,
    addresses: node.addressStates(),
    announced: node.addresses.announced
  }
}

function run(
  relay: TestRelay,
  test: SelfTest,
  targets = trialTargets(factsOf(relay))
): Promise<SelfTestInfo> {
  const { node, settings } = relay
  return test.run(node.relay, { peerId: node.peerId, settings, targets, names: namesMean(factsOf(relay)) })
}

describe('the self-test', () => {
  let relay: TestRelay
  let client: Client

  /** One place, and nobody but this client may have it. */
  beforeAll(async () => {
    client = await createPlainClient()
    relay = await startRelay({
      'relay.reservations.total': 1,
      'relay.circuits.total': 1,
      'relay.attempts.perIpPerMinute': 1,
      'access.allow': [client.peerId.toString()]
    })
    await reserve(await client.dial(multiaddr(relay.address('tcp'))))
  })

  afterAll(async () => {
    await client[Symbol.asyncDispose]()
    await relay[Symbol.asyncDispose]()
  })

  it('reserves and echoes by each transport, takes no place of a client, and is in no figure', async () => {
    const happened = (): string[] =>
      relay.events.map(({ name }) => name).filter(name => name !== 'address-changed')
    const before = happened()
    const { state, results } = await run(relay, selfTest())

    expect(state).toBe('done')
    expect(results.map(({ transport }) => transport).sort()).toEqual(['quic-v1', 'tcp', 'ws'])
    for (const { reservation, circuit } of results) {
      expect(reservation).toMatchObject({ ok: true })
      expect(circuit).toMatchObject({ ok: true })
    }
    await until('its clients have gone', () => relay.node.connectedPeers === 1)
    expect(happened()).toEqual(before)
    expect(eventsOf(relay, 'peer-connected')).toHaveLength(1)
    expect(relay.node.relay.reservations.size).toBe(1)
    expect(relay.node.connectedPeerIds()).toEqual([client.peerId.toString()])
  })

  it('says where nobody answers, and where somebody else does', async () => {
    await using other = await startRelay({ 'quic.enabled': false, 'ws.enabled': false })
    const ours = `/p2p/${relay.node.peerId}`
    const theirs = other.address('tcp').replace(/\/p2p\/.*/, ours)
    const way = { transport: 'tcp', family: 'ip4', local: relay.address('tcp') } as const
    const targets = [
      { ...way, local: `/ip4/127.0.0.1/tcp/1${ours}` },
      { ...way, announced: theirs },
      { ...way, announced: `/ip4/127.0.0.1/tcp/1${ours}` }
    ]
    const { results } = await run(relay, selfTest(), targets)

    const byAddress = (address: string) => results.find(each => each.address === address)
    expect(byAddress(targets[0]!.local)?.reservation).toMatchObject({ ok: false, code: 'dial-failed' })
    expect(byAddress(theirs)?.reservation).toMatchObject({ ok: false, code: 'other-peer' })
    expect(byAddress(relay.address('tcp'))).toMatchObject({ by: 'inside', reservation: { ok: true } })
  })

  it('ends in time, and then the node serves no such client', async () => {
    const test = selfTest(1)
    const info = await run(relay, test)

    expect(info).toMatchObject({ state: 'failed', results: [] })
    expect(info.cause).toContain('did not end')
  })

  it('ends when the node stops', async () => {
    const test = selfTest()
    const running = run(relay, test)
    await test.stop()
    expect(await running).toMatchObject({ state: 'failed', cause: 'It ended too early.' })
  })
})

describe('the ladder of an app', () => {
  it('is climbed as far as this machine goes: once by itself, and when that is asked for', async () => {
    await using folder = await temporaryFolder()
    const options = { reachability: { selfTestAfterMs: 0 } }
    const { app } = createApp(folder.dir, { 'relay.selfTest': true }, options)
    await app.start()
    try {
      expect((await app.api.ladder()).selfTest.state).toBe('never')
      const state = async (): Promise<string> => (await app.api.ladder()).selfTest.state
      await until('it has tested itself', async () => (await state()) === 'done')
      await app.api.selfTest()
      const ladder = await app.api.ladder()

      expect(ladder.health).toBe('local')
      expect(ladder.rows.map(({ transport }) => transport)).toEqual(['tcp', 'quic-v1', 'ws'])
      for (const { rungs } of ladder.rows) {
        const states = Object.fromEntries(rungs.map(({ rung, state }) => [rung, state]))
        expect(states).toMatchObject({ listening: 'ok', mapped: 'off', reservation: 'ok', circuit: 'ok' })
      }
      const status = await app.api.status()
      expect(status.reachability.health).toBe('local')
      expect(status).toMatchObject({ peersServed: 0, relayedConnections: 0 })
      expect(status.totals.ever.bytes).toEqual({ toTarget: 0, toSource: 0 })
    } finally {
      await app.stop()
    }
  })

  it('refuses to ask a peer whose address it cannot use', async () => {
    await using folder = await temporaryFolder()
    const { app } = createApp(folder.dir)
    await app.start()
    try {
      await expect(app.api.verifyVia({ address: 'nonsense' })).rejects.toMatchObject({ code: 'bad-request' })
      await expect(app.api.verifyVia({ address: '/ip4/127.0.0.1/tcp/1' })).rejects.toMatchObject({
        code: 'bad-request'
      })
      const gone = `/ip4/127.0.0.1/tcp/1/p2p/${app.peerId.slice(0, -1)}`
      await expect(app.api.verifyVia({ address: gone })).rejects.toThrow()
    } finally {
      await app.stop()
    }
  })
})
