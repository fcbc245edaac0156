import { execFile } from 'node:child_process'
import { once } from 'node:events'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '../../app/main/app.ts'
import { Identity } from '../../app/main/net/http-schemas.ts'
import type { NodeEvents } from '../../app/main/observe/events.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { createApp } from '../support/app.ts'
import { Authority } from '../support/authority.ts'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { ROOT } from '../support/package.ts'
import { CADDY, NGINX, startCaddy, startNginx, type ReverseProxy } from '../support/reverse-proxies.ts'
import { until } from '../support/until.ts'

const MiB = 1024 * 1024
const ANNOUNCED = ['/dns4/relay.example/tcp/443/tls/ws', '/dns4/relay.example/tcp/4001']
const NAMES = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1']

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let authority: Authority
let trusted: Disposable
let folders = 0

beforeAll(async () => {
  folder = await temporaryFolder()
  authority = await Authority.create(path.join(folder.dir, 'authority'))
  trusted = authority.trust()
})
afterAll(async () => {
  trusted[Symbol.dispose]()
  await folder[Symbol.asyncDispose]()
})

const proxies = [
  { name: 'nginx', start: startNginx, skipped: missing('nginx (Debian: nginx)', NGINX !== undefined) },
  { name: 'Caddy', start: startCaddy, skipped: missing('Caddy (Debian: caddy)', CADDY !== undefined) }
]

