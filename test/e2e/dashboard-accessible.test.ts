import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FlowPeer } from '../support/flow.ts'
import { RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { seriousFindings } from './support/accessibility.ts'
import { browserMissing, counted, figure, goTo, launchBrowser, openDashboard } from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const PAGES = ['overview', 'circuits', 'reservations', 'refusals', 'network', 'settings', 'log', 'welcome']

describe.skipIf(browserMissing())('the pages, for everyone', () => {
  let browser: Browser
  let node: DashboardNode
  let listener: FlowPeer
  let dialer: FlowPeer
  let refused: RawPeer

  // Pages with something on them: a circuit that works, a reservation, a refusal.
  beforeAll(async () => {
    browser = await launchBrowser()
    node = await DashboardNode.start({
      'relay.reservations.total': 1,
      'relay.rate.totalBytesPerSecond': 500_000
    })
    const address = await node.address()
    listener = await FlowPeer.create(address, { reserved: true })
    dialer = await FlowPeer.create(address)
    await dialer.flowTo(listener)
    refused = await RawPeer.create(address)
    await refused.reserve()
  })

  afterAll(async () => {
    for (const each of [refused, dialer, listener, node]) await each[Symbol.asyncDispose]()
    await browser.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`have nothing that axe-core calls serious, in the ${colorScheme} theme`, async () => {
      await using dashboard = await openDashboard(browser, node, { colorScheme })
      const { page } = dashboard
      for (const name of PAGES) {
        await goTo(page, name)
        await settled(page, name)
        expect(await seriousFindings(page), name).toEqual([])
      }
      await goTo(page, 'circuits')
      await page.getByRole('button', { name: /^Actions for the circuit/ }).click()
      expect(await seriousFindings(page), 'a menu').toEqual([])
      await page.getByRole('menuitem', { name: 'Slow down the dialer …' }).click()
      expect(await seriousFindings(page), 'a dialog').toEqual([])
    })
  }

  it('tell a person without a session what to do, accessibly', async () => {
    const context = await browser.newContext({ locale: 'en' })
    const page = await context.newPage()
    for (const path of ['/', '/open', '/open#used-before']) {
      await page.goto(new URL(path, node.control.url).href)
      await page.getByText('waystation dashboard').first().waitFor()
      expect(await seriousFindings(page), path).toEqual([])
    }
    await context.close()
  })

  it('fit a window of 640 pixels, and one of 4K', async () => {
    for (const width of [640, 3840]) {
      await using dashboard = await openDashboard(browser, node, { viewport: { width, height: 900 } })
      const { page } = dashboard
      for (const name of PAGES) {
        await goTo(page, name)
        await settled(page, name)
        const overflow = await page.evaluate(() => {
          const main = document.querySelector('main')!
          return [document.documentElement, main].map(
            ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth
          )
        })
        expect(overflow, `${name} at ${width}`).toEqual([0, 0])
      }
    }
  })

  it('move nothing for those who want no motion', async () => {
    await using dashboard = await openDashboard(browser, node, { reducedMotion: 'reduce' })
    const { page } = dashboard
    for (const name of PAGES) {
      await goTo(page, name)
      await settled(page, name)
      expect(await page.evaluate(() => document.getAnimations().length), name).toBe(0)
    }
  })

  it('are worked by keyboard alone, with a focus that is seen', async () => {
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard

    // The first key leads to the skip link, and that to the page.
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatchObject({ text: 'Skip to the page', seen: true })
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')

    await tabTo(page, 'Pause')
    await page.keyboard.press('Enter')
    expect((await focused(page)).text).toBe('For an hour')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await until('it is paused', async () => (await node.control.call('status')).mode.mode === 'paused')
    await tabTo(page, 'Resume')
    await page.keyboard.press('Enter')
    await until('it goes on', async () => (await node.control.call('status')).mode.mode === 'open')

    await tabTo(page, 'Circuits')
    await page.keyboard.press('Enter')
    await page.locator('main[data-page=circuits]').waitFor()
    await until('the row is there', async () => (await counted(page, 'circuits')) === 1)
    await tabTo(page, /^Actions for the circuit/)
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await dialog.evaluate(element => element.contains(document.activeElement))).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await tabTo(page, /^Actions for the circuit/)
    await page.keyboard.press('Enter')
    expect((await focused(page)).text).toBe('Close this circuit')
    await page.keyboard.press('Enter')
    await until('it is closed', async () => (await counted(page, 'circuits')) === 0)

    await tabTo(page, 'Settings')
    await page.keyboard.press('Enter')
    await page.locator('main[data-page=settings]').waitFor()
    await tabTo(page, 'Search the settings')
    await page.keyboard.type('reservations at once')
    await tabTo(page, /^/, '[data-setting="relay.reservations.total"] input[type=text]')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('7')
    await tabTo(page, 'Save changes')
    await page.keyboard.press('Enter')
    await until('it is saved', async () => (await node.control.call('status')).reservations.limit === 7)
  })
})

/** The page shows what it has, rather than that it is asking. */
async function settled(page: Page, name: string): Promise<void> {
  if (name === 'circuits' || name === 'reservations')
    await until('rows', async () => (await counted(page, name)) > 0)
  if (name === 'overview') await until('figures', async () => (await figure(page, 'state')) !== '')
  await page.waitForTimeout(300)
}

interface Focused {
  text: string
  /** Drawn around it. */
  seen: boolean
}

async function focused(page: Page): Promise<Focused> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement
    const label =
      element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent
    const track = element.nextElementSibling
    const outlined = [element, track].some(
      each =>
        each !== null &&
        getComputedStyle(each).outlineStyle !== 'none' &&
        getComputedStyle(each).outlineWidth !== '0px'
    )
    return { text: label.trim(), seen: outlined }
  })
}

/** Presses Tab until the focus is there. Every stop on the way must be seen. */
async function tabTo(page: Page, wanted: string | RegExp, selector = '*'): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press('Tab')
    const { text, seen } = await focused(page)
    const isBody = await page.evaluate(() => document.activeElement === document.body)
    expect(seen || isBody, `the focus on "${text}" is seen`).toBe(true)
    const matches = typeof wanted === 'string' ? text === wanted : wanted.test(text)
    if (matches && (await page.evaluate(css => document.activeElement?.matches(css) === true, selector)))
      return
  }
  throw new Error(`Tab never comes to ${String(wanted)}`)
}
