import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Amounts } from '../../../app/shared/api.ts'
import { Recorder, startRecorder, type Counted } from '../../../app/main/observe/history/recorder.ts'
import { amountsOf } from '../../support/history.ts'

let counted: Counted
let clock: number
let now: number
let peers: string[]
let added: { amounts: Amounts; at: string }[]
let seen: string[]
let flushes: number

beforeEach(() => {
  counted = amountsOf(0)
  clock = 1000.7
  now = Date.parse('2026-07-30T12:00:00Z')
  peers = []
  added = []
  seen = []
  flushes = 0
})

const components = {
  history: {
    add: (amounts: Amounts, at = NaN) => void added.push({ amounts, at: new Date(at).toISOString() }),
    peerSeen: (peer: string) => void seen.push(peer),
    flush: async () => void flushes++
  },
  read: () => counted,
  connectedPeers: () => peers,
  clock: () => clock,
  now: () => now
}

function pass(seconds: number): void {
  clock += seconds * 1000
  now += seconds * 1000
}

describe('a tick', () => {
  it('adds what the counters grew by, and flushes', async () => {
    counted = amountsOf(1)
    const recorder = new Recorder(components)
    counted = amountsOf(4)
    pass(10)
    await recorder.tick()
    expect(added).toEqual([
      { amounts: { ...amountsOf(3), uptimeSeconds: 10 }, at: '2026-07-30T12:00:00.000Z' }
    ])
    expect(flushes).toBe(1)
  })

  it('sees counters that grow in place', async () => {
    const growing = amountsOf(1)
    counted = growing
    const recorder = new Recorder(components)
    growing.bytes.toTarget++
    growing.refusals['per-ip-full'] = 8
    pass(10)
    await recorder.tick()
    expect(added[0]?.amounts).toEqual({
      ...amountsOf(0),
      bytes: { toTarget: 1, toSource: 0 },
      refusals: { 'per-ip-full': 2 },
      uptimeSeconds: 10
    })
  })

  it('adds what grew for each network and by each rule, and nothing of the others', async () => {
    const network = (count: number) => ({ bytes: { toTarget: count, toSource: 0 }, circuits: 1 })
    counted = { ...amountsOf(1), networks: { old: network(5), chat: network(5) } }
    const recorder = new Recorder(components)
    counted = {
      ...amountsOf(1),
      networks: { old: network(5), chat: network(7), constructor: network(9) },
      heldSeconds: { ...amountsOf(1).heldSeconds, metered: 3 }
    }
    await recorder.tick()
    expect(added[0]?.amounts).toEqual({
      ...amountsOf(0),
      refusals: {},
      networks: { chat: { ...network(2), circuits: 0 }, constructor: network(9) },
      heldSeconds: { metered: 3 },
      uptimeSeconds: 0
    })
  })

  it('takes counters that fell for ones that began anew', async () => {
    counted = amountsOf(9)
    const recorder = new Recorder(components)
    counted = amountsOf(2)
    await recorder.tick()
    expect(added[0]?.amounts).toEqual({ ...amountsOf(2), uptimeSeconds: 0 })
  })

  it.each([
    ['ten seconds', 10, 10, '2026-07-30T12:00:00.000Z'],
    ['a sleep of the machine', 3 * 3600, 11, '2026-07-30T15:00:00.000Z'],
    ['a clock set back', -3600, 10, '2026-07-30T11:00:00.000Z']
  ])(
    'counts at the beginning of the time before it, if that is known: after %s',
    async (...[, wall, up, at]) => {
      const recorder = new Recorder(components)
      now += wall * 1000
      clock += up * 1000
      await recorder.tick()
      expect(added).toEqual([{ amounts: { ...amountsOf(0), refusals: {}, uptimeSeconds: up }, at }])
    }
  )

  it('counts the connected peers once a minute', async () => {
    const recorder = new Recorder(components)
    peers = ['a', 'b']
    for (let tick = 0; tick < 7; tick++) {
      pass(10)
      await recorder.tick()
    }
    expect(seen).toEqual(['a', 'b', 'a', 'b'])
  })

  it('loses no part of a millisecond however often it records', () => {
    const recorder = new Recorder(components)
    for (let i = 0; i < 1000; i++) {
      clock += 0.4
      recorder.record()
    }
    const uptime = added.reduce((sum, { amounts }) => sum + Math.round(amounts.uptimeSeconds * 1000), 0)
    expect(uptime).toBe(400)
    expect(flushes).toBe(0)
  })
})

describe('a started recorder', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('ticks at full tens of seconds, and a last time when it is stopped', async () => {
    vi.setSystemTime('2026-07-30T12:00:03.500Z')
    const recorder = startRecorder({ ...components, now: () => Date.now() })
    await vi.advanceTimersByTimeAsync(6499)
    expect(added).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(added.map(({ at }) => at.slice(17, 23))).toEqual(['03.500', '10.000', '20.000'])
    await recorder.stop()
    expect(flushes).toBe(4)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(flushes).toBe(4)
  })
})
