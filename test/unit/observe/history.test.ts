import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusalKey } from '../../../app/main/observe/history/amounts.ts'
import type { History } from '../../../app/main/observe/history/history.ts'
import { amountsOf, countOf, counts, Scene, sums } from '../../support/history.ts'

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

async function reopen(timeZone?: string): Promise<void> {
  await history.close()
  history = await scene.open(dir, timeZone)
}

async function addAt(at: string, count: number): Promise<void> {
  scene.set(at)
  history.add(amountsOf(count))
  await history.flush()
}

const totals = (): number[] => {
  const { today, month, ever } = history.totals()
  return [countOf(today), countOf(month), countOf(ever)]
}

describe('totals', () => {
  it('are nothing at first', () => {
    expect(totals()).toEqual([0, 0, 0])
    expect(history.since).toBe('2026-07-30T12:00:00.000Z')
  })

  it('have what was added at once, and every figure of it', () => {
    history.add(amountsOf(1))
    history.add({ ...amountsOf(0), refusals: { 'per-ip-full': 1, rate: 2 }, uptimeSeconds: 0.001 })
    expect(history.totals().ever).toEqual({
      ...amountsOf(1),
      refusals: { 'per-ip-full': 7, 'total-full': 7, rate: 2 },
      uptimeSeconds: 8.001
    })
  })

  it('are exact over restarts, days and months', async () => {
    await addAt('2026-07-30T12:00:00Z', 1)
    await reopen()
    expect(totals()).toEqual([1, 1, 1])
    await addAt('2026-07-31T23:59:59Z', 10)
    await reopen()
    expect(totals()).toEqual([10, 11, 11])
    scene.set('2026-08-01T00:00:00Z')
    expect(totals()).toEqual([0, 0, 11])
    await reopen()
    await addAt('2026-08-01T00:00:00Z', 100)
    await reopen()
    expect(totals()).toEqual([100, 100, 111])
    expect(history.since).toBe('2026-07-30T12:00:00.000Z')
  })

  it('have what was never flushed, after an orderly end', async () => {
    history.add(amountsOf(3))
    await reopen()
    expect(totals()).toEqual([3, 3, 3])
  })

  it('add up milliseconds of uptime without rounding', () => {
    for (let i = 0; i < 10; i++) history.add({ ...amountsOf(0), uptimeSeconds: 0.1 })
    expect(history.totals().ever.uptimeSeconds).toBe(1)
  })

  it('are not changed by who reads them', () => {
    history.add(amountsOf(1))
    history.totals().ever.refusals['per-ip-full'] = 99
    expect(totals()).toEqual([1, 1, 1])
  })
})

describe('a clock that is set', () => {
  it('back by hours loses nothing and counts nothing twice', async () => {
    await addAt('2026-07-30T12:00:00Z', 1)
    await addAt('2026-07-30T09:00:00Z', 10)
    await addAt('2026-07-30T12:00:30Z', 100)
    await reopen()
    expect(await sums(history)).toEqual({ minute: 111, hour: 111, day: 111, ever: 111 })
    expect(counts(await history.query({ step: 'minute' }))).toEqual({
      '2026-07-30T09:00:00.000Z': 10,
      '2026-07-30T12:00:00.000Z': 101
    })
  })

  it('back into the month before counts there', async () => {
    await addAt('2026-08-01T01:00:00Z', 1)
    await addAt('2026-07-31T23:00:00Z', 10)
    expect(totals()).toEqual([10, 10, 11])
    scene.set('2026-08-01T02:00:00Z')
    expect(totals()).toEqual([1, 1, 11])
  })

  it('ahead by a year and back keeps days and totals', async () => {
    await addAt('2026-07-30T12:00:00Z', 1)
    await addAt('2027-07-30T12:00:00Z', 10)
    await addAt('2026-07-30T12:01:00Z', 100)
    await reopen()
    expect(totals()).toEqual([101, 101, 111])
    expect(counts(await history.query({ step: 'day' }))).toEqual({
      '2026-07-30T00:00:00.000Z': 101,
      '2027-07-30T00:00:00.000Z': 10
    })
  })

  it('by daylight saving makes a day of 25 hours', async () => {
    await reopen('Europe/Berlin')
    for (let hour = 0; hour < 25; hour++) {
      const at = Date.parse('2026-10-24T22:00:00Z') + hour * 3_600_000
      await addAt(new Date(at).toISOString(), 1)
    }
    expect(totals()).toEqual([25, 25, 25])
    expect(await history.query({ step: 'hour' })).toHaveLength(25)
    scene.set('2026-10-25T23:00:00Z')
    expect(totals()).toEqual([0, 25, 25])
  })

  it('to another zone goes on under the date of that zone', async () => {
    scene.set('2026-07-31T23:30:00Z')
    await addAt('2026-07-31T23:30:00Z', 1)
    await reopen('Asia/Tokyo')
    expect(totals()).toEqual([0, 0, 1])
    await addAt('2026-07-31T23:40:00Z', 10)
    expect(totals()).toEqual([10, 10, 11])
    await reopen('America/New_York')
    expect(totals()).toEqual([1, 1, 11])
    expect((await history.query({ step: 'day' })).map(({ at }) => at)).toEqual([
      '2026-07-31T04:00:00.000Z',
      '2026-08-01T04:00:00.000Z'
    ])
  })
})

