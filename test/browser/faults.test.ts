import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { base64url } from 'multiformats/bases/base64'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../support/app.ts'
import { Authority } from '../support/authority.ts'
import { startNode, temporaryFolder, type Command } from '../support/command.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'
import { browserMissing, openBrowsers, type Browsers } from './support/browsers.ts'
import { BrowserPeer } from './support/peers.ts'
import { certutilMissing, homeThatTrusts } from './support/trust.ts'

describe.skipIf(browserMissing())('browsers, when something fails', () => {
  let browsers: Browsers
  beforeAll(async () => {
    browsers = await openBrowsers()
  })
  afterAll(() => browsers[Symbol.asyncDispose]())

  it('come back with their reservations within 30 s when the relay restarts', async () => {
    await using folder = await temporaryFolder()
    await using relay = startNode(folder.dir)
    const address = await webSocketOf(relay)
    await using alice = await BrowserPeer.open(browsers)
    await using bob = await BrowserPeer.open(browsers)
    await alice.keepReservation(address)
    await bob.keepReservation(address)

    await relay.kill('SIGKILL')
    await until('both know that the relay is gone', async () =>
      (await Promise.all([alice, bob].map(each => each.hasReservation()))).every(has => !has)
    )
    await using again = startNode(folder.dir, ['--ws-port', portOf(address)])
    expect(await webSocketOf(again)).toBe(address)
    const since = performance.now()

    await Promise.all([alice.address('webrtc', 30), bob.address('webrtc', 30)])
    console.log(`back after ${((performance.now() - since) / 1000).toFixed(1)} s`)
    await bob.connect(`${address}/p2p-circuit/p2p/${alice.id}`)
    expect(await bob.say(alice.id, 'back again')).toBe('back again')
  })

  // js-libp2p itself does not notice: it waits for as long as a dial may take.
  it('wait no longer than a dial may take when the relay dies in the middle of an introduction, and meet later', async () => {
    await using folder = await temporaryFolder()
    await using relay = startNode(folder.dir)
    const address = await webSocketOf(relay)
    await using alice = await BrowserPeer.open(browsers)
    // Nothing that it tries leads to Alice: the introduction goes on until it is cut.
    await using blind = await BrowserPeer.open(browsers, { findsNoWay: true, dialSeconds: 6 })
    await using bob = await BrowserPeer.open(browsers)
    const toAlice = await alice.keepReservation(address)

    const introduced = blind.connect(toAlice).then(
      () => 'direct',
      () => 'failed'
    )
    await until('the introduction has begun', async () => (await alice.paths(blind.id)).length > 0)
    await sleep(500)
    const killedAt = performance.now()
    await relay.kill('SIGKILL')

    expect(await introduced).toBe('failed')
    expect(performance.now() - killedAt).toBeLessThan(10_000)
    await using again = startNode(folder.dir, ['--ws-port', portOf(address)])
    await webSocketOf(again)
    await until('Alice is back', () => alice.hasReservation(), 30)
    await bob.connect(toAlice)
    expect(await bob.say(alice.id, 'now it works')).toBe('now it works')
  })

  it('are refused by a certhash that is not the one of the relay, and go on with the right one', async () => {
    await using relay = await startRelay({ 'webrtcDirect.enabled': true })
    const right = relay.node.addresses.listening.find(each => each.includes('/webrtc-direct/')) ?? ''
    await using page = await BrowserPeer.open(browsers, { dialSeconds: 6 })

    const since = performance.now()
    await expect(page.connect(withOtherHash(right))).rejects.toThrow()
    expect(performance.now() - since).toBeLessThan(15_000)
    expect(eventsOf(relay, 'peer-connected')).toEqual([])
    expect(await page.connect(right)).toBe(relay.node.peerId)
  })
})

describe.skipIf(browserMissing() || certutilMissing())('a browser that trusts an authority', () => {
  it('does not connect by a certificate that has expired, which the status says, and does once it is renewed', async () => {
    await using folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'authority'))
    const expired = await authority.issueExpired('expired', ['IP:127.0.0.1'])
    const files = { 'tls.cert': expired.chain, 'tls.key': expired.key, 'tls.port': 0 }
    const settings = { ...files, 'webrtcDirect.enabled': true }
    const { app } = createApp(path.join(folder.dir, 'relay'), settings)
    const home = await homeThatTrusts(authority, path.join(folder.dir, 'home'))
    await using browsers = await openBrowsers({ home })
    await using page = await BrowserPeer.open(browsers)
    const arrived: string[] = []
    app.bus.on('peer-connected', ({ peer }) => arrived.push(peer))
    await app.start()
    try {
      const address = app.addresses.find(each => each.includes('/tls/ws/')) ?? ''
      const warnings = async (): Promise<string> => (await app.api.status()).warnings.join(' ')

      await expect(page.connect(address)).rejects.toThrow()
      expect(arrived).toEqual([])
      expect(await warnings()).toContain('expired on 2025-02-01: browsers refuse to connect')
      // Whose certificate is the node's own.
      const direct = app.addresses.find(each => each.includes('/webrtc-direct/')) ?? ''
      expect(await page.connect(direct)).toBe(app.peerId)
      await page.hangUp(app.peerId)

      const valid = await authority.issue('valid', ['IP:127.0.0.1'])
      await copyFile(valid.chain, expired.chain)
      await copyFile(valid.key, expired.key)
      app.reloadSettings()
      await until('it is taken', async () => !(await warnings()).includes('expired'))
      expect(await page.connect(address)).toBe(app.peerId)
      expect((await page.paths(app.peerId)).map(path => path.address)).toContain(address)
    } finally {
      await app.stop()
    }
  })
})

async function webSocketOf(relay: Command): Promise<string> {
  const { addresses } = await relay.listening()
  return addresses.find(address => address.includes('/ws/')) ?? ''
}

const portOf = (address: string): string => /\/tcp\/(\d+)/.exec(address)?.[1] ?? ''

function withOtherHash(address: string): string {
  const hash = /\/certhash\/([^/]+)/.exec(address)?.[1] ?? ''
  const bytes = base64url.decode(hash)
  bytes.set([(bytes.at(-1) ?? 0) ^ 1], bytes.length - 1)
  return address.replace(hash, base64url.encode(bytes))
}
