import { tcp } from '@libp2p/tcp'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import {
  browserMissing,
  counted,
  goTo,
  launchBrowser,
  openDashboard,
  type Dashboard
} from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const MANY = 1000
const AT_ONCE = 20

// Processor time grows, too, where two programs share a core: a busy moment gets a second chance.
describe.skipIf(browserMissing())(`tables of ${MANY} rows`, { retry: 1 }, () => {
  let browser: Browser
  let node: DashboardNode
  let dashboard: Dashboard
  let address: string
  const peers: RawPeer[] = []

  beforeAll(async () => (browser = await launchBrowser()))
  afterAll(async () => browser.close())
  beforeEach(async () => {
    node = await DashboardNode.start()
    address = await node.address()
    dashboard = await openDashboard(browser, node)
  })

  afterEach(async () => {
    await dashboard[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
    await Promise.all(peers.splice(0).map(peer => peer[Symbol.asyncDispose]()))
  })

  it('of circuits scroll with under 100 row nodes, and no task over 50 ms', async () => {
    const { page } = dashboard
    const [listener, dialer] = [await RawPeer.reserved(address), await RawPeer.create(address)]
    peers.push(listener, dialer)
    await inTurns(MANY, () => dialer.open(listener))
    await goTo(page, 'circuits')
    await until('all are there', async () => (await counted(page, 'circuits')) === MANY, 60)

    expectSmooth(await scrolled(browser, page))
  })

  it('of reservations, too', async () => {
    const { page } = dashboard
    await inTurns(MANY, async () => {
      // The least that a client can be.
      const options = { transports: [tcp()], services: {} }
      peers.push(await RawPeer.reserved(address, { options }))
    })
    await goTo(page, 'reservations')
    await until('all are there', async () => (await counted(page, 'reservations')) === MANY, 60)

    expectSmooth(await scrolled(browser, page))
  })
})

async function inTurns(count: number, action: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, action))
  }
}

interface Scrolled {
  mostRows: number
  /** How far down it came, of what there is. */
  share: number
  frames: number
  /**
   * Milliseconds of processor time of the page's tasks, the longest first. Time on the clock would count what else the
   * machine was busy with.
   */
  tasks: number[]
}

/** Scrolls the table to its end and back by the wheel while its figures go on changing. */
async function scrolled(browser: Browser, page: Page): Promise<Scrolled> {
  await page.locator('[role=table]').first().hover()
  await page.evaluate(() => {
    const watch = { mostRows: 0, frames: 0, share: 0, over: false }
    const look = (): void => {
      const box = document.querySelector('[role=table]')!
      watch.frames++
      watch.mostRows = Math.max(watch.mostRows, document.querySelectorAll('[data-row]').length)
      watch.share = Math.max(watch.share, (box.scrollTop + box.clientHeight) / box.scrollHeight)
      if (!watch.over) requestAnimationFrame(look)
    }
    look()
    Object.assign(globalThis, { watch })
  })
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
  for (const direction of [1, -1]) {
    for (let step = 0; step < 90; step++) {
      await page.mouse.wheel(0, direction * 600)
      await page.waitForTimeout(30)
    }
  }
  const tasks = taskMilliseconds(await browser.stopTracing())
  const watch = await page.evaluate(() => {
    const { watch } = globalThis as unknown as { watch: Omit<Scrolled, 'tasks'> & { over: boolean } }
    watch.over = true
    return watch
  })
  return { ...watch, tasks }
}

interface TraceEvent {
  name: string
  pid: number
  tid: number
  /** Microseconds of the thread's processor time. */
  tdur?: number
  args?: { name?: string }
}

/** Tasks of the renderers' main threads, the longest first. */
function taskMilliseconds(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`
  const isName = ({ name, args }: TraceEvent): boolean =>
    name === 'thread_name' && args?.name === 'CrRendererMain'
  const mainThreads = new Set(traceEvents.filter(isName).map(threadOf))
  return traceEvents
    .filter(event => event.name.endsWith('RunTask') && mainThreads.has(threadOf(event)))
    .map(({ tdur }) => (tdur ?? NaN) / 1000)
    .sort((a, b) => b - a)
}

function expectSmooth({ mostRows, share, frames, tasks }: Scrolled): void {
  expect(share).toBeGreaterThan(0.99)
  expect(frames).toBeGreaterThan(50)
  expect(mostRows).toBeGreaterThan(5)
  expect(mostRows).toBeLessThan(100)
  // There is a figure for each of them, or the longest would be no longest.
  expect(tasks.length).toBeGreaterThan(100)
  expect(tasks.some(Number.isNaN)).toBe(false)
  expect(tasks.filter(task => task > 50)).toEqual([])
}