describe('records', () => {
  it('agree in their sums, with the running ones', async () => {
    for (let minute = 0; minute < 150; minute++) {
      const at = Date.parse('2026-07-30T22:30:00Z') + minute * 60_000
      await addAt(new Date(at).toISOString(), minute)
    }
    history.add(amountsOf(5))
    const sum = (150 * 149) / 2 + 5
    expect(await sums(history)).toEqual({ minute: sum, hour: sum, day: sum, ever: sum })
    expect(await history.query({ step: 'hour' })).toHaveLength(3)
    expect(await history.query({ step: 'day' })).toHaveLength(2)
  })

  it('go to the period of the time given', async () => {
    scene.set('2026-07-30T13:00:00.004Z')
    history.add(amountsOf(1), Date.parse('2026-07-30T12:59:50Z'))
    expect(counts(await history.query({ step: 'hour' }))).toEqual({ '2026-07-30T12:00:00.000Z': 1 })
  })

  it('of minutes are kept for a day, of hours for 90, of days for ever', async () => {
    await addAt('2026-07-30T12:00:00Z', 1)
    await addAt('2026-07-31T12:00:00Z', 10)
    expect(await history.query({ step: 'minute' })).toHaveLength(2)
    await addAt('2026-07-31T12:01:00Z', 100)
    await reopen()
    expect(await history.query({ step: 'minute' })).toHaveLength(2)
    expect(await history.query({ step: 'hour' })).toHaveLength(2)
    await addAt('2026-10-28T12:00:00Z', 1000)
    expect(await history.query({ step: 'hour' })).toHaveLength(3)
    await addAt('2026-10-28T12:01:00Z', 1000)
    await reopen()
    expect(await history.query({ step: 'hour' })).toHaveLength(2)
    await addAt('2036-10-28T12:00:00Z', 1)
    expect(await history.query({ step: 'day' })).toHaveLength(4)
    expect(totals()).toEqual([1, 1, 2112])
  })

  it('are asked for by their beginning', async () => {
    for (const hour of ['09', '10', '11', '12']) await addAt(`2026-07-30T${hour}:30:00Z`, 1)
    const found = await history.query({
      step: 'hour',
      from: '2026-07-30T12:00:00+02:00',
      to: '2026-07-30T12:00:00Z'
    })
    expect(found.map(({ at }) => at)).toEqual(['2026-07-30T10:00:00.000Z', '2026-07-30T11:00:00.000Z'])
  })

  it('come oldest first also after the clock was set back', async () => {
    for (const hour of ['12', '09', '11']) await addAt(`2026-07-30T${hour}:00:00Z`, 1)
    const found = (await history.query({ step: 'minute' })).map(({ at }) => at.slice(11, 13))
    expect(found).toEqual(['09', '11', '12'])
  })

  it('are refused for a time that is none', async () => {
    await expect(history.query({ step: 'hour', from: 'noon' })).rejects.toMatchObject({
      code: 'bad-request',
      details: { field: 'from' }
    })
  })
})

