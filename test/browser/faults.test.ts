import { readFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import path from 'node:path'
import { createServer } from 'node:tls'
import { base64url } from 'multiformats/bases/base64'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

  it('are not kept waiting when the relay dies in the middle of an introduction, and meet later', async () => {
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
  it('connects by a certificate that is valid, and not by one that has expired', async () => {
    await using folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'authority'))
    await using relay = await startRelay()
    const home = await homeThatTrusts(authority, path.join(folder.dir, 'home'))
    await using browsers = await openBrowsers({ home })
    await using page = await BrowserPeer.open(browsers)
    const port = Number(portOf(relay.address('ws')))

    await using expired = await tlsBefore(port, await authority.issueExpired('expired', ['IP:127.0.0.1']))
    await expect(page.connect(`${expired.address}/p2p/${relay.node.peerId}`)).rejects.toThrow()
    expect(expired.requests).toBe(0)

    await using valid = await tlsBefore(port, await authority.issue('valid', ['IP:127.0.0.1']))
    expect(await page.connect(`${valid.address}/p2p/${relay.node.peerId}`)).toBe(relay.node.peerId)
  })
})

interface TlsProxy extends AsyncDisposable {
  address: string
  /** Clients that went on after the handshake. */
  requests: number
}

/** TLS with that certificate before a port of this machine. */
async function tlsBefore(port: number, files: { chain: string; key: string }): Promise<TlsProxy> {
  const [cert, key] = [await readFile(files.chain), await readFile(files.key)]
  const server = createServer({ cert, key, minVersion: 'TLSv1.3' }, socket => {
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      proxy.requests++
      const inner = connect(port, '127.0.0.1')
      inner.on('error', () => socket.destroy())
      socket.on('close', () => inner.destroy())
      inner.write(first)
      socket.pipe(inner).pipe(socket)
    })
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const proxy = {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/tls/ws`,
    requests: 0,
    [Symbol.asyncDispose]: async () => void server.close()
  }
  return proxy
}

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
