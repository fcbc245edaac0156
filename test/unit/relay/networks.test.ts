import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Advertising } from '../../../app/main/relay/networks/advertising.ts'
import { Joining } from '../../../app/main/relay/networks/joining.ts'
import { Members } from '../../../app/main/relay/networks/members.ts'
import { cidOf } from '../../../app/main/relay/networks/namespace.ts'
import { networkRatesOf, plansOf, type NetworkPlan } from '../../../app/main/relay/networks/plan.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'
import { parseValue } from '../../../app/shared/values.ts'
import { VirtualTiming } from './virtual-timing.ts'

const HOUR_MS = 3_600_000
const settingsWith = (given: Partial<Settings>): Settings => ({ ...defaultsOf('server'), ...given })
const networks = (...all: object[]): Settings['networks'] => parseValue('networks', all)
const plan = (name: string, dht: string, allow: string[] = []): NetworkPlan => ({
  ...{ name, dht, allow, own: false, bootstrap: [], namespaces: [] }
})

describe('the networks of the settings', () => {
  it("begin with the node's own, unless one of them is in the same DHT", () => {
    const names = (...all: object[]) =>
      plansOf(settingsWith({ networks: networks(...all) })).map(({ name }) => name)
    expect(names()).toEqual(['/ipfs/kad/1.0.0'])
    expect(names({ name: 'Chat', dht: '/chat/kad' })).toEqual(['/ipfs/kad/1.0.0', 'Chat'])
    expect(names({ name: 'IPFS', dht: '/ipfs/kad/1.0.0' })).toEqual(['IPFS'])
  })

  it('have their share of the total rate, if that has a limit', () => {
    const shared = networks({ name: 'A', dht: '/a', sharePercent: 25 }, { name: 'B', dht: '/b' })
    const rates = (total: number) =>
      networkRatesOf(settingsWith({ networks: shared, 'relay.rate.totalBytesPerSecond': total }))
    expect([...rates(1_000_000)]).toEqual([['A', 250_000]])
    expect([...rates(0)]).toEqual([])
  })
})

describe('the network of a peer', () => {
  it('is that whose DHT it speaks, until it leaves', () => {
    const members = new Members()
    members.setPlans([plan('Chat', '/chat'), plan('Files', '/files')])
    expect(members.of('a', undefined)).toEqual({ allowed: true })
    expect(members.identified('a', ['/ipfs/id/1.0.0'])).toBe(false)
    expect(members.identified('a', ['/ipfs/id/1.0.0', '/files'])).toBe(true)
    expect(members.of('a', undefined)).toEqual({ network: 'Files', allowed: true })
    expect(members.speaks('a', '/files')).toBe(false)
    members.forget('a')
    expect(members.of('a', undefined)).toEqual({ allowed: true })
  })

  it('is that which lists it, before any whose DHT it speaks', () => {
    const members = new Members()
    members.setPlans([plan('Chat', '/chat'), plan('Club', '/club', ['b', '192.0.2.0/24'])])
    members.speaks('b', '/chat')
    expect(members.of('b', undefined)).toEqual({ network: 'Club', allowed: true })
    expect(members.of('c', '192.0.2.7')).toEqual({ network: 'Club', allowed: true })
  })

  it('lets nobody in who is not on its list, unless another that is open does', () => {
    const members = new Members()
    members.setPlans([plan('Club', '/club', ['a']), plan('Chat', '/chat')])
    members.speaks('b', '/club')
    expect(members.of('b', '192.0.2.7')).toEqual({ network: 'Club', allowed: false })
    members.speaks('b', '/chat')
    expect(members.of('b', '192.0.2.7')).toEqual({ network: 'Chat', allowed: true })
  })
})

it('looks a namespace up by the hash that go-libp2p and js-libp2p make of it', () => {
  expect(cidOf('/libp2p/relay').toV1().toString()).toBe(
    'bafkreibel3v5edjm2tebwxkkyj6hg5dcph2dnvrph32syrjkg2pg555wca'
  )
})

