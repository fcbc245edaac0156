import { copyFile, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '../../app/main/app.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { createApp } from '../support/app.ts'
import { Authority } from '../support/authority.ts'
import { createClient, createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'
import { until } from '../support/until.ts'

/** Secure WebSocket and HTTPS at tls.port of a whole node, with stock js-libp2p clients. */
describe.skipIf(missing('openssl', findProgram('openssl') !== undefined))('secure WebSocket', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let authority: Authority
  let trust: Disposable
  let files: { chain: string; key: string }
  const cleanups: (() => unknown)[] = []
  beforeAll(async () => {
    folder = await temporaryFolder()
    authority = await Authority.create(path.join(folder.dir, 'ca'))
    files = await authority.issue('local', ['DNS:localhost', 'IP:127.0.0.1'])
    trust = authority.trust()
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  afterAll(async () => {
    trust[Symbol.dispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** A node with a certificate for localhost and 127.0.0.1. */
  async function start(settings: Partial<Settings> = {}, flags: string[] = []): Promise<App> {
    const node = await temporaryFolder()
    const given = { 'tls.cert': files.chain, 'tls.key': files.key, 'tls.port': 0, ...settings }
    const { app } = createApp(node.dir, given, { flags })
    cleanups.push(
      () => node[Symbol.asyncDispose](),
      () => app.stop()
    )
    await app.start()
    return app
  }

  async function statusOf(app: App) {
    return app.api.status()
  }

  function addressOf(app: App): string {
    const address = app.addresses.find(each => each.includes('/tls/ws/'))
    if (address === undefined) throw new Error(`no secure WebSocket among ${app.addresses.join(' ')}`)
    return address
  }

  const portOf = (app: App): number => Number(/\/tcp\/(\d+)\/tls\/ws/.exec(addressOf(app))?.[1])

  /** The certificate that a new connection is given. */
  async function servedBy(port: number, servername = 'localhost'): Promise<string> {
    const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
        socket.destroy()
      })
    })
  }

  it('carries circuits between stock clients, by name and by IP address', async () => {
    const app = await start()
    const address = addressOf(app)
    const listener = await createListener(address)
    const client = await createClient()
    cleanups.push(() => Promise.all([client.stop(), listener.stop()]))
    const byName = address.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
    const stream = await dialThrough(client, byName, listener)
    expect(await exchange(stream, 2 * 1024 * 1024)).toBe(true)
    const { connections, circuits, tls } = await statusOf(app)
    expect(connections.byTransport).toEqual({ wss: 2 })
    expect(circuits.running).toBe(1)
    expect(tls.addresses).toEqual([`127.0.0.1:${portOf(app)}`])
    expect(tls.certificates).toMatchObject([{ source: 'files', names: ['localhost', '127.0.0.1'] }])
  })

  it('shares its port with the public pages by HTTPS', async () => {
    const app = await start({ 'http.enabled': true })
    const url = `https://localhost:${portOf(app)}`
    expect((await statusOf(app)).publicUrls).toContain(url)
    const identity = (await (await fetch(`${url}/api/v1/identity`)).json()) as { peer_id: string }
    expect(identity.peer_id).toBe(app.peerId)
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
    // Two pages over one connection: an upgrade is asked of none of them.
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  describe('what asks for an upgrade', () => {
    async function ask(
      port: number,
      path: string,
      isSecure: boolean,
      upgrade = 'websocket'
    ): Promise<string> {
      const to = { port, host: '127.0.0.1' }
      const socket = isSecure ? connectTls({ ...to, servername: 'localhost' }) : connectTcp(to)
      cleanups.push(() => socket.destroy())
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
      )
      let text = ''
      socket.setEncoding('latin1').on('data', part => (text += part))
      await until('it is answered', () => text.includes('\r\n\r\n'))
      return text.split('\r\n')[0] ?? ''
    }

    it('goes to libp2p at / of the secure port alone', async () => {
      const app = await start({ 'http.enabled': true })
      const [http = ''] = (await statusOf(app)).publicUrls
      const plain = Number(new URL(http).port)
      expect(await ask(portOf(app), '/', true)).toBe('HTTP/1.1 101 Switching Protocols')
      expect(await ask(portOf(app), '/?from=somewhere', true)).toBe('HTTP/1.1 101 Switching Protocols')
      expect(await ask(portOf(app), '/elsewhere', true)).toBe('HTTP/1.1 404 Not Found')
      expect(await ask(plain, '/', false)).toBe('HTTP/1.1 404 Not Found')
    })

    it('gets the page where it asks for another protocol', async () => {
      const app = await start({ 'http.enabled': true })
      expect(await ask(portOf(app), '/api/v1/identity', true, 'h2c')).toBe('HTTP/1.1 200 OK')
    })

    it('is told what is wrong with it', async () => {
      const app = await start()
      const socket = connectTls({ port: portOf(app), host: '127.0.0.1', servername: 'localhost' })
      let text = ''
      socket.setEncoding('latin1').on('data', part => (text += part))
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      await until('it is answered', () => text.includes('Only version 13'))
      expect(text).toMatch(/^HTTP\/1\.1 426 /)
    })
  })

  it.each([
    ['1.3', 'TLSv1.3'],
    ['1.2', 'TLSv1.2']
  ] as const)('speaks no TLS older than tls.minVersion %s', async (minVersion, oldest) => {
    const app = await start({ 'tls.minVersion': minVersion })
    const to = { port: portOf(app), host: '127.0.0.1', servername: 'localhost' }
    const speaks = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<boolean> =>
      new Promise(resolve => {
        const socket = connectTls({
          ...to,
          minVersion: version,
          maxVersion: version,
          ciphers: 'DEFAULT@SECLEVEL=0'
        })
        socket.once('error', () => resolve(false))
        socket.once('secureConnect', () => {
          socket.destroy()
          resolve(true)
        })
      })
    expect(await speaks('TLSv1.3')).toBe(true)
    expect(await speaks('TLSv1.2')).toBe(oldest === 'TLSv1.2')
    expect(await speaks('TLSv1.1')).toBe(false)
  })

  it('takes a renewed certificate under load, and no connection is lost', async () => {
    const [cert, key] = [path.join(folder.dir, 'live.pem'), path.join(folder.dir, 'live.key')]
    await copyFile(files.chain, cert)
    await copyFile(files.key, key)
    const app = await start({ 'tls.cert': cert, 'tls.key': key })
    const port = portOf(app)
    const before = await servedBy(port)
    const listener = await createListener(addressOf(app))
    const clients = await Promise.all([1, 2, 3].map(() => createClient()))
    cleanups.push(() => Promise.all([...clients, listener].map(async each => each.stop())))
    const streams = await Promise.all(clients.map(each => dialThrough(each, addressOf(app), listener)))
    let isRenewed = false
    const moved = streams.map(async stream => {
      let rounds = 0
      while (!isRenewed || rounds < 2) {
        if (!(await exchange(stream, 256 * 1024))) return 'lost'
        rounds++
      }
      return 'all there'
    })
    const next = await authority.issue('renewed', ['DNS:localhost', 'IP:127.0.0.1'])
    // As certbot does it: one file after the other.
    await copyFile(next.chain, cert)
    app.reloadSettings()
    await copyFile(next.key, key)
    app.reloadSettings()
    await until('new connections get it', async () => (await servedBy(port)) !== before)
    isRenewed = true
    expect(await Promise.all(moved)).toEqual(['all there', 'all there', 'all there'])
    expect((await statusOf(app)).connections.byTransport).toEqual({ wss: 4 })
    expect((await statusOf(app)).warnings).toEqual([])
    const late = await createPlainClient()
    cleanups.push(() => late.stop())
    await late.dial(multiaddr(addressOf(app)))
  })

  it('keeps the certificate when the files are broken, and says so', async () => {
    const [cert, key] = [path.join(folder.dir, 'broken.pem'), path.join(folder.dir, 'broken.key')]
    await copyFile(files.chain, cert)
    await copyFile(files.key, key)
    const app = await start({ 'tls.cert': cert, 'tls.key': key })
    const before = await servedBy(portOf(app))
    await writeFile(cert, 'not a certificate')
    app.reloadSettings()
    app.reloadSettings()
    const warned = async (): Promise<string | undefined> =>
      (await statusOf(app)).warnings.find(warning => warning.includes('no certificate (PEM)'))
    await until('there is a warning', async () => (await warned()) !== undefined)
    expect(await servedBy(portOf(app))).toBe(before)
    await copyFile(files.chain, cert)
    app.reloadSettings()
    await until('it is gone', async () => (await warned()) === undefined)
  })

  it('opens once there is a certificate', async () => {
    const [cert, key] = [path.join(folder.dir, 'late.pem'), path.join(folder.dir, 'late.key')]
    const app = await start({ 'tls.cert': cert, 'tls.key': key })
    expect((await statusOf(app)).warnings.join()).toContain('cannot be read: it does not exist')
    expect(app.addresses.some(each => each.includes('/tls/'))).toBe(false)
    await copyFile(files.key, key)
    await copyFile(files.chain, cert)
    app.reloadSettings()
    await until('it listens', () => app.addresses.some(each => each.includes('/tls/ws/')))
    const client = await createListener(addressOf(app))
    cleanups.push(() => client.stop())
    expect((await statusOf(app)).warnings).toEqual([])
  })

  it('does not start with files that are given by flag and cannot be served', async () => {
    const flags = ['--tls-cert', files.chain, '--tls-key', `${files.key}.missing`]
    await expect(start({}, flags)).rejects.toMatchObject({
      code: 'bad-setting',
      details: { setting: 'tls.key' }
    })
  })

  describe('a port that another program has', () => {
    it('is a warning that says what to do, and the node goes on', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      cleanups.push(() => other.close())
      await until('it listens', () => other.listening)
      const { port } = other.address() as AddressInfo
      const app = await start({ 'tls.port': port })
      const [warning] = (await statusOf(app)).warnings
      const told = (await app.api.logs()).filter(({ message }) => message.includes('is in use'))
      expect(told).toHaveLength(1)
      expect(warning).toContain(`TCP port ${port} of HTTPS and secure WebSocket (tls.port) is in use`)
      expect(app.addresses.length).toBeGreaterThan(0)
      await expect(start({}, ['--tls-port', String(port)])).rejects.toMatchObject({ code: 'port-in-use' })
    })
  })

  describe('a domain name (announceHost)', () => {
    it('is announced with every open port', async () => {
      const app = await start({ announceHost: 'localhost.example', 'quic.enabled': false })
      const { announced, warnings } = await statusOf(app)
      const named = announced.filter(each => each.startsWith('/dns4/localhost.example/'))
      expect(named.map(each => each.replace(/tcp\/\d+/, 'tcp/PORT').replace(/\/p2p\/.*/, ''))).toEqual([
        '/dns4/localhost.example/tcp/PORT',
        '/dns4/localhost.example/tcp/PORT/ws'
      ])
      expect(warnings).toEqual([
        'announceHost is localhost.example, and the certificate in tls.cert is for localhost, 127.0.0.1: nobody can connect by secure WebSocket to localhost.example. Get a certificate for it, or correct announceHost.'
      ])
    })

    it('is announced with secure WebSocket where the certificate is for it', async () => {
      const { chain, key } = await authority.issue('named', ['DNS:*.relay.example'])
      const app = await start({ announceHost: 'a.relay.example', 'tls.cert': chain, 'tls.key': key })
      const { announced, warnings } = await statusOf(app)
      expect(warnings).toEqual([])
      expect(
        announced.some(each => each.startsWith('/dns4/a.relay.example/tcp/') && each.includes('/tls/ws/'))
      ).toBe(true)
      // No client would take the certificate for it.
      expect(announced.filter(each => each.startsWith('/ip4/') && each.includes('/tls/ws'))).toEqual([])
    })
  })
})
