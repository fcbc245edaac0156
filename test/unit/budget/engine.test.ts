import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BudgetEngine, type QuotaHolds, type Verdict } from '../../../app/main/budget/engine.ts'
import { FairShare } from '../../../app/main/budget/fair-share.ts'
import { factsNeeded } from '../../../app/main/budget/power-rules.ts'
import { countedBytes } from '../../../app/main/budget/quota.ts'
import type { PowerState, Traffic } from '../../../app/shared/api.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'

const GB = 1e9
const NOON = Date.parse('2026-11-10T12:00Z')
const DAY_MS = 86_400_000

const zone = process.env['TZ']
beforeAll(() => void (process.env['TZ'] = 'UTC'))
afterAll(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

/** A node whose clock, traffic and power the test sets. */
function create(settings: Partial<Settings>, holds?: QuotaHolds) {
  const engine = new BudgetEngine(holds)
  const world = {
    now: NOON,
    settings: { ...defaultsOf('server'), ...settings },
    power: {} as PowerState,
    /** By day. */
    traffic: {} as Record<string, Traffic>,
    rate: { received: 0, sent: 0 },
    inFlightBytes: 0
  }
  const trafficSince = (day: string): Traffic => {
    const sum = { received: 0, sent: 0 }
    for (const [name, { received, sent }] of Object.entries(world.traffic)) {
      if (name < day) continue
      sum.received += received
      sum.sent += sent
    }
    return sum
  }
  const judge = (): Verdict => engine.judge({ ...world, peerId: 'me', trafficSince, trafficRate: world.rate })
  const use = (bytes: number, day = '2026-11-10'): void => {
    world.traffic[day] = { received: bytes / 2, sent: bytes / 2 }
  }
  return { engine, world, judge, use, rule: () => judge().hold?.rule }
}

it('has no rules where none is set', () => {
  const { judge } = create({})
  expect(judge()).toEqual({
    rules: [],
    hold: undefined,
    spent: false,
    bytesLeft: Infinity,
    bytesToShare: undefined
  })
})

describe('a quota', () => {
  it('is free, then soft, then holds, and is spent at its last byte', () => {
    const { judge, use, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    const states = [79.9, 80, 98.9, 99.7, 100].map(used => {
      use(used * GB)
      // 20 MB a second for the 30 s that circuits may take to finish.
      world.rate = used < 90 ? { received: 0, sent: 0 } : { received: 1e7, sent: 1e7 }
      const { rules, spent } = judge()
      return [rules[0]?.state, spent]
    })
    expect(states).toEqual([
      ['free', false],
      ['soft', false],
      ['soft', false],
      ['holding', false],
      ['holding', true]
    ])
  })

  it('takes no more than its last percent for circuits to finish in, and nothing where nothing is under way', () => {
    const { rule, use, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    use(99.99 * GB)
    expect(rule()).toBeUndefined()
    world.rate = { received: GB, sent: GB }
    use(98.9 * GB)
    expect(rule()).toBeUndefined()
    use(99 * GB)
    expect(rule()).toBe('quota-month')
  })

  it('keeps half a percent at most for what is on its way', () => {
    const { judge, use, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    use(99.8 * GB)
    expect(judge()).toMatchObject({ hold: undefined, bytesLeft: 0.2 * GB })
    world.inFlightBytes = 0.2 * GB
    expect(judge()).toMatchObject({ spent: true, bytesLeft: 0, hold: { rule: 'quota-month' } })
    world.inFlightBytes = 5 * GB
    use(99.4 * GB)
    expect(judge()).toMatchObject({ spent: false, bytesLeft: expect.closeTo(0.1 * GB, -3) as number })
  })

  it('goes on to hold when less is used than was feared', () => {
    const { rule, use, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    use(99.5 * GB)
    world.rate = { received: GB, sent: GB }
    expect(rule()).toBe('quota-month')
    world.rate = { received: 0, sent: 0 }
    expect(rule()).toBe('quota-month')
  })

  it('holds into the first hour of the next month, also after a restart, and no longer', () => {
    const { judge, use, engine, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    use(100 * GB)
    const until = judge().hold?.until ?? 0
    const begin = Date.parse('2026-12-01T00:00Z')
    expect(until).toBeGreaterThanOrEqual(begin)
    expect(until).toBeLessThan(begin + 3_600_000)
    const again = create({ 'quota.bytesPerMonth': 100 * GB }, engine.holds)
    for (const node of [{ judge, world }, again]) {
      node.world.now = until - 1
      expect(node.judge().hold).toEqual({ rule: 'quota-month', until })
      node.world.now = until
      expect(node.judge().hold).toBeUndefined()
    }
  })

  it('lets go at once when it is raised or taken away, in its month and before it would wake', () => {
    const { rule, use, world } = create({ 'quota.bytesPerMonth': 100 * GB })
    const month = (bytes: number): void => {
      world.settings = { ...world.settings, 'quota.bytesPerMonth': bytes }
    }
    use(100 * GB)
    expect(rule()).toBe('quota-month')
    month(200 * GB)
    expect(rule()).toBeUndefined()
    month(100 * GB)
    expect(rule()).toBe('quota-month')
    world.now = Date.parse('2026-12-01T00:00Z')
    expect(rule()).toBe('quota-month')
    month(0)
    expect(rule()).toBeUndefined()
  })

  it('does not hold until a far day because the clock once ran ahead', () => {
    const { rule, use, world } = create({ 'quota.bytesPerMonth': GB })
    world.now = Date.parse('2030-05-05T12:00Z')
    use(GB, '2030-05-05')
    expect(rule()).toBe('quota-month')
    world.traffic = {}
    world.now = NOON
    expect(rule()).toBeUndefined()
  })

  it('of a day begins anew the next day, while that of the month counts on', () => {
    const { judge, use, world } = create({ 'quota.bytesPerDay': 2 * GB, 'quota.bytesPerMonth': 3 * GB })
    use(2 * GB)
    expect(judge().hold?.rule).toBe('quota-day')
    world.now += DAY_MS
    expect(judge().rules).toMatchObject([
      { rule: 'quota-month', state: 'free', usedBytes: 2 * GB },
      {
        rule: 'quota-day',
        state: 'free',
        usedBytes: 0,
        limitBytes: 2 * GB,
        resetsAt: '2026-11-12T00:00:00.000Z'
      }
    ])
    use(GB, '2026-11-11')
    // Both would hold the day to its end; the month's goes on.
    expect(judge().hold?.rule).toBe('quota-month')
  })

  it('counts from the day that its month starts on', () => {
    const { judge, use } = create({ 'quota.bytesPerMonth': 10 * GB, 'quota.monthStartsOn': 10 })
    use(9 * GB, '2026-11-09')
    use(GB)
    expect(judge().rules[0]).toMatchObject({ usedBytes: GB, resetsAt: '2026-12-10T00:00:00.000Z' })
  })

  it.each([
    ['both', 30],
    ['received', 20],
    ['sent', 10],
    ['larger', 20]
  ] as const)('counts %s', (counts, bytes) => {
    expect(countedBytes({ received: 20, sent: 10 }, counts)).toBe(bytes)
  })

  it('has no soft stage at 100 percent', () => {
    const { judge, use } = create({ 'quota.bytesPerMonth': GB, 'quota.softPercent': 100 })
    use(0.999 * GB)
    expect(judge().rules[0]?.state).toBe('free')
  })

  it('shares out what is left at the beginning of the soft stage, of the one that has least left', () => {
    const { judge, use } = create({ 'quota.bytesPerDay': 10 * GB, 'quota.bytesPerMonth': 100 * GB })
    use(85 * GB, '2026-11-02')
    use(9 * GB)
    expect(judge()).toMatchObject({ bytesToShare: 2 * GB, bytesLeft: GB })
  })
})

describe('other rules', () => {
  it('holds outside the hours of the schedule, and says when it works again', () => {
    const { judge, world } = create({ 'schedule.hours': ['mon-fri 22-7'] })
    expect(judge().hold).toEqual({ rule: 'schedule', until: Date.parse('2026-11-10T22:00Z') })
    world.now = Date.parse('2026-11-10T22:00Z')
    expect(judge()).toMatchObject({
      hold: undefined,
      rules: [{ rule: 'schedule', state: 'free', until: '2026-11-11T07:00:00.000Z' }]
    })
    world.settings = { ...world.settings, 'schedule.hours': ['tue 21-22'] }
    expect(judge().hold?.rule).toBe('schedule')
  })

  it.each<[string, Partial<Settings>, PowerState, string | undefined]>([
    ['the battery', { 'power.holdOnBattery': true }, { onBattery: true }, 'battery'],
    ['the mains', { 'power.holdOnBattery': true }, { onBattery: false }, undefined],
    ['who knows', { 'power.holdOnBattery': true }, {}, undefined],
    ['a battery no rule is about', {}, { onBattery: true, batteryPercent: 3 }, undefined],
    ['a low battery', { 'power.batteryBelowPercent': 20 }, { batteryPercent: 19 }, 'battery-level'],
    ['a battery at its level', { 'power.batteryBelowPercent': 20 }, { batteryPercent: 20 }, undefined],
    [
      'a low battery that charges',
      { 'power.batteryBelowPercent': 20 },
      { onBattery: false, batteryPercent: 5 },
      undefined
    ],
    ['a metered connection', { 'power.holdOnMetered': true }, { metered: true }, 'metered'],
    [
      'a game',
      { 'power.fullScreenPrograms': ['Doom', 'quake'] },
      { fullScreenProgram: String.raw`C:\Games\DOOM.exe` },
      'full-screen'
    ],
    ['another program', { 'power.fullScreenPrograms': ['doom'] }, { fullScreenProgram: 'vlc' }, undefined],
    ['no program', { 'power.fullScreenPrograms': ['.exe'] }, { fullScreenProgram: '' }, undefined]
  ])('on %s', (_what, settings, power, expected) => {
    const { world, rule } = create(settings)
    world.power = power
    expect(rule()).toBe(expected)
  })

  it('has the system asked for what its rules go by, and for nothing while the node is off', () => {
    const needs = (settings: Partial<Settings>): string[] =>
      [...factsNeeded({ ...defaultsOf('server'), ...settings })].toSorted()
    const rules = { 'power.batteryBelowPercent': 20, 'power.holdOnMetered': true }
    expect(needs({})).toEqual([])
    expect(needs(rules)).toEqual(['batteryPercent', 'metered', 'onBattery'])
    expect(needs({ 'power.fullScreenPrograms': ['doom'] })).toEqual(['fullScreenProgram'])
    expect(needs({ ...rules, 'relay.enabled': false })).toEqual([])
  })

  it('wants a battery somewhat above its level before it lets go', () => {
    const { world, rule } = create({ 'power.batteryBelowPercent': 20 })
    const at = (batteryPercent: number): string | undefined => {
      world.power = { batteryPercent }
      return rule()
    }
    expect([20, 19, 20, 22, 23, 22].map(at)).toEqual([
      undefined,
      'battery-level',
      'battery-level',
      'battery-level',
      undefined,
      undefined
    ])
  })

  it('names the rule that holds longest, and one whose end is known before one whose is not', () => {
    const { world, judge, use } = create({
      'power.holdOnBattery': true,
      'schedule.hours': ['tue 20-22'],
      'quota.bytesPerMonth': GB
    })
    world.power = { onBattery: true }
    expect(judge().hold?.rule).toBe('schedule')
    use(GB)
    expect(judge().hold?.rule).toBe('quota-month')
    expect(judge().rules.map(({ rule, state }) => `${rule} ${state}`)).toEqual([
      'quota-month holding',
      'schedule holding',
      'battery holding'
    ])
  })
})

describe('the fair share', () => {
  const circuit = (id: number, source: string, target: string, bytes: number) => ({
    id,
    source,
    target,
    bytes
  })

  it('lets two peers alone use all of it', () => {
    const shares = new FairShare()
    shares.began(circuit(1, 'a', 'b', 0))
    shares.sample([circuit(1, 'a', 'b', 1000)])
    expect(shares.isOver(['a', 'b'], 1000)).toBe(false)
  })

  it('refuses those who had more than their part once others come, and takes the others', () => {
    const shares = new FairShare()
    shares.began(circuit(1, 'a', 'b', 0))
    shares.ended(circuit(1, 'a', 'b', 600))
    expect(shares.isOver(['c', 'd'], 1000)).toBe(false)
    shares.began(circuit(2, 'c', 'd', 0))
    expect(shares.isOver(['a', 'b'], 1000)).toBe(true)
    expect(shares.isOver(['a', 'c'], 1000)).toBe(true)
    expect(shares.isOver(['c', 'd'], 1000)).toBe(false)
  })

  it('counts nothing of what a circuit carried before, and all that it carries after', () => {
    const shares = new FairShare()
    const other = circuit(2, 'c', 'd', 0)
    shares.began(other)
    shares.sample([circuit(1, 'a', 'b', 5000), other])
    expect(shares.isOver(['a', 'b'], 1000)).toBe(false)
    shares.sample([circuit(1, 'a', 'b', 5400), other])
    expect(shares.isOver(['a', 'b'], 1000)).toBe(false)
    shares.ended(circuit(1, 'a', 'b', 5501))
    expect(shares.isOver(['a', 'b'], 1000)).toBe(true)
    shares.clear()
    expect(shares.isOver(['a', 'b'], 1000)).toBe(false)
  })
})
