import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Upgrades } from '../../app/main/net/upgrades.ts'
import { createPublicHttp } from '../../app/main/net/public-http.ts'
import { sleep } from '../support/until.ts'
import type { Health, HttpLog, PublicHttp, PublicHttpOptions } from '../../app/main/net/public-http.ts'

const IDENTITY = {
  peer_id: '12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4SAwSsatoe3mHDk',
  addresses: [
    '/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4SAwSsatoe3mHDk',
    '/ip6/2001:db8::7/udp/4001/quic-v1/p2p/12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4SAwSsatoe3mHDk'
  ],
  protocol_version: '/waystation/relay/1.0.0',
  agent_version: 'waystation/0.1.0'
}

const opened: { stop(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.stop()))
})

interface Node {
  http: PublicHttp
  health: Health
  lines: string[]
  /** What identity() does, if not answer. */
  fail: { with?: Error }
  /** What identity() gives. */
  identity: typeof IDENTITY
}

function create(options: Partial<PublicHttpOptions> = {}): Node {
  const lines: string[] = []
  const line = (values: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(values)}`)
  const log: HttpLog = { debug: line, info: line, warn: line, error: line }
  const health: Health = { alive: true, listening: true, draining: false, reasons: [] }
  const fail: Node['fail'] = {}
  const known = structuredClone(IDENTITY)
  const identity = (): typeof IDENTITY => {
    if (fail.with) throw fail.with
    return known
  }
  const http = createPublicHttp(
    { log, identity, health: () => health, version: '0.1.0', upgrades: new Upgrades() },
    { hosts: ['127.0.0.1'], port: 0, requestsPerIpPerMinute: 0, ...options }
  )
  opened.push(http)
  return { http, health, lines, fail, identity: known }
}

async function start(options: Partial<PublicHttpOptions> = {}): Promise<Node & { url: string }> {
  const node = create(options)
  await node.http.start()
  return { ...node, url: node.http.addresses()[0] ?? '' }
}

const Problem = z.looseObject({
  code: z.string(),
  status: z.number(),
  title: z.string(),
  detail: z.string(),
  instance: z.string().optional()
})

async function problemOf(response: Response): Promise<z.infer<typeof Problem>> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  return Problem.parse(await response.json())
}

/** Writes raw bytes and gives back all that comes until the server closes. */
async function raw(url: string, bytes: string): Promise<string> {
  const socket = await dial(url)
  socket.write(bytes)
  return readAll(socket)
}

async function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname.replace(/[[\]]/g, ''))
  // A reset is an end like any other, whenever it comes.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', chunk => (text += String(chunk)))
  // Not events.once: it rejects at an error.
  if (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
  return text
}

function rawProblem(text: string): z.infer<typeof Problem> {
  expect(text).toMatch(/content-type: application\/problem\+json/i)
  return Problem.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)))
}

async function takePort(host: string): Promise<{ port: number; server: Server }> {
  const server = createServer().listen({ host, port: 0, ipv6Only: true })
  await once(server, 'listening')
  opened.push({ stop: () => new Promise(resolve => server.close(() => resolve())) })
  return { port: (server.address() as AddressInfo).port, server }
}

describe('the public pages', () => {
  it('give the identity, with exactly the fields that clients know', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/v1/identity`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('server')).toBeNull()
    expect(await response.json()).toEqual(IDENTITY)
  })

  it('give browsers what they can dial first, and all else after it', async () => {
    const { url, identity } = await start()
    const own = `/p2p/${IDENTITY.peer_id}`
    const forBrowsers = [
      `/dns4/relay.example/tcp/443/tls/ws${own}`,
      `/ip4/203.0.113.7/udp/4004/webrtc-direct/certhash/uEiBkqkzaBsdzl9AyrWLgsXRcuRMB_XuXTkYOs8zGnHyI8A${own}`,
      `/ip4/127.0.0.1/tcp/4003/ws${own}`
    ]
    const others = IDENTITY.addresses
    identity.addresses = [...others, ...forBrowsers.toReversed()]

    const answer = await fetch(`${url}/api/v1/identity?for=browser&x=1`)
    expect(await answer.json()).toEqual({ ...IDENTITY, addresses: [...forBrowsers, ...others] })
    const plain = await fetch(`${url}/api/v1/identity`)
    expect(await plain.json()).toEqual(identity)
  })

  it.each(['for=', 'for=go', 'for=Browser', 'for=browser&for=browser'])(
    'refuse ?%s, which would be taken for an order that it is not',
    async query => {
      const { url } = await start()
      const response = await fetch(`${url}/api/v1/identity?${query}`)
      expect(response.status).toBe(400)
      expect(await problemOf(response)).toMatchObject({ code: 'bad-request', instance: '/api/v1/identity' })
    }
  )

  it('say alive while the process is, and ready only while it takes work', async () => {
    const { url, health } = await start()
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ok' })

    health.draining = true
    health.reasons = ['draining']
    const draining = await fetch(`${url}/readyz`)
    expect(draining.status).toBe(503)
    expect(await problemOf(draining)).toMatchObject({
      code: 'not-ready',
      reasons: ['draining'],
      instance: '/readyz'
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)

    Object.assign(health, { draining: false, listening: false })
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
  })

  it('answer HEAD with the headers of GET and no body', async () => {
    const { url } = await start()
    for (const path of ['/api/v1/identity', '/healthz', '/readyz', '/api/v1/openapi.json']) {
      const [get, head] = await Promise.all([fetch(url + path), fetch(url + path, { method: 'HEAD' })])
      expect(head.status).toBe(200)
      expect(await head.text()).toBe('')
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
      await get.text()
    }
  })

  it('may be read from any origin, and preflights are answered', async () => {
    const { url } = await start()
    const headers = { origin: 'https://app.example' }
    const get = await fetch(`${url}/api/v1/identity`, { headers })
    expect(get.headers.get('access-control-allow-origin')).toBe('*')
    expect(get.headers.get('access-control-allow-credentials')).toBeNull()

    const preflight = await fetch(`${url}/api/v1/identity`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-trace'
      }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-trace')

    const missing = await fetch(`${url}/nothing`, { headers })
    expect(missing.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('answer a plain OPTIONS with what the path allows', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/healthz`, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })
})

describe('requests that fail', () => {
  it.each(['/', '/nothing', '/api/v1/identity/', '/API/v1/identity', '/api/v1/identity/../../etc/passwd'])(
    '404 for %s',
    async path => {
      const { url } = await start()
      const response = await fetch(url + path)
      expect(response.status).toBe(404)
      expect(await problemOf(response)).toMatchObject({
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        code: 'not-found'
      })
    }
  )

  it('name the path, and not the query, in instance', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/nothing?token=secret`)
    expect((await problemOf(response)).instance).toBe('/nothing')
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('405 with Allow for %s', async method => {
    const { url } = await start()
    const response = await fetch(`${url}/api/v1/identity?x=1`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect((await problemOf(response)).code).toBe('method-not-allowed')
  })

  it('405 without reading the body, whatever it is', async () => {
    const { url } = await start()
    for (const type of ['application/json', 'text/weird; charset', 'multipart/form-data']) {
      const response = await fetch(`${url}/healthz`, {
        method: 'POST',
        body: '{"broken',
        headers: { 'content-type': type }
      })
      expect([response.status, response.headers.get('connection')]).toEqual([405, 'close'])
    }
    const endless = await raw(
      url,
      'POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'
    )
    expect(endless).toMatch(/^HTTP\/1.1 405 /)
  })

  it.each(['/%zz', '/healthz%', '/%'])('400 for the malformed URL %s', async path => {
    const { url } = await start()
    const text = await raw(url, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(text).toMatch(/access-control-allow-origin: \*/)
    expect(rawProblem(text).code).toBe('bad-request')
  })

  it.each([
    ['garbage', 'what is this\r\n\r\n', 400, 'bad-request'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'bad-request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'bad-request'
    ],
    [
      'too large headers',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(9000)}\r\n\r\n`,
      431,
      'headers-too-large'
    ],
    ['too long URL', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431, 'headers-too-large']
  ])('a problem and a closed connection for %s', async (_kind, bytes, status, code) => {
    const { url } = await start()
    const text = await raw(url, bytes)
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(rawProblem(text)).toMatchObject({ status, code })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('500 without what went wrong inside, which is logged', async () => {
    const { url, fail, lines } = await start()
    fail.with = new Error('secret at /home/someone')
    const response = await fetch(`${url}/api/v1/identity`)
    const problem = await problemOf(response)
    expect([response.status, problem.code]).toEqual([500, 'internal-error'])
    expect(JSON.stringify(problem)).not.toMatch(/secret|home/)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/a public page failed .*\/api\/v1\/identity/)
  })

  it('a status that a thrown error claims does not get its text out', async () => {
    const { url, fail } = await start()
    fail.with = Object.assign(new Error('secret'), { statusCode: 418 })
    const response = await fetch(`${url}/api/v1/identity`)
    expect(response.status).toBe(400)
    expect(JSON.stringify(await problemOf(response))).not.toMatch(/secret/)
  })
})

describe('the rate limit', () => {
  it('answers 429 with Retry-After, over all pages together, readable for other origins', async () => {
    const { url } = await start({ requestsPerIpPerMinute: 3 })
    const statuses: number[] = []
    for (const path of ['/api/v1/identity', '/nothing', '/api/v1/openapi.json'])
      statuses.push((await fetch(url + path)).status)
    expect(statuses).toEqual([200, 404, 200])

    for (const [path, method] of [
      ['/api/v1/identity', 'GET'],
      ['/nothing', 'GET'],
      ['/api/v1/identity', 'POST']
    ] as const) {
      const response = await fetch(url + path, { method, headers: { origin: 'https://app.example' } })
      expect(response.status).toBe(429)
      expect((await problemOf(response)).code).toBe('too-many-requests')
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-expose-headers')).toContain('retry-after')
    }
  })

  it('leaves health pages and preflights alone', async () => {
    const { url } = await start({ requestsPerIpPerMinute: 1 })
    await fetch(`${url}/api/v1/identity`)
    for (let request = 0; request < 5; request++) {
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
    }
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
    expect((await fetch(`${url}/api/v1/identity`, { method: 'OPTIONS', headers })).status).toBe(204)
  })

  it('changes while it runs; 0 lifts it', async () => {
    const { url, http } = await start({ requestsPerIpPerMinute: 1 })
    const ask = async (): Promise<number> => (await fetch(`${url}/api/v1/identity`)).status
    expect([await ask(), await ask()]).toEqual([200, 429])
    http.setRequestsPerIpPerMinute(100)
    expect(await ask()).toBe(200)
    http.setRequestsPerIpPerMinute(1)
    expect(await ask()).toBe(429)
    http.setRequestsPerIpPerMinute(0)
    expect(await ask()).toBe(200)
  })

  it('believes no X-Forwarded-For', async () => {
    const { url } = await start({ requestsPerIpPerMinute: 1 })
    await fetch(`${url}/api/v1/identity`, { headers: { 'x-forwarded-for': '203.0.113.1' } })
    const second = await fetch(`${url}/api/v1/identity`, { headers: { 'x-forwarded-for': '203.0.113.2' } })
    expect(second.status).toBe(429)
  })

  it('counts IPv4 and IPv6 clients apart', async () => {
    const { http } = await start({ hosts: ['127.0.0.1', '::1'], requestsPerIpPerMinute: 1 })
    const statuses = await Promise.all(
      http.addresses().map(async url => (await fetch(`${url}/api/v1/identity`)).status)
    )
    expect(statuses).toEqual([200, 200])
  })
})

describe('slow and many clients', () => {
  const quick = { headersTimeoutMs: 300, requestTimeoutMs: 600, keepAliveTimeoutMs: 200, stopGraceMs: 100 }

  it('cuts a client that sends its headers a byte at a time', async () => {
    const { url } = await start({ socketLimits: quick })
    const socket = await dial(url)
    const begun = Date.now()
    const bytes =
      'GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    let at = 0
    const drip = setInterval(() => socket.write(bytes[at++ % bytes.length] ?? ''), 50)
    const text = await readAll(socket).finally(() => clearInterval(drip))
    expect(rawProblem(text)).toMatchObject({ status: 408, code: 'request-timeout' })
    expect(Date.now() - begun).toBeLessThan(2000)
  })

  it('cuts a client that says nothing, and one that stays after its answer', async () => {
    const { url } = await start({ socketLimits: quick })
    expect(await raw(url, '')).toMatch(/^HTTP\/1.1 408 |^$/)
    const answered = await raw(url, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(answered.match(/HTTP\/1.1/g)).toHaveLength(1)
  })

  it('lets one address hold only so many connections, and others still in', async () => {
    const { http } = await start({
      hosts: ['127.0.0.1', '::1'],
      socketLimits: { maxConnectionsPerIpGroup: 3 }
    })
    const [ipv4 = '', ipv6 = ''] = http.addresses()
    const held = await Promise.all([dial(ipv4), dial(ipv4), dial(ipv4)])
    expect(await raw(ipv4, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('')
    expect((await fetch(`${ipv6}/healthz`)).status).toBe(200)

    for (const socket of held) socket.destroy()
    await expect.poll(async () => (await fetch(`${ipv4}/healthz`).catch(() => undefined))?.status).toBe(200)
  })
})

describe('listening', () => {
  it('listens on IPv4 and IPv6 on one free port', async () => {
    const { http } = await start({ hosts: ['127.0.0.1', '::1'] })
    const [ipv4 = '', ipv6 = ''] = http.addresses()
    expect(ipv4).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(ipv6).toBe(`http://[::1]:${new URL(ipv4).port}`)
    expect((await fetch(`${ipv4}/healthz`)).status).toBe(200)
    expect((await fetch(`${ipv6}/healthz`)).status).toBe(200)
  })

  it('listens on 0.0.0.0 and :: on one port', async () => {
    const { http } = await start({ hosts: ['0.0.0.0', '::', '127.0.0.1', '::1', '::'] })
    const port = new URL(http.addresses()[0] ?? '').port
    expect(http.addresses()).toEqual([`http://0.0.0.0:${port}`, `http://[::]:${port}`])
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    expect((await fetch(`http://[::1]:${port}/healthz`)).status).toBe(200)
  })

  it('runs twice at once on different ports', async () => {
    const [one, two] = await Promise.all([start(), start()])
    expect(one.url).not.toBe(two.url)
    for (const { url } of [one, two]) expect((await fetch(`${url}/api/v1/identity`)).status).toBe(200)
  })

  it('names the setting and the way out when the port is taken, and keeps nothing open', async () => {
    // Taken on the second address only: the first must be given back.
    const { port } = await takePort('::1')
    const { http } = create({ hosts: ['127.0.0.1', '::1'], port })
    await expect(http.start()).rejects.toMatchObject({
      code: 'port-in-use',
      details: { setting: 'http.port', port },
      message: expect.stringMatching(/--http-port N.*--no-http-enabled/) as string
    })
    expect(http.addresses()).toEqual([])
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  })

  it('can be started again once the port is free', async () => {
    const { port, server } = await takePort('127.0.0.1')
    const { http } = create({ port })
    await expect(http.start()).rejects.toMatchObject({ code: 'port-in-use' })
    server.close()
    await http.start()
    expect(http.addresses()).toEqual([`http://127.0.0.1:${port}`])
  })

  it('goes on without an address that this machine does not have, and says so', async () => {
    const { http, lines } = await start({ hosts: ['2001:db8::7', '127.0.0.1'] })
    expect(http.addresses()).toHaveLength(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/do not listen on 2001:db8::7.*listen\.ip6/)
  })

  it('fails when none of the addresses can be bound', async () => {
    const { http } = create({ hosts: ['2001:db8::7', '203.0.113.7'] })
    await expect(http.start()).rejects.toMatchObject({
      code: 'address-unusable',
      details: { setting: 'listen.ip6' }
    })
    await expect(create({ hosts: [] }).http.start()).rejects.toMatchObject({ code: 'nothing-to-listen-on' })
  })
})

describe('starting and stopping', () => {
  it('opens nothing until started, and stop is safe at any time', async () => {
    const { http } = create()
    expect(http.addresses()).toEqual([])
    await http.stop()
    await http.start()
    await http.start()
    const [url = ''] = http.addresses()
    await Promise.all([http.stop(), http.stop()])
    await http.stop()
    expect(http.addresses()).toEqual([])
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })

  it('does not wait for one who asked for an upgrade and neither reads nor leaves', async () => {
    const { http, url } = await start({ socketLimits: { stopGraceMs: 100 } })
    const asks = 'GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const staying = Array.from({ length: 2 }, () => {
      const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
      opened.push({ stop: async () => void socket.destroy() })
      socket.on('error', () => {}).write(asks)
      return socket
    })
    staying[0]?.pause()
    await once(staying[1]!, 'data')
    const stopped = http.stop().then(() => true)
    expect(await Promise.race([stopped, sleep(5000)])).toBe(true)
  })

  it('stays startable when it is stopped and started while a start is failing', async () => {
    const { port, server } = await takePort('127.0.0.1')
    const { http } = create({ port })
    const failing = http.start().finally(() => server.close())
    const stopping = http.stop()
    const again = http.start()
    await expect(failing).rejects.toMatchObject({ code: 'port-in-use' })
    await Promise.all([stopping, again])
    await http.start()
    expect(http.addresses()).toEqual([`http://127.0.0.1:${port}`])
    await http.stop()
    expect(http.addresses()).toEqual([])
  })

  it('closes what a start that is still under way opens', async () => {
    const { port, server } = await takePort('127.0.0.1')
    server.close()
    await once(server, 'close')
    const { http } = create({ port })
    const starting = http.start()
    await http.stop()
    await starting
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    await http.start()
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  })

  it('does not wait for clients that say nothing', async () => {
    const { http, url } = await start({ socketLimits: { stopGraceMs: 200 } })
    const silent = await dial(url)
    const half = await dial(url)
    half.write('GET /healthz HTTP/1.1\r\n')
    const gone = [readAll(silent), readAll(half)]
    const begun = Date.now()
    await http.stop()
    await Promise.all(gone)
    expect(Date.now() - begun).toBeLessThan(2000)
  })

  it('logs no request', async () => {
    const { url, lines } = await start({ requestsPerIpPerMinute: 1 })
    for (const path of ['/api/v1/identity', '/nothing', '/%zz']) await (await fetch(url + path)).text()
    await raw(url, 'garbage\r\n\r\n')
    expect(lines).toEqual([])
  })
})

describe('the OpenAPI document', () => {
  // Only what the test reads of it; z.fromJSONSchema reads the rest.
  const Reference = z.object({ $ref: z.string() })
  const Answer = z.object({
    content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })).optional(),
    headers: z.record(z.string(), z.unknown()).optional()
  })
  const Document = z.object({
    openapi: z.literal('3.1.0'),
    info: z.object({ title: z.string(), version: z.literal('0.1.0') }),
    paths: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({ operationId: z.string(), responses: z.record(z.string(), z.unknown()) })
      )
    ),
    components: z.record(z.string(), z.record(z.string(), z.unknown()))
  })
  type Document = z.infer<typeof Document>

  const documentOf = async (url: string): Promise<Document> =>
    Document.parse(await (await fetch(`${url}/api/v1/openapi.json`)).json())

  function resolve(document: Document, value: unknown): unknown {
    const reference = Reference.safeParse(value)
    if (!reference.success) return value
    const [, , section = '', name = ''] = reference.data.$ref.split('/')
    const found = document.components[section]?.[name]
    if (found === undefined) throw new Error(`the document lacks ${reference.data.$ref}`)
    return found
  }

  /** Fails unless the document has this answer: its status, its type, its headers and its body. */
  async function expectDescribed(document: Document, path: string, response: Response): Promise<void> {
    const responses = document.paths[path]?.get?.responses ?? document.paths['/healthz']?.get?.responses ?? {}
    const { content = {}, headers = {} } = Answer.parse(
      resolve(document, responses[response.status] ?? responses.default)
    )
    const [type = ''] = response.headers.get('content-type')?.split(';') ?? []
    expect(Object.keys(content)).toContain(type)
    for (const name of Object.keys(headers)) expect(response.headers.get(name)).not.toBeNull()
    const schema = resolve(document, content[type]?.schema)
    const body: unknown = await response.json()
    expect(
      z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(body).error
    ).toBeUndefined()
  }

  it('describes every page and every answer', async () => {
    const { url, http, health, fail } = await start({ requestsPerIpPerMinute: 1000 })
    const document = await documentOf(url)
    const paths = Object.keys(document.paths)
    expect(paths.toSorted()).toEqual(['/api/v1/identity', '/api/v1/openapi.json', '/healthz', '/readyz'])
    const check = async (path: string, status: number, method = 'GET'): Promise<void> => {
      const response = await fetch(url + path, { method })
      expect([path, method, response.status]).toEqual([path, method, status])
      await expectDescribed(document, path.replace(/\?.*/, ''), response)
    }

    for (const path of paths) await check(path, 200)
    for (const path of paths) await check(path, 405, 'POST')
    await check('/api/v1/identity?for=browser', 200)
    await check('/api/v1/identity?for=nobody', 400)
    await check('/nothing', 404)
    await check('/%zz', 400)
    health.draining = true
    health.reasons = ['draining']
    await check('/readyz', 503)
    fail.with = new Error('broken')
    await check('/api/v1/identity', 500)
    http.setRequestsPerIpPerMinute(1)
    await check('/api/v1/identity', 429)
    await check('/api/v1/openapi.json', 429)
  })

  it('has references that lead somewhere and operation ids that are unique', async () => {
    const { url } = await start()
    const document = await documentOf(url)
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g))
      resolve(document, { $ref: reference })
    const ids = Object.values(document.paths).flatMap(item =>
      Object.values(item).map(each => each.operationId)
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('would notice an answer that it does not describe', async () => {
    const { url } = await start()
    const document = await documentOf(url)
    const other = new Response(JSON.stringify({ ...IDENTITY, extra: 1 }), {
      headers: { 'content-type': 'application/json' }
    })
    await expect(expectDescribed(document, '/api/v1/identity', other)).rejects.toThrow()
  })
})
