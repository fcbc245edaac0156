import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../support/app.ts'
import { temporaryFolder } from '../support/command.ts'
import { ROOT } from '../support/package.ts'
import { until } from '../support/until.ts'
import { browserMissing, bundle, launchBrowser, serveScript, type PageServer } from './support/browsers.ts'

interface WebApp {
  stay(): Promise<never>
  myAddress(): { toString(): string } | undefined
  meet(address: string): Promise<{ direct: boolean; limits?: object }>
}
declare const webApp: WebApp

describe.skipIf(browserMissing())("the README's code for web apps", () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  it('brings two pages together, directly', async () => {
    await using folder = await temporaryFolder()
    const { app } = createApp(folder.dir, { 'http.enabled': true })
    await app.start()
    await using pages = await serveReadme(new URL(app.identityUrls[0] ?? '').origin)
    const closed: string[] = []
    app.bus.on('circuit-closed', ({ reason }) => closed.push(reason))
    const [first, second] = [await open(pages), await open(pages)]

    await first.evaluate(() => void webApp.stay())
    await first.waitForFunction(() => webApp.myAddress() !== undefined)
    const address = await first.evaluate(() => String(webApp.myAddress()))
    const connection = await second.evaluate(async to => {
      const { direct, limits } = await webApp.meet(to)
      return { direct, limits }
    }, address)

    expect(connection).toEqual({ direct: true })
    await until('the circuit was given back', () => closed.length === 1)
    await app.stop()
  })

  async function open(pages: PageServer): Promise<Page> {
    const page = await pages.open(browser)
    await page.waitForFunction(() => 'webApp' in globalThis)
    return page
  }
})

/** A page of the README's code, with another relay. */
async function serveReadme(relay: string): Promise<PageServer> {
  const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8')
  const code = /<!-- run in Chromium[^>]*-->\s*```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const given = code.replace("'http://127.0.0.1:4002'", `'${relay}'`)
  expect(given).not.toBe(code)
  // Where its packages are found.
  const dir = await mkdtemp(path.join(ROOT, 'node_modules', '.waystation-readme-'))
  try {
    const file = path.join(dir, 'web-app.js')
    await writeFile(file, `${given}\nObject.assign(globalThis, { webApp: { stay, myAddress, meet } })\n`)
    return await serveScript(await bundle(file))
  } finally {
    await rm(dir, { recursive: true })
  }
}
