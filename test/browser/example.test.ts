import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Command, temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'
import { seriousFindings } from '../e2e/support/accessibility.ts'
import { browserMissing, launchBrowser } from './support/browsers.ts'

const MiB = 1024 * 1024

describe.skipIf(browserMissing())('the example', () => {
  let browser: Browser
  let example: Command
  let url: string

  beforeAll(async () => {
    example = new Command(['--port', '0'], { entry: 'examples/browser-chat/start.ts' })
    await until('the example runs', () => example.stdout.includes('To stop') || !example.running, 60)
    url = /on this machine +(http\S+)/.exec(example.stdout)?.[1] ?? ''
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    expect((await example.kill('SIGTERM')).code).toBe(0)
  })

  it('brings two browsers together by a link, directly, and moves words and a file', async () => {
    await using folder = await temporaryFolder()
    const alice = await open(url)
    const link = await invitationOf(alice)
    await keepsNobodyOut(alice)

    const bob = await open(link)
    for (const page of [alice, bob]) await pathName(page, 'Direct')

    await say(bob, 'Hello Alice')
    await heard(alice, 'Hello Alice', 'them, direct')
    await say(alice, 'Hello <b>Bob</b>')
    await heard(bob, 'Hello <b>Bob</b>', 'them, direct')

    const data = randomBytes(3 * MiB)
    const file = path.join(folder.dir, 'holiday.jpg')
    await writeFile(file, data)
    await alice.locator('#file').setInputFiles(file)
    const [download] = await Promise.all([
      bob.waitForEvent('download'),
      bob.getByRole('link', { name: 'Save' }).click()
    ])
    expect(download.suggestedFilename()).toBe('holiday.jpg')
    expect(sha256(await readFile(await download.path()))).toBe(sha256(data))
    await heard(alice, 'holiday.jpg', '3.1 MB, direct')
    await keepsNobodyOut(bob)
    await close(alice, bob)
  })

  it('stays on the relay where WebRTC finds no way, says so, and tries again when asked to', async () => {
    const alice = await open(url)
    // Without the addresses of this machine, as in a network that lets nothing through.
    const blind = `RTCPeerConnection = class extends RTCPeerConnection {
      constructor(given) { super({ ...given, iceTransportPolicy: globalThis.isOpen ? 'all' : 'relay' }) }
    }`
    const bob = await open(await invitationOf(alice), blind)

    await pathName(bob, 'Through the relay')
    await say(bob, 'as well')
    await heard(alice, 'as well', 'them, through the relay')
    await bob.getByText('A direct way was not found.').waitFor()
    await say(bob, 'still')
    await heard(alice, 'still', 'them, through the relay')

    await bob.evaluate(() => Object.assign(globalThis, { isOpen: true }))
    await bob.getByRole('button', { name: 'Try again' }).click()
    for (const page of [alice, bob]) await pathName(page, 'Direct')
    await close(alice, bob)
  })

  it('says when the other one has left, and can meet someone else', async () => {
    const alice = await open(url)
    const bob = await open(await invitationOf(alice))
    await pathName(alice, 'Direct')
    await close(bob)
    await pathName(alice, 'Not connected')

    const carol = await open(await invitationOf(alice))
    for (const page of [alice, carol]) await pathName(page, 'Direct')
    await say(carol, 'me now')
    await heard(alice, 'me now', 'them, direct')
    await close(alice, carol)
  })

  it('says where no relay answers, and takes another', async () => {
    const page = await open(`${url}?relay=http://127.0.0.1:1`)
    await page.getByText('No relay answers at http://127.0.0.1:1.').waitFor()
    await page.getByLabel('Where it is').fill(url)
    await page.getByRole('button', { name: 'Connect' }).click()
    await invitationOf(page)
    await close(page)
  })

  async function open(address: string, script?: string): Promise<Page> {
    const context = await browser.newContext({ locale: 'en' })
    const page = await context.newPage()
    if (script !== undefined) await page.addInitScript(script)
    await page.goto(address)
    return page
  }
})

/** As far as axe knows, in light and in dark. */
async function keepsNobodyOut(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await seriousFindings(page)).toEqual([])
  }
}

async function invitationOf(page: Page): Promise<string> {
  await page.locator('#qr svg').waitFor()
  return page.getByLabel('Link', { exact: true }).inputValue()
}

async function pathName(page: Page, name: string): Promise<void> {
  await page.locator('#path-name', { hasText: new RegExp(`^${name}$`) }).waitFor()
}

async function say(page: Page, words: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(words)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

async function heard(page: Page, words: string, note: string): Promise<void> {
  await page.locator('.message').filter({ hasText: words }).filter({ hasText: note }).waitFor()
}

async function close(...pages: Page[]): Promise<void> {
  for (const page of pages) await page.context().close()
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