describe('peers', () => {
  const peersOf = async (step: 'minute' | 'hour' | 'day'): Promise<number[]> =>
    (await history.query({ step })).map(({ peers }) => peers)

  it('count once a minute, once an hour and once a day', async () => {
    for (const at of ['12:00:00', '12:00:30', '12:01:00', '13:00:00']) {
      scene.set(`2026-07-30T${at}Z`)
      history.peerSeen('always here')
      history.peerSeen(`new at ${at}`)
      await history.flush()
    }
    expect(await peersOf('minute')).toEqual([3, 2, 2])
    expect(await peersOf('hour')).toEqual([4, 2])
    expect(await peersOf('day')).toEqual([5])
  })

  it('are exact up to tens of thousands, and estimated beyond', async () => {
    for (let peer = 0; peer < 30_000; peer++) history.peerSeen(`12D3KooW${peer}`)
    expect(await peersOf('day')).toEqual([30_000])
    for (let peer = 0; peer < 200_000; peer++) history.peerSeen(`12D3KooW${peer}`)
    const [estimate = NaN] = await peersOf('day')
    expect(Math.abs(estimate - 200_000)).toBeLessThan(10_000)
  })

  it('are at least as many as before a restart', async () => {
    history.peerSeen('one')
    history.peerSeen('two')
    await reopen()
    history.peerSeen('one')
    expect(await peersOf('day')).toEqual([2])
    history.peerSeen('three')
    history.peerSeen('four')
    expect(await peersOf('day')).toEqual([3])
  })

  it('leave nothing of themselves in the folder', async () => {
    const peer = '12D3KooWExampleOfAPeer'
    history.peerSeen(peer)
    await history.close()
    const files = await readdir(dir)
    const contents = await Promise.all(files.map(name => readFile(path.join(dir, name), 'latin1')))
    expect(contents.join('')).toContain('minute/2026-07-30T12:00Z')
    expect(contents.join('')).not.toContain('12D3')
    history = await scene.open(dir)
    const [{ peers, ...others } = { peers: NaN }] = await history.query({ step: 'minute' })
    expect([peers, others]).toEqual([1, { at: '2026-07-30T12:00:00.000Z', ...amountsOf(0), refusals: {} }])
  })
})

describe('state', () => {
  it('lasts over restarts, and is forgotten when undefined', async () => {
    expect(history.getState('pause')).toBeUndefined()
    expect(await history.setState('pause', { until: '2026-08-01T00:00:00Z' })).toBe(true)
    expect(await history.setState('other', null)).toBe(true)
    await reopen()
    expect(history.getState('pause')).toEqual({ until: '2026-08-01T00:00:00Z' })
    expect(history.getState('other')).toBeNull()
    await history.setState('pause', undefined)
    await reopen()
    expect(history.getState('pause')).toBeUndefined()
  })

  it('is written although nothing is flushed after it', async () => {
    await history.setState('pause', true)
    const { ClassicLevel } = await import('classic-level')
    await history.close()
    const db = new ClassicLevel(dir)
    expect(await db.get('state/pause')).toBe('true')
    await db.close()
  })
})

describe('refusals', () => {
  const refuse = async (at: string, request: 'reserve' | 'connect', count: number): Promise<void> => {
    scene.set(at)
    history.add({ ...amountsOf(0), refusals: { [refusalKey(request, 'full')]: count } })
    await history.flush()
  }

  it('are told by request over minutes, hours and days, and by reason alone elsewhere', async () => {
    await refuse('2026-03-01T12:00:00Z', 'connect', 1000)
    await refuse('2026-07-28T12:00:00Z', 'connect', 100)
    await refuse('2026-07-30T10:30:00Z', 'reserve', 10)
    await refuse('2026-07-30T11:59:30Z', 'connect', 1)
    scene.set('2026-07-30T12:00:00Z')
    const since = (hours: number): unknown => history.refusalsSince(scene.now - hours * 3_600_000)
    const refusals = (connect: number, reserve: number): object[] => [
      { request: 'connect', reason: 'full', count: connect },
      { request: 'reserve', reason: 'full', count: reserve }
    ]
    expect(since(1)).toEqual([{ request: 'connect', reason: 'full', count: 1 }])
    expect(since(24)).toEqual(refusals(1, 10).reverse())
    expect(since(72)).toEqual(refusals(101, 10))
    expect(since(200 * 24)).toEqual(refusals(1101, 10))
    await reopen()
    expect(since(72)).toEqual(refusals(101, 10))
    expect(history.totals().ever.refusals).toEqual({ full: 1111 })
  })

  it('have the minute in which the time asked for begins', async () => {
    await refuse('2026-07-30T11:00:10Z', 'connect', 1)
    scene.set('2026-07-30T12:00:50Z')
    expect(history.refusalsSince(scene.now - 3_600_000)).toHaveLength(1)
    scene.set('2026-07-30T12:01:00Z')
    expect(history.refusalsSince(scene.now - 3_600_000)).toEqual([])
  })
})

