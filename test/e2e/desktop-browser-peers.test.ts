import { chmod } from 'node:fs/promises'
import path from 'node:path'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Authority } from '../support/authority.ts'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'
import { APART, Desktop } from './support/desktop.ts'
import { Display } from './support/display.ts'
import { electronMissing, Home } from './support/electron.ts'

describe.skipIf(electronMissing())('the desktop app', () => {
  let display: Display
  let home: Home
  let folder: Awaited<ReturnType<typeof temporaryFolder>>

  beforeAll(async () => {
    display = await Display.start()
    home = await Home.create()
    folder = await temporaryFolder()
  })
  afterAll(async () => {
    await home[Symbol.asyncDispose]()
    await display[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it('relays for browser peers: by WebRTC-direct and by secure WebSocket', async () => {
    const authority = await Authority.create(path.join(folder.dir, 'authority'))
    const { chain, key } = await authority.issue('site', ['IP:127.0.0.1'])
    // The app is another user's.
    for (const file of [folder.dir, path.dirname(chain), chain, key]) await chmod(file, 0o755)
    const trusted = authority.trust()
    onTestFinished(() => trusted[Symbol.dispose]())
    const flags = [
      ...APART.filter(flag => flag !== '--no-webrtc-direct-enabled'),
      ...['--relay-enabled', '--webrtc-direct-port', '0'],
      ...['--tls-port', '0', '--tls-cert', chain, '--tls-key', key]
    ]
    await using desktop = await Desktop.start({ home, display, flags })
    const page = await desktop.page()
    const find = async (kind: RegExp): Promise<string> => {
      let found: string | undefined
      await until(`the node listens: ${kind.source}`, async () => {
        const { addresses } = await desktop.call('status')
        found = addresses.map(({ address }) => address).find(address => kind.test(address))
        return found !== undefined
      })
      return found ?? ''
    }
    const [direct, secure] = [await find(/\/webrtc-direct\/certhash\//), await find(/\/tls\/ws\//)]
    const options = { transports: [webRTCDirect(), webSockets(), tcp(), circuitRelayTransport()] }

    await using target = await createListener(secure, { options })
    await using source = await createPlainClient({ options })
    const stream = await dialThrough(source, direct, target)
    expect(await exchange(stream, 1024 * 1024)).toBe(true)

    await page.evaluate(() => void (globalThis.location.hash = '#/network'))
    await page.locator('[data-figure="tls"][data-state=open]').waitFor()
    await source.stop()
    await target.stop()
    expect(await desktop.quit()).toBe(0)
  })
})
