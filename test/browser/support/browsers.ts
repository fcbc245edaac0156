import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { findProgram, missing } from '../../support/needs.ts'

const program = findProgram('chromium', 'chromium-browser', 'google-chrome')

export const browserMissing = (): boolean =>
  missing('Chromium (Debian: apt-get install chromium)', program !== undefined)

interface BrowserOptions {
  /** The home folder of the browser, where it finds the authorities that its person trusts. */
  home?: string
}

export async function launchBrowser({ home }: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: program!,
    // Chromium's own sandbox refuses root; pages of other sites are never opened here.
    chromiumSandbox: process.getuid?.() !== 0,
    ...(home !== undefined && { env: { ...process.env, HOME: home } }),
    args: [
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-gpu',
      // Names of mDNS instead of local addresses need a network that carries multicast.
      '--disable-features=WebRtcHideLocalIpsWithMdns'
    ]
  })
}

/** A web server on 127.0.0.1 with one page, which is a script. */
export interface PageServer extends AsyncDisposable {
  /** Opens it in a browser profile of its own; closing the page ends that. */
  open(browser: Browser): Promise<Page>
}

export async function serveScript(script: string): Promise<PageServer> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    async open(browser) {
      const context = await browser.newContext()
      const page = await context.newPage()
      // Where the whole browser closes, the profile is gone already.
      page.on('close', () => void context.close().catch(() => {}))
      await page.goto(origin)
      return page
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** A browser and the page that it opens. */
export interface Browsers extends AsyncDisposable {
  browser: Browser
  pages: PageServer
}

export async function openBrowsers(options: BrowserOptions = {}): Promise<Browsers> {
  const [browser, pages] = [
    await launchBrowser(options),
    await serveScript(await bundle('test/browser/support/page.ts'))
  ]
  return {
    browser,
    pages,
    async [Symbol.asyncDispose]() {
      await browser.close()
      await pages[Symbol.asyncDispose]()
    }
  }
}

/** One script of that file and all that it imports. */
export async function bundle(file: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2023', rolldownOptions: { input: file } }
  })
  const { output } = result as Rolldown.RolldownOutput
  const chunk = output.find(part => part.type === 'chunk' && part.isEntry)
  if (chunk?.type !== 'chunk') throw new Error(`${file} was not built`)
  return chunk.code
}
