import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { findProgram, missing } from '../support/needs.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import type { PagePeer } from './browser/page.ts'

declare const peer: PagePeer

const program = findProgram('chromium', 'chromium-browser', 'google-chrome')

describe.skipIf(missing('Chromium (Debian: apt-get install chromium)', program !== undefined))(
  'browsers',
  () => {
    let browser: Browser
    let server: Server
    let origin: string

    beforeAll(async () => {
      const script = await bundle()
      server = createServer((request, response) => {
        const isScript = request.url === '/page.js'
        response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
        response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      browser = await chromium.launch({
        executablePath: program!,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync'
        ]
      })
    })

    afterAll(async () => {
      await browser.close()
      server.close()
    })

    it('talk to each other through the relay', async () => {
      await using relay = await startRelay()
      const [alice, bob] = [await open(), await open()]

      const address = await alice.evaluate(at => peer.listen(at), relay.address('ws'))
      const heard = await bob.evaluate(([to = '', words = '']) => peer.say(to, words), [address, 'hello'])

      expect(heard).toBe('hello')
      expect(eventsOf(relay, 'reservation-accepted')).toHaveLength(1)
      expect(eventsOf(relay, 'circuit-accepted')).toHaveLength(1)
      await Promise.all([alice.close(), bob.close()])
      await until('closing the tab frees the slot', () => relay.node.relay.reservations.size === 0)
    })

    it('reach a client on TCP, and are reached by one on QUIC', async () => {
      await using relay = await startRelay()
      await using listener = await createListener(relay.address('tcp'))
      const [alice, bob] = [await open(), await open()]

      const toListener = `${relay.address('ws')}/p2p-circuit/p2p/${listener.peerId.toString()}`
      expect(
        await bob.evaluate(([to = '', words = '']) => peer.say(to, words), [toListener, 'from the page'])
      ).toBe('from the page')

      await alice.evaluate(at => peer.listen(at), relay.address('ws'))
      const reserved = eventsOf(relay, 'reservation-accepted').at(-1)?.peer ?? ''
      await using dialer = await createClient()
      const page = { peerId: reserved } as unknown as typeof listener
      expect(await exchange(await dialThrough(dialer, relay.address('quic'), page), 100_000)).toBe(true)
      await Promise.all([alice.close(), bob.close()])
    })

    async function open(): Promise<Page> {
      const context = await browser.newContext()
      const page = await context.newPage()
      page.on('close', () => void context.close())
      await page.goto(origin)
      await page.waitForFunction(() => 'peer' in globalThis)
      return page
    }
  }
)

async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2023', rolldownOptions: { input: 'test/system/browser/page.ts' } }
  })
  const { output } = result as Rolldown.RolldownOutput
  const chunk = output.find(part => part.type === 'chunk' && part.isEntry)
  if (chunk?.type !== 'chunk') throw new Error('the page was not built')
  return chunk.code
}
