import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { History } from '../../../app/main/observe/history/history.ts'
import { amountsOf, countOf, counts, Scene } from '../../support/history.ts'

let dir: string
let scene: Scene
let history: History

beforeEach(async () => {
  dir = path.join(await mkdtemp(path.join(tmpdir(), 'waystation-history-')), 'history')
  scene = new Scene('2026-07-30T12:00:00Z')
  history = await scene.open(dir)
})
afterEach(async () => {
  await history.close()
  await rm(path.dirname(dir), { recursive: true, force: true })
})

async function addAt(at: string, count: number): Promise<void> {
  scene.set(at)
  history.add(amountsOf(count))
  await history.flush()
}

describe('a period', () => {
  it.each([
    ['minutes up to three hours back', 3, 'minute', '2026-07-30T09:30:00.000Z', 1 + 10],
    ['hours up to three days back', 72, 'hour', '2026-07-27T12:00:00.000Z', 1 + 10 + 100],
    ['days beyond', 73, 'day', '2026-07-27T00:00:00.000Z', 1 + 10 + 100 + 1000]
  ] as const)('is made of %s, each of them whole', async (_, hours, step, from, sum) => {
    await addAt('2026-07-27T11:00:00Z', 1000)
    await addAt('2026-07-28T11:00:00Z', 100)
    await addAt('2026-07-30T09:30:10Z', 10)
    await addAt('2026-07-30T12:30:00Z', 1)
    scene.set('2026-07-30T12:30:30Z')
    const period = await history.period(scene.now - hours * 3_600_000)
    expect(period).toMatchObject({ step, from, to: '2026-07-30T12:30:30.000Z', amounts: amountsOf(sum) })
    expect(period.records.reduce((all, record) => all + countOf(record), 0)).toBe(sum)
  })

  it('has nothing where there is nothing, also in days to come', async () => {
    for (const hours of [1, -1]) {
      const { amounts, records } = await history.period(scene.now - hours * 3_600_000)
      expect([countOf(amounts), records]).toEqual([0, []])
    }
  })
})

describe('periods of quotas', () => {
  const MONTH = { rule: 'quota-month', first: '2026-07-29', end: '2026-08-29', counts: 'both' } as const
  const day = (date: number) => {
    return {
      rule: 'quota-day',
      first: `2026-07-${date}`,
      end: `2026-07-${date + 1}`,
      counts: 'sent'
    } as const
  }
  const held = (seconds: number): void =>
    history.add({ ...amountsOf(0), refusals: {}, heldSeconds: { 'quota-day': seconds, schedule: 5 } })

  it('have the last limit, the traffic of their days and how long they held', async () => {
    scene.set('2026-07-29T12:00:00Z')
    history.noteQuota({ ...MONTH, limitBytes: 1000 })
    history.noteQuota({ ...day(29), limitBytes: 50 })
    history.add(amountsOf(1))
    held(60)
    scene.set('2026-07-30T12:00:00Z')
    history.noteQuota({ ...MONTH, limitBytes: 2000 })
    history.noteQuota({ ...day(30), limitBytes: 50 })
    history.add(amountsOf(10))
    held(600)
    await history.close()
    history = await scene.open(dir)
    const of = (from: string, to: string) => ({ from: `${from}T00:00:00.000Z`, to: `${to}T00:00:00.000Z` })
    const traffic = (count: number) => amountsOf(count).traffic
    const days = { rule: 'quota-day', limitBytes: 50, counts: 'sent' }
    const today = { ...days, ...of('2026-07-30', '2026-07-31'), traffic: traffic(10), heldSeconds: 600 }
    const month = {
      ...{ rule: 'quota-month', limitBytes: 2000, counts: 'both', heldSeconds: 0 },
      ...of('2026-07-29', '2026-08-29'),
      traffic: traffic(11)
    }
    expect(history.quotasSince(-Infinity)).toEqual([
      { ...days, ...of('2026-07-29', '2026-07-30'), traffic: traffic(1), heldSeconds: 60 },
      month,
      today
    ])
    expect(history.quotasSince(Date.parse('2026-07-30T00:00:00Z'))).toEqual([month, today])
  })

  it('go with the figures; the one that runs still knows what was used', async () => {
    scene.set('2026-07-29T12:00:00Z')
    history.noteQuota({ ...day(29), limitBytes: 50 })
    history.add(amountsOf(1))
    scene.set('2026-07-30T12:00:00Z')
    history.add(amountsOf(10))
    await history.clear('2026-07-29')
    expect(history.quotasSince(-Infinity)).toEqual([])
    history.noteQuota({ ...MONTH, limitBytes: 1000 })
    history.noteQuota({ ...day(30), limitBytes: 50 })
    history.add(amountsOf(100))
    expect(history.quotasSince(-Infinity).map(({ traffic }) => traffic.sent)).toEqual([444, 440])
  })
})

describe('an export', () => {
  it('has all records, totals, months and what lasts', async () => {
    await addAt('2026-06-30T12:00:00Z', 1)
    await addAt('2026-07-30T12:00:00Z', 10)
    await history.setState('pause', { until: 5 })
    history.noteQuota({
      rule: 'quota-day',
      first: '2026-07-30',
      end: '2026-07-31',
      limitBytes: 9,
      counts: 'both'
    })
    const all = await history.export()
    expect([all.minutes, all.hours, all.days].map(counts)).toEqual([
      { '2026-07-30T12:00:00.000Z': 10 },
      { '2026-06-30T12:00:00.000Z': 1, '2026-07-30T12:00:00.000Z': 10 },
      { '2026-06-30T00:00:00.000Z': 1, '2026-07-30T00:00:00.000Z': 10 }
    ])
    expect(all.months).toEqual({ '2026-06': amountsOf(1), '2026-07': amountsOf(10) })
    expect(all.totals).toEqual(history.totals())
    expect(all.quotas).toEqual(history.quotasSince(-Infinity))
    expect(all.state).toEqual({ pause: { until: 5 } })
    expect(JSON.parse(JSON.stringify(all))).toEqual(all)
  })
})
