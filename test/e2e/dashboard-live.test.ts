import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import { arrivesWhole, FlowPeer, type Flow } from '../support/flow.ts'
import { RawPeer } from '../support/raw.ts'
import { sleep, until } from '../support/until.ts'
import {
  browserMissing,
  counted,
  figure,
  goTo,
  launchBrowser,
  openDashboard,
  used,
  type Dashboard
} from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const MB = 1_000_000

describe.skipIf(browserMissing())('the dashboard of a working node', () => {
  let browser: Browser
  let node: DashboardNode
  let dashboard: Dashboard
  let page: Page
  let address: string

  beforeAll(async () => (browser = await launchBrowser()))
  afterAll(async () => browser.close())
  beforeEach(async () => {
    node = await DashboardNode.start()
    address = await node.address()
    dashboard = await openDashboard(browser, node)
    page = dashboard.page
  })
  afterEach(async () => {
    await dashboard[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
  })

  it('shows what passes through a circuit while it passes, and counts it when it is over', async () => {
    expect(await situation(page)).not.toBe('relaying')
    await using listener = await FlowPeer.create(address, { reserved: true })
    await using dialer = await FlowPeer.create(address)
    await node.control.call('setSettings', { values: { 'relay.rate.totalBytesPerSecond': 2 * MB } })
    const flow = await dialer.flowTo(listener)

    await until('the overview says so', async () => (await situation(page)) === 'relaying')
    expect(await figure(page, 'state')).toMatch(/^Relaying for 1 peer;/)
    expect(await used(page, 'circuits')).toMatch(/^1\b/)
    await until('the rate shows', async () => rateOf(await used(page, 'rate')) > 8)
    await goTo(page, 'circuits')
    await until('it has a row', async () => (await counted(page, 'circuits')) === 1)
    const before = await bytesOf(page)
    await until('its bytes grow', async () => (await bytesOf(page)) > before + MB)
    expect(await bytesOf(page)).toBeLessThanOrEqual(flow.source.bytes)

    expect(await arrivesWhole(flow)).toBe(true)
    await until('its row is gone', async () => (await counted(page, 'circuits')) === 0)
    await goTo(page, 'overview')
    const { bytes } = (await node.control.call('stats')).totals.today
    expect(bytes.toTarget).toBe(flow.sink.bytes)
    await until(
      'it is counted',
      async () => amountOf(await figure(page, 'relayed-today')) > flow.sink.bytes * 0.98
    )
  })

  it('changes a limit, which then holds', async () => {
    await using listener = await FlowPeer.create(address, { reserved: true })
    await using dialer = await FlowPeer.create(address)
    const flow = await dialer.flowTo(listener)
    await until('it flows', () => flow.sink.bytes > MB)
    expect(await bytesIn(flow, 1)).toBeGreaterThan(4 * MB)

    await goTo(page, 'settings/relay.rate.totalBytesPerSecond')
    const row = page.locator('[data-setting="relay.rate.totalBytesPerSecond"]')
    await row.getByRole('checkbox', { name: /No limit/ }).uncheck()
    await row.getByRole('textbox').fill('8')
    await row.getByRole('combobox').selectOption({ label: 'Mbit/s' })
    await page.getByRole('button', { name: 'Save changes' }).click()
    await until('it is saved', async () => (await row.getAttribute('data-changed')) === 'false')

    // What was let through before the change has passed by now.
    await sleep(1000)
    const seconds = 4
    const bytes = await bytesIn(flow, seconds)
    expect(bytes).toBeGreaterThan(seconds * MB * 0.7)
    expect(bytes).toBeLessThan(seconds * MB * 1.15)
  })

  it('refuses a value that is none, and says why before anything is saved', async () => {
    await goTo(page, 'settings/relay.reservations.ttlSeconds')
    const row = page.locator('[data-setting="relay.reservations.ttlSeconds"]')
    await row.getByRole('textbox').fill('soon')

    await row.getByRole('alert').waitFor()
    expect(await page.getByRole('button', { name: 'Save changes' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Take back all' }).click()
    expect(await row.getByRole('alert').count()).toBe(0)
  })

  it('takes the hours of the week by pointer and keyboard, and says the worst case before it saves', async () => {
    await goTo(page, 'settings/schedule.hours')
    const row = page.locator('[data-setting="schedule.hours"]')
    const grid = row.getByRole('grid', { name: 'Hours of the week' })
    const cell = (day: string, hour: number) =>
      grid.getByRole('gridcell', { name: new RegExp(`^${day}, ${hour}:00`) })
    await row.getByRole('button', { name: 'Nights (22 to 7)' }).click()
    await cell('Sat', 9).hover()
    await page.mouse.down()
    await cell('Sun', 11).hover()
    await page.mouse.up()
    expect(await row.getByRole('textbox').inputValue()).toBe('mon-sun 22-7\nsat,sun 9-12')
    // From where it began a step down and one to the right, and off.
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Space')
    expect(await cell('Sun', 10).getAttribute('aria-selected')).toBe('false')
    expect(await counted(page, 'schedule-hours')).toBe(68)
    expect(await figure(page, 'worst-case')).toContain('no bound')

    await page.getByRole('button', { name: 'Save changes' }).click()
    await until('it is saved', async () => (await row.getAttribute('data-changed')) === 'false')
    const { settings } = await node.control.call('settings')
    const hours = settings.find(({ key }) => key === 'schedule.hours')?.text
    expect(hours).toBe('mon-sun 22-7, sat 9-12, sun 9-10, sun 11-12')
  })

  it('names what was refused, with the setting that would change it', async () => {
    await node.control.call('setSettings', { values: { 'relay.reservations.total': 1 } })
    await using first = await RawPeer.reserved(address)
    await using second = await RawPeer.create(address)
    expect((await second.reserve()).status).toBe(Status.RESERVATION_REFUSED)
    expect(await holders(node)).toEqual([first.id])

    await goTo(page, 'refusals')
    await until('it is counted', async () => (await counted(page, 'refusals')) === 1)
    await page.locator('main a[href*="relay.reservations.total"]').click()
    await page.locator('main[data-page=settings]').waitFor()
    const input = page.locator('[data-setting="relay.reservations.total"] input').first()
    await until('its field has the focus', async () =>
      input.evaluate(element => element === document.activeElement)
    )
  })

  it('blocks a peer from its row, which ends its circuits and lets it open no more, until it is unblocked', async () => {
    await using listener = await RawPeer.reserved(address)
    await using dialer = await RawPeer.create(address)
    const end = await dialer.open(listener)
    await goTo(page, 'circuits')
    await page.getByRole('button', { name: /^Actions for the circuit/ }).click()
    await page.getByRole('menuitem', { name: 'Block the dialer …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Block', exact: true }).click()

    await end.isOver()
    await until('its row is gone', async () => (await counted(page, 'circuits')) === 0)
    expect((await dialer.connect(listener)).status).toBe(Status.PERMISSION_DENIED)

    await goTo(page, 'reservations')
    await page.getByRole('button', { name: /^Unblock/ }).click()
    await page.getByText('Nobody is blocked or slowed down').waitFor()
    expect((await dialer.connect(listener)).status).toBe(Status.OK)
  })

  it('slows one peer down, and leaves the others as they are', async () => {
    await using listener = await FlowPeer.create(address, { reserved: true })
    await using other = await FlowPeer.create(address, { reserved: true })
    await using dialer = await FlowPeer.create(address)
    const flow = await dialer.flowTo(listener)
    await goTo(page, 'reservations')
    const row = page.getByRole('row').filter({ has: page.locator(`code[title="${listener.raw.id}"]`) })
    await row.getByRole('button', { name: /^Actions for/ }).click()
    await page.getByRole('menuitem', { name: 'Slow down …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('spinbutton', { name: 'Rate' }).fill('4')
    await dialog.getByRole('combobox', { name: 'Unit' }).selectOption('Mbit/s')
    await dialog.getByRole('button', { name: 'Set the rate' }).click()
    await dialog.waitFor({ state: 'detached' })

    await sleep(1000)
    expect(await bytesIn(flow, 3)).toBeLessThan(3 * 0.5 * MB * 1.2)
    const free = await dialer.flowTo(other)
    await until('the other is fast', () => free.sink.bytes > 5 * MB)
  })

  it('pauses, takes nothing new while what runs goes on, and resumes', async () => {
    await using listener = await FlowPeer.create(address, { reserved: true })
    await using dialer = await FlowPeer.create(address)
    const flow = await dialer.flowTo(listener)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('menuitem', { name: 'For an hour' }).click()

    await until('the page says so', async () => (await situation(page)) === 'paused')
    expect(await figure(page, 'state')).toMatch(/^Paused until \d/)
    await using late = await RawPeer.create(address)
    expect((await late.reserve()).status).not.toBe(Status.OK)
    expect(await bytesIn(flow, 1)).toBeGreaterThan(MB)

    await page.getByRole('button', { name: 'Resume' }).click()
    await until('it relays again', async () => (await situation(page)) === 'relaying')
    expect((await late.reserve()).status).toBe(Status.OK)
  })

  it('says that the node is gone, connects again by itself, and has what happened meanwhile', async () => {
    const control = new URL(node.control.url).port
    const port = /\/tcp\/(\d+)\//.exec(address)?.[1] ?? ''
    await using before = await RawPeer.reserved(address)
    await until('the overview shows it', async () => (await used(page, 'reservations')).startsWith('1'))
    expect(await holders(node)).toEqual([before.id])

    await node.kill()
    await page.getByText('The node no longer answers').waitFor()
    expect(await page.getByRole('switch', { name: 'Relay for others' }).isDisabled()).toBe(true)

    await node.startAgain(['--control-port', control, '--tcp-port', port])
    await using one = await RawPeer.reserved(await node.address())
    await using two = await RawPeer.reserved(await node.address())
    await page.getByText('The node no longer answers').waitFor({ state: 'detached' })
    await until('what happened meanwhile shows', async () =>
      (await used(page, 'reservations')).startsWith('2')
    )
    await using three = await RawPeer.reserved(await node.address())
    await until('what happens now shows', async () => (await used(page, 'reservations')).startsWith('3'))
    expect((await holders(node)).sort()).toEqual([one.id, two.id, three.id].sort())
  })

  it('opens once by its link, stays open over a reload, and says what to do with a link that was used', async () => {
    const link = await node.link()
    const other = await browser.newContext({ locale: 'en' })
    const tab = await other.newPage()
    await tab.goto(node.control.url)
    expect(await tab.locator('main').innerText()).toContain('waystation dashboard')
    await tab.goto(link)
    await tab.locator('main[data-page=overview]').waitFor()
    expect(tab.url()).not.toContain(link.split('#')[1])
    await tab.reload()
    await tab.locator('main[data-page=overview]').waitFor()

    const stranger = await browser.newContext({ locale: 'en' })
    const second = await stranger.newPage()
    await second.goto(link)
    await second.getByText('waystation dashboard').first().waitFor()
    expect(await second.locator('main[data-page]').count()).toBe(0)
    await other.close()
    await stranger.close()
  })

  it('speaks German where the system does', async () => {
    await using german = await openDashboard(browser, node, { locale: 'de-DE' })
    const names = await german.page.getByRole('navigation').getByRole('link').allInnerTexts()
    expect(names.map(name => name.trim())).toEqual([
      'Überblick',
      'Circuits',
      'Reservierungen',
      'Ablehnungen',
      'Netzwerk',
      'Einstellungen',
      'Protokoll'
    ])
    expect(await german.page.evaluate(() => document.documentElement.lang)).toBe('de')
  })
})

const situation = (page: Page): Promise<string | null> =>
  page.locator('[data-figure=state]').getAttribute('data-situation')

const holders = async (node: DashboardNode): Promise<string[]> =>
  (await node.control.call('reservations')).map(({ peer }) => peer)

/** Bytes that arrive in that time. */
async function bytesIn({ sink }: Flow, seconds: number): Promise<number> {
  const [before, from] = [sink.bytes, performance.now()]
  await sleep(seconds * 1000)
  return ((sink.bytes - before) / (performance.now() - from)) * 1000 * seconds
}

const UNITS: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }

/** `12.5 MB` in bytes. */
function amountOf(text: string): number {
  const [, amount = '', unit = ''] = /([\d.,]+)\s+(\w+)/.exec(text) ?? []
  return Number(amount.replaceAll(',', '')) * (UNITS[unit] ?? NaN)
}

/** The Mbit/s that a text begins with; 0 where it is less. */
const rateOf = (text: string): number => Number(/^([\d.]+) Mbit\/s/.exec(text)?.[1] ?? 0)

const bytesOf = async (page: Page): Promise<number> => amountOf(await figure(page, 'bytes-toTarget'))