describe.each(proxies)('behind $name, by the file that we ship,', ({ name, start, skipped }) => {
  describe.skipIf(skipped)('a node', () => {
    it('gives its identity over HTTPS, with what it announces first for browsers', async () => {
      await using site = await open()
      const response = await fetch(`https://localhost:${site.port}/api/v1/identity?for=browser`)
      expect(response.status).toBe(200)
      const { peer_id, addresses } = Identity.parse(await response.json())
      expect(peer_id).toBe(site.app.peerId)
      expect(addresses[0]).toBe(`${ANNOUNCED[0]}/p2p/${peer_id}`)
    })

    it('relays between clients that come by secure WebSocket', async () => {
      await using site = await open()
      await using listener = await createListener(site.address())
      await using dialer = await createClient({ options: { addresses: { listen: [] } } })
      const stream = await dialThrough(dialer, site.address(), listener)
      expect(await exchange(stream, 4 * MiB)).toBe(true)
      expect(dialer.getConnections()[0]?.remoteAddr.toString()).toContain('/tls/ws')
    })

    it('knows where its clients are, if it trusts the proxy', async () => {
      await using site = await open()
      const reserved: NodeEvents['reservation-accepted'][] = []
      site.app.bus.on('reservation-accepted', event => reserved.push(event))
      await using client = await createListener(site.address('/ip6/::1'))
      expect(reserved).toMatchObject([{ peer: client.peerId.toString(), ip: '::1' }])
    })

    it('knows the proxy alone, if it does not', async () => {
      await using site = await open({ trustedProxies: [] })
      const reserved: NodeEvents['reservation-accepted'][] = []
      site.app.bus.on('reservation-accepted', event => reserved.push(event))
      await using client = await createListener(site.address('/ip6/::1'))
      expect(reserved).toMatchObject([{ peer: client.peerId.toString(), ip: '127.0.0.1' }])
    })

    it('counts requests by client, whatever clients say of themselves', async () => {
      await using site = await open({ 'http.requestsPerIpPerMinute': 3 })
      const ask = async (from: string, says: string): Promise<number | undefined> => {
        const headers = { 'x-forwarded-for': says, forwarded: `for=${says}`, 'x-real-ip': says }
        const answer = await get(site.port, '/api/v1/identity', { localAddress: from, headers })
        return answer.statusCode
      }
      const asked = []
      for (const says of ['192.0.2.1', '192.0.2.2', '127.0.0.1', '192.0.2.4'])
        asked.push(await ask('127.0.0.8', says))
      expect(asked).toEqual([200, 200, 200, 429])
      expect(await ask('127.0.0.9', '127.0.0.8')).toBe(200)
    })

    it('is spared what is not for it', async () => {
      await using site = await open()
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
      const handshake = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
      const status = async (at: string, headers = {}): Promise<number | undefined> =>
        (await get(site.port, at, { headers })).statusCode
      expect(await status('/', { ...upgrade, ...handshake })).toBe(101)
      expect(await status('/other', { ...upgrade, ...handshake })).toBe(404)
      expect(await status('/')).toBe(404)
      expect(await status('/healthz')).toBe(200)

      const plain = await fetch(`http://[::1]:${site.proxy.plainPort}/healthz?x=1`, {
        redirect: 'manual'
      })
      expect([301, 308]).toContain(plain.status)
      expect(plain.headers.get('location')).toMatch(/^https:\/\/.*\/healthz\?x=1$/)
    })

    // Caddy 2.6 ends its connections when it is reloaded; later ones have a setting for it (resources/caddy/Caddyfile).
    if (name === 'nginx') {
      it('keeps its connections when a renewed certificate is loaded', async () => {
        await using site = await open()
        await using listener = await createListener(site.address())
        await using dialer = await createClient({ options: { addresses: { listen: [] } } })
        const stream = await dialThrough(dialer, site.address(), listener)
        const lost: unknown[] = []
        for (const each of [listener, dialer])
          each.addEventListener('connection:close', event => lost.push(event.detail.remoteAddr.toString()))
        const before = await fingerprint(site.port)

        const transfer = exchange(stream, 16 * MiB)
        await site.renew()
        site.proxy.child.kill('SIGHUP')
        await until('the new certificate is served', async () => (await fingerprint(site.port)) !== before)
        expect(await transfer).toBe(true)
        expect(await exchange(stream, MiB)).toBe(true)
        expect(lost).toEqual([])
      })
    }

    interface Site extends AsyncDisposable {
      app: App
      proxy: ReverseProxy
      port: number
      /** Of the node, through the proxy. */
      address(host?: string): string
      /** Another certificate in the files of the one. */
      renew(): Promise<unknown>
    }

    async function open(settings: Partial<Settings> = {}): Promise<Site> {
      const dir = path.join(folder.dir, `${name}-${++folders}`)
      const given = { 'http.enabled': true, announce: ANNOUNCED, trustedProxies: ['127.0.0.1'], ...settings }
      const { app } = createApp(path.join(dir, 'node'), given)
      await app.start()
      const issue = (): ReturnType<Authority['issue']> => authority.issue(path.basename(dir), NAMES)
      const proxy = await start({
        dir: path.join(dir, 'proxy'),
        websocketPort: Number(app.addresses.map(each => /\/tcp\/(\d+)\/ws/.exec(each)?.[1]).find(Boolean)),
        pagesPort: Number(new URL(app.identityUrls[0] ?? '').port),
        certificate: await issue()
      })
      return {
        app,
        proxy,
        port: proxy.port,
        address: (host = '/dns4/localhost') => `${host}/tcp/${proxy.port}/tls/ws/p2p/${app.peerId}`,
        renew: issue,
        async [Symbol.asyncDispose]() {
          await proxy[Symbol.asyncDispose]()
          await app.stop()
        }
      }
    }
  })
})

describe('the file for Caddy', () => {
  it.skipIf(missing('Caddy (Debian: caddy)', CADDY !== undefined))(
    'is one that it understands as it is shipped',
    async () => {
      const file = path.join(ROOT, 'resources/caddy/Caddyfile')
      const { stderr } = await promisify(execFile)(CADDY!, ['adapt', '--config', file, '--validate'])
      expect(stderr).not.toMatch(/error/i)
    }
  )
})

/** The answer to a GET; of an upgrade its head. */
async function get(
  port: number,
  at: string,
  options: { localAddress?: string; headers?: Record<string, string> }
): Promise<IncomingMessage> {
  const request = https.get({ host: '127.0.0.1', port, path: at, agent: false, ...options })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('upgrade', resolve).on('error', reject)
  })
  answer.socket.destroy()
  return answer
}

async function fingerprint(port: number): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: 'localhost' })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}
