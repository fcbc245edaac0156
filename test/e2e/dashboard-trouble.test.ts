import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { browserMissing, goTo, launchBrowser, openDashboard } from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const HOURS_AHEAD = 5

describe.skipIf(browserMissing())('the dashboard', () => {
  let browser: Browser
  beforeAll(async () => (browser = await launchBrowser()))
  afterAll(async () => browser.close())

  it('shows pages whose list in the settings file holds an entry twice', async () => {
    await using node = await DashboardNode.start({ 'access.deny': ['192.0.2.1', '192.0.2.1'] })
    await using dashboard = await openDashboard(browser, node)
    await goTo(dashboard.page, 'network')
    expect(await dashboard.page.getByText('192.0.2.1', { exact: true }).count()).toBe(1)
  })

  it('opens by an address that is broken', async () => {
    await using node = await DashboardNode.start()
    await using dashboard = await openDashboard(browser, node)
    await goTo(dashboard.page, 'settings/%E0%A4%A')
    await dashboard.page.reload()
    await dashboard.page.locator('main[data-page=settings]').waitFor()
  })

  it('signs out, and goes on in every tab when one was given a session again', async () => {
    await using node = await DashboardNode.start()
    const context = await browser.newContext({ locale: 'en' })
    const page = await context.newPage()
    await page.goto(await node.link())
    await page.locator('main[data-page=overview]').waitFor()
    await goTo(page, 'settings')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('main[data-page=signed-out]').waitFor()
    expect(await context.cookies()).toEqual([])

    const other = await context.newPage()
    await other.goto(await node.link())
    await page.locator('main[data-page=settings]').waitFor()
    await until('it may be changed', () => page.locator('[data-setting="access.deny"] textarea').isEnabled())
    await context.close()
  })

  it('says that a setting was changed elsewhere before a draft takes that back', async () => {
    await using node = await DashboardNode.start()
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    await goTo(page, 'settings')
    const row = page.locator('[data-setting="access.deny"]')
    await row.locator('textarea').fill('192.0.2.5')
    expect(await row.innerText()).not.toContain('changed elsewhere')
    await node.control.call('blockPeer', { peer: '192.0.2.9' })
    await row.getByText('changed elsewhere: 192.0.2.9').waitFor()
  })

  it('leaves whoever pauses by keyboard on the button that resumes', async () => {
    await using node = await DashboardNode.start()
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    const focused = (): Promise<string> => page.locator(':focus').innerText()
    // A button that may not be pressed yet takes no focus.
    await page.getByRole('button', { name: 'Pause', disabled: false }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Until I resume' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    expect(await focused()).toBe('Resume')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    expect(await focused()).toBe('Pause')
  })

  it('draws the last minutes in a browser whose clock is hours ahead', async () => {
    await using node = await DashboardNode.start()
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    await page.addInitScript(hours => {
      const ahead = hours * 3_600_000
      const real = Date
      globalThis.Date = class extends real {
        constructor(...given: unknown[]) {
          super(...((given.length > 0 ? given : [real.now() + ahead]) as [number]))
        }
        static override now(): number {
          return real.now() + ahead
        }
      } as DateConstructor
    }, HOURS_AHEAD)
    await page.reload()
    await page.locator('main[data-page=overview]').waitFor()
    await until('a line is drawn', async () => (await drawn(page)) > 0)
  })
})

/** Pixels of the chart in the colour of its second line. */
async function drawn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas')
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--to-source').trim()
    const wanted = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
    let found = 0
    for (let at = 0; at < data.length; at += 4) if (wanted.every((part, i) => data[at + i] === part)) found++
    return found
  })
}