describe('what is of networks and of rules', () => {
  it('adds up by name, whatever the name is, and lasts', async () => {
    const network = { bytes: { toTarget: 1, toSource: 2 }, circuits: 3 }
    const networks = Object.fromEntries(['constructor', '__proto__', 'a "b"/c'].map(name => [name, network]))
    for (let i = 0; i < 2; i++) {
      history.add({ ...amountsOf(0), networks, heldSeconds: { schedule: 10, battery: 0 } })
      await reopen()
    }
    const { networks: found, heldSeconds } = history.totals().ever
    expect(Object.entries(found)).toEqual(
      Object.keys(networks).map(name => [name, { bytes: { toTarget: 2, toSource: 4 }, circuits: 6 }])
    )
    expect(heldSeconds).toEqual({ schedule: 20 })
  })
})

describe('deleting it', () => {
  /** Not by chance in a file. */
  const FIGURE = 918_273_645_546

  async function bytesOfFolder(): Promise<string> {
    const files = await readdir(path.dirname(dir), { recursive: true, withFileTypes: true })
    const texts = files
      .filter(file => file.isFile())
      .map(file => readFile(path.join(file.parentPath, file.name), 'latin1'))
    return (await Promise.all(texts)).join('\n')
  }

  it('takes every figure off the disk, with copies of it, and counts anew', async () => {
    history.add({ ...amountsOf(1), bytes: { toTarget: FIGURE, toSource: 0 }, circuits: 7 })
    history.peerSeen('peer')
    await history.flush()
    await reopen()
    scene.set('2026-07-30T13:30:00Z')
    history.add({ ...amountsOf(1), bytes: { toTarget: FIGURE, toSource: 0 } })
    await history.flush()
    await mkdir(`${dir}.broken-2026-01-01`)
    await writeFile(path.join(`${dir}.broken-2026-01-01`, '000003.log'), String(FIGURE))
    expect(await bytesOfFolder()).toContain(String(FIGURE))

    await history.clear()

    const left = await bytesOfFolder()
    expect(left).not.toContain(String(FIGURE))
    expect(left).not.toContain('minute/2026-07-30T12')
    expect(await readdir(path.dirname(dir))).toEqual(['history'])
    for (const step of ['minute', 'hour', 'day'] as const) expect(await history.query({ step })).toEqual([])
    expect(history.totals().ever).toEqual({ ...amountsOf(0), refusals: {} })
    expect(history.since).toBe('2026-07-30T13:30:00.000Z')
    history.add(amountsOf(2))
    await reopen()
    expect(await sums(history)).toEqual({ minute: 2, hour: 2, day: 2, ever: 2 })
  })

  it('keeps what lasts, and of the month the traffic alone', async () => {
    await history.setState('pause', { until: 5 })
    history.add(amountsOf(3))
    await history.clear()
    await reopen()
    expect(history.getState('pause')).toEqual({ until: 5 })
    expect(history.totals().month).toEqual({
      ...amountsOf(0),
      refusals: {},
      traffic: { received: 9, sent: 12 }
    })
    expect(scene.warnings).toEqual([])
  })

  it('keeps what quotas go by: the traffic since the day they count from, and that of today', async () => {
    scene.set('2026-07-28T12:00:00Z')
    history.add(amountsOf(100))
    scene.set('2026-07-29T12:00:00Z')
    history.add(amountsOf(10))
    scene.set('2026-07-30T12:00:00Z')
    history.add(amountsOf(1))
    const since = (day: string): number => history.trafficSince(day).received / amountsOf(1).traffic.received
    const all = (): number[] => ['2026-07-28', '2026-07-29', '2026-07-30', '2026-07-31'].map(since)
    expect(all()).toEqual([111, 11, 1, 0])
    await history.clear('2026-07-29')
    expect(all()).toEqual([11, 11, 1, 0])
    history.add(amountsOf(2))
    await history.clear('2026-07-29')
    await reopen()
    expect(all()).toEqual([13, 13, 3, 0])
    scene.set('2026-07-31T12:00:00Z')
    history.add(amountsOf(5))
    expect(all()).toEqual([18, 18, 8, 5])
  })

  it('is refused where nothing can be written any more', async () => {
    history.add(amountsOf(3))
    await history.close()
    await expect(history.clear()).rejects.toMatchObject({ code: 'history-unusable' })
  })
})

describe('after the end', () => {
  it('nothing is written, and nothing fails', async () => {
    await history.close()
    history.add(amountsOf(1))
    await history.flush()
    await history.close()
    expect(await history.setState('pause', true)).toBe(false)
    history = await scene.open(dir)
    expect(totals()).toEqual([0, 0, 0])
  })
})
