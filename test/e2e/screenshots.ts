/**
 * Writes a picture of every page, light and dark and in a narrow window, to test/e2e/screenshots: of a real node, with
 * real peers in real circuits. To look at, and to see what a change of the renderer changes.
 *
 *   npm run screenshots [-- PAGE …]
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { createClient, createListener } from '../support/clients.ts'
import { FlowPeer } from '../support/flow.ts'
import { RawPeer } from '../support/raw.ts'
import { sleep } from '../support/until.ts'
import buildWhatIsOld from './support/builds.ts'
import { browserMissing, goTo, launchBrowser, openDashboard } from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const FOLDER = path.join(import.meta.dirname, 'screenshots')
const PAGES = ['overview', 'circuits', 'reservations', 'refusals', 'network', 'settings', 'log']
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { look: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { look: 'narrow', colorScheme: 'light', viewport: { width: 640, height: 900 } }
] as const

const wanted = process.argv.slice(2)
const isWanted = (page: string): boolean => wanted.length === 0 || wanted.includes(page)

/** A node that is busy: listeners and dialers of three transports, circuits that last and some that are over, refusals. */
async function busyNode(stack: AsyncDisposable[]): Promise<DashboardNode> {
  const node = await DashboardNode.start({
    profile: 'home',
    'relay.reservations.total': 12,
    'relay.circuits.total': 32,
    'relay.rate.totalBytesPerSecond': 1_250_000,
    'quota.bytesPerMonth': 1_000_000_000
  })
  stack.push(node)
  const listeners: FlowPeer[] = []
  for (const kind of ['tcp', 'quic', 'ws', 'tcp', 'quic', 'tcp'] as const) {
    listeners.push(await FlowPeer.create(await node.address(kind), { reserved: true }))
  }
  for (let more = 0; more < 6; more++) stack.push(await createListener(await node.address()))
  stack.push(...listeners)
  for (const [index, listener] of listeners.entries()) {
    const dialer = await FlowPeer.create(await node.address(index % 2 === 0 ? 'tcp' : 'quic'))
    stack.push(dialer)
    const flow = await dialer.flowTo(listener)
    if (index === 4) setTimeout(() => void flow.source.finish().catch(() => {}), 3000)
  }
  for (let late = 0; late < 3; late++) {
    const refused = await RawPeer.create(await node.address())
    stack.push(refused)
    for (let time = 0; time < 4 - late; time++) await refused.reserve()
  }
  const stranger = await RawPeer.create(await node.address())
  stack.push(stranger, await createClient())
  await stranger.connect(stranger)
  await node.control.call('limitPeer', { peer: listeners[0]!.raw.id, bytesPerSecond: 60_000 })
  await node.control.call('blockPeer', { peer: '203.0.113.0/24' })
  return node
}

async function shoot(browser: Browser, node: DashboardNode, pages: readonly string[]): Promise<void> {
  for (const { look, ...options } of LOOKS) {
    await using dashboard = await openDashboard(browser, node, options)
    const { page } = dashboard
    for (const name of pages) {
      const [shown = name] = name.split('-')
      await goTo(page, shown)
      // Lists are read, figures have ticked, a chart has a few points.
      await sleep(name === 'overview' ? 4000 : 1500)
      await page.screenshot({ path: path.join(FOLDER, `${name}-${look}.png`) })
    }
  }
}

if (browserMissing()) process.exit(1)
buildWhatIsOld()
await mkdir(FOLDER, { recursive: true })
if (wanted.length === 0) {
  for (const name of await readdir(FOLDER)) if (name.endsWith('.png')) await rm(path.join(FOLDER, name))
}
const browser = await launchBrowser()
const stack: AsyncDisposable[] = []
try {
  if (PAGES.some(isWanted)) {
    const node = await busyNode(stack)
    // Long enough for a line in the chart.
    await sleep(20_000)
    await shoot(browser, node, PAGES.filter(isWanted))
  }
  if (isWanted('network-failed')) {
    // Someone has moved the port, and the settings still say where it was.
    const other = await DashboardNode.start()
    stack.push(other)
    const moved = (await other.address()).replace(/\/p2p\/.*/, '')
    const node = await DashboardNode.start({ announce: [moved], announceIp: [] })
    stack.push(node)
    await node.control.call('selfTest').catch(() => {})
    await shoot(browser, node, ['network-failed'])
  }
  if (isWanted('welcome') || isWanted('off')) {
    const node = await DashboardNode.start({
      profile: 'home',
      'relay.enabled': false,
      'relay.rate.totalBytesPerSecond': 1_250_000,
      'quota.bytesPerMonth': 100_000_000_000
    })
    stack.push(node)
    await shoot(browser, node, ['welcome'].filter(isWanted))
  }
} finally {
  await browser.close()
  for (const each of stack.reverse()) await each[Symbol.asyncDispose]()
}
process.exit(0)