describe('joining', () => {
  function joining(reached: () => boolean) {
    const timing = new VirtualTiming()
    const state = { size: 0, dialled: [] as string[] }
    const joins = new Joining({
      dial: async address => {
        state.dialled.push(address)
        if (!reached()) throw new Error('nobody there')
      },
      size: () => state.size,
      timing,
      now: () => timing.now()
    })
    return { joins, timing, state }
  }

  it('asks nobody where there is nobody to ask', async () => {
    const { joins, timing, state } = joining(() => true)
    joins.start()
    timing.advance(HOUR_MS)
    await turn()
    expect(state.dialled).toEqual([])
    expect(joins.info.state).toBe('alone')
    state.size = 1
    expect(joins.info.state).toBe('joined')
  })

  it('is tried again, ever later, until a peer is known', async () => {
    const { joins, timing, state } = joining(() => false)
    joins.setBootstrap(['a', 'b'])
    joins.start()
    expect(joins.info.state).toBe('joining')
    await turn()
    expect(joins.info).toMatchObject({ state: 'failed', code: 'no-peer-reached' })
    expect(joins.info.cause).toContain('nobody there')
    for (const seconds of [30, 60, 120, 240]) {
      state.dialled = []
      timing.advance(seconds * 1000 - 1)
      await turn()
      expect(state.dialled).toEqual([])
      timing.advance(1)
      await turn()
      expect(state.dialled).toEqual(['a', 'b'])
    }
    state.size = 1
    state.dialled = []
    timing.advance(HOUR_MS)
    await turn()
    expect(state.dialled).toEqual([])
    joins.stop()
    expect(timing.waiting).toBe(0)
  })

  it('asks other peers at once when they are given', async () => {
    const { joins, state } = joining(() => true)
    joins.setBootstrap(['a'])
    joins.start()
    joins.setBootstrap(['b'])
    await turn()
    expect(state.dialled).toEqual(['a', 'b'])
  })
})

describe('advertising', () => {
  function advertising() {
    const timing = new VirtualTiming()
    const state = {
      size: 0,
      addresses: '/ip4/192.0.2.1/tcp/4001',
      records: 3,
      rounds: 0,
      kept: 0,
      dropped: 0
    }
    const tells = new Advertising({
      keep: async () => void state.kept++,
      drop: async () => void state.dropped++,
      provide: async () => {
        state.rounds++
        return state.records
      },
      size: () => state.size,
      addresses: () => state.addresses,
      timing,
      now: () => timing.now()
    })
    tells.setNamespaces(['/libp2p/relay'])
    tells.start()
    const pass = async (milliseconds: number): Promise<void> => {
      timing.advance(milliseconds)
      await turn()
    }
    return { tells, timing, state, pass }
  }

  it('keeps its record at once, and gives it when the DHT knows someone, and twice a day from then on', async () => {
    const { tells, state, pass } = advertising()
    expect(state.kept).toBe(1)
    await pass(HOUR_MS)
    expect(state.rounds).toBe(0)
    state.size = 1
    tells.grown()
    await pass(2_000)
    expect(state.rounds).toBe(1)
    expect(tells.info).toMatchObject([{ namespace: '/libp2p/relay', records: 3 }])
    await pass(10 * HOUR_MS)
    expect(state.rounds).toBe(1)
    await pass(4 * HOUR_MS)
    expect(state.rounds).toBe(2)
  })

  it('gives it anew when the addresses are others, or many more servers are known', async () => {
    const { tells, state, pass } = advertising()
    state.size = 2
    tells.grown()
    await pass(2_000)
    tells.moved()
    state.size = 3
    tells.grown()
    await pass(10_000)
    expect(state.rounds).toBe(1)
    state.size = 4
    tells.grown()
    await pass(2_000)
    expect(state.rounds).toBe(2)
    state.addresses = '/ip4/192.0.2.2/tcp/4001'
    tells.moved()
    await pass(2_000)
    expect(state.rounds).toBe(3)
  })

  it('waits for an address, and tries again where nobody took the record', async () => {
    const { tells, state, pass } = advertising()
    Object.assign(state, { size: 5, addresses: '', records: 0 })
    tells.grown()
    await pass(HOUR_MS)
    expect(state.rounds).toBe(0)
    state.addresses = '/ip4/192.0.2.1/tcp/4001'
    tells.moved()
    await pass(2_000)
    expect(state.rounds).toBe(1)
    await pass(120_000)
    expect(state.rounds).toBe(2)
  })

  it('takes the record of a namespace back, and stops with the node', async () => {
    const { tells, timing, state } = advertising()
    tells.setNamespaces([])
    await turn()
    expect(state.dropped).toBe(1)
    expect(tells.info).toEqual([])
    tells.stop()
    expect(timing.waiting).toBe(0)
  })
})
