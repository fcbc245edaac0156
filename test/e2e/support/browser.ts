import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { findProgram, missing } from '../../support/needs.ts'
import type { DashboardNode } from './node.ts'

const program = findProgram('chromium', 'chromium-browser', 'google-chrome')

export const browserMissing = (): boolean =>
  missing('Chromium (Debian: apt-get install chromium)', program !== undefined)

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: program!,
    // Chromium's own sandbox refuses root; pages of other sites are never opened here.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
}

/** A page of the dashboard, which must load and run without an error in its console. */
export interface Dashboard extends AsyncDisposable {
  page: Page
  /** Errors of its scripts, and all that its Content-Security-Policy refused. */
  faults: string[]
}

/** Opens the node's dashboard by its one-time link, in a browser profile of its own. */
export async function openDashboard(
  browser: Browser,
  node: DashboardNode,
  options: BrowserContextOptions = {}
): Promise<Dashboard> {
  const context = await browser.newContext({
    locale: 'en',
    viewport: { width: 1280, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options
  })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !isLostConnection(message.text())) faults.push(message.text())
  })
  await page.goto(await node.link())
  await page.locator('main[data-page]:not([data-page=waiting])').waitFor()
  return {
    page,
    faults,
    async [Symbol.asyncDispose]() {
      await context.close()
      expect(faults).toEqual([])
    }
  }
}

/** Chromium itself writes that a request failed, also where the page deals with it. */
const isLostConnection = (text: string): boolean => /net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(text)

/** Goes to a page by its hash, as a bookmark does: `settings/quota.bytesPerMonth` */
export async function goTo(page: Page, name: string): Promise<void> {
  await page.evaluate(hash => (location.hash = hash), `#/${name}`)
  await page.locator(`main[data-page=${name.split('/')[0]}]`).waitFor()
}

/** The text of a figure, as people read it. */
export async function figure(page: Page, name: string): Promise<string> {
  return page.locator(`[data-figure="${name}"]`).first().innerText()
}

/** What is used of a limit, as the overview says it: `1 of 64` */
export async function used(page: Page, limit: string): Promise<string> {
  return (await figure(page, `limit-${limit}`)).split('\n').at(-1) ?? ''
}

/** The number that a list gives for programs: how many rows it has, seen or not. */
export async function counted(page: Page, name: string): Promise<number> {
  return Number(await page.locator(`[data-figure="${name}"]`).first().getAttribute('data-count'))
}
