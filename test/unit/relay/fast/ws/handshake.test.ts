import { describe, expect, it } from 'vitest'
import { TrustedProxies, type Endpoint } from '../../../../../app/main/net/forwarded.ts'
import {
  acceptWebSocket,
  greetWebSocket,
  type AcceptOptions
} from '../../../../../app/main/relay/fast/ws/handshake.ts'
import type { WebSocketEnd } from '../../../../../app/main/observe/events.ts'
import { WsBounds } from '../../../../../app/main/relay/fast/ws/bounds.ts'
import type { WsDuct } from '../../../../../app/main/relay/fast/ws/duct.ts'
import { Heard, MemoryRaw } from './memory-raw.ts'

const never = new AbortController().signal
const PEER: Endpoint = { ip: '192.0.2.1', port: 4711 }
const accept = async (raw: MemoryRaw, signal = never, options: AcceptOptions = {}): Promise<WsDuct> =>
  (await acceptWebSocket(raw, { peer: PEER, proxies: new TrustedProxies([]) }, signal, options)).raw
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

// The example of RFC 6455, section 1.3.
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const FIELDS = [
  'Host: server.example.com',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Key: ${KEY}`,
  'Origin: http://example.com',
  'Sec-WebSocket-Protocol: chat, superchat',
  'Sec-WebSocket-Extensions: permessage-deflate',
  'Sec-WebSocket-Version: 13'
]
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007105c0000209c3500fa3', 'hex').toString('latin1')
const ANSWER = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '',
  ''
].join('\r\n')

const head = (start: string, fields: readonly string[]): string =>
  `${[start, ...fields].join('\r\n')}\r\n\r\n`
const request = (fields: readonly string[] = FIELDS, start = 'GET /chat HTTP/1.1'): string =>
  head(start, fields)
const without = (name: string): string[] => FIELDS.filter(field => !field.startsWith(`${name}:`))
const instead = (field: string): string[] => [...without(field.split(':')[0] ?? ''), field]

/** What a server answers to these bytes, and whether it is then over or a WebSocket. */
async function answer(...pieces: (string | Buffer)[]) {
  const raw = new MemoryRaw()
  let accepted: WsDuct | undefined
  const accepting = accept(raw).then(
    duct => (accepted = duct),
    () => {}
  )
  for (const piece of pieces) if (!raw.paused) raw.arrive(Buffer.from(piece as string, 'latin1'))
  await soon()
  const over = raw.over || raw.ended
  if (over) raw.destroy()
  if (accepted !== undefined || over) await accepting
  else raw.destroy()
  return { text: raw.sent.toString('latin1'), over, accepted }
}

describe('the server', () => {
  it("answers the specification's example, ignoring origin, path, extensions and protocols", async () => {
    const { text, accepted } = await answer(request())
    expect(text).toBe(ANSWER)
    expect(accepted).toBeDefined()
  })

  it('reads long runs of blanks within a field as fast as anything else', async () => {
    const blanks = 'X: y' + ' '.repeat(7000) + 'y'
    const before = process.cpuUsage()
    for (let i = 0; i < 20; i++) expect((await answer(request([...FIELDS, blanks]))).text).toBe(ANSWER)
    // Two seconds, if it looked for the end of the field at each of them.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(700)
  })

  it('does not care how names and tokens are written, nor what else is listed', async () => {
    const fields = [
      'hOST:x',
      'uPGRADE: h2c, \tWebSocket ',
      'CONNECTION: keep-alive, upgrade',
      `sec-websocket-key:\t${KEY}`,
      'sec-websocket-VERSION: 13',
      'Content-Length: 0'
    ]
    expect((await answer(request(fields))).text).toBe(ANSWER)
  })

  it('takes a head that comes byte by byte', async () => {
    expect((await answer(...request())).text).toBe(ANSWER)
  })

  it('loses no bytes behind the head, however many came with it', async () => {
    const frame = '\x82\x82\0\0\0\0hi'
    for (let early = 0; early <= frame.length; early++) {
      const raw = new MemoryRaw()
      const accepting = accept(raw)
      const all = request()
      raw.arrive(Buffer.from(all.slice(0, -2)))
      raw.arrive(Buffer.from(all.slice(-2) + frame.slice(0, early), 'latin1'))
      const duct = await accepting
      const heard = new Heard()
      duct.reader = heard
      duct.resume()
      raw.arrive(Buffer.from(frame.slice(early), 'latin1'))
      expect(heard.bytes.toString()).toBe('hi')
    }
  })

  it.each<[string, string, number]>([
    ['a page', request(['Host: x'], 'GET / HTTP/1.1'), 426],
    ['another version of WebSocket', request(instead('Sec-WebSocket-Version: 8')), 426],
    ['no version', request(without('Sec-WebSocket-Version')), 426],
    ['another protocol', request(instead('Upgrade: h2c')), 426],
    ['POST', request(FIELDS, 'POST / HTTP/1.1'), 405],
    ['HEAD', request(FIELDS, 'HEAD / HTTP/1.1'), 405],
    ['HTTP/1.0', request(FIELDS, 'GET / HTTP/1.0'), 505],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['no Host', request(without('Host')), 400],
    ['two Hosts', request([...FIELDS, 'Host: y']), 400],
    ['no Connection', request(without('Connection')), 400],
    ['no key', request(without('Sec-WebSocket-Key')), 400],
    ['two keys', request([...FIELDS, `Sec-WebSocket-Key: ${KEY}`]), 400],
    ['a key of 15 bytes', request(instead('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j')), 400],
    ['a key that is no base64', request(instead('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==')), 400],
    ['a body', request([...FIELDS, 'Content-Length: 5']), 400],
    ['a body in chunks', request([...FIELDS, 'Transfer-Encoding: chunked']), 400],
    ['a folded field', request([...FIELDS, ' folded: x']), 400],
    ['a space before a colon', request([...FIELDS, 'X : y']), 400],
    ['a line feed alone', request([...FIELDS, 'X: y\nZ: a']), 400],
    ['a carriage return alone', request([...FIELDS, 'X: y\rZ: a']), 400],
    ['a NUL', request([...FIELDS, 'X: \0']), 400],
    ['no target', request(FIELDS, 'GET HTTP/1.1'), 400],
    ['HTTP/1.1 and more', request(FIELDS, 'GET / HTTP/1.1 x'), 400],
    ['binary garbage behind a letter', 'G\xff\x00\x01\x02', 400],
    ['a head without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`, 431]
  ])('answers %s with an error, and ends', async (_, bytes, status) => {
    const { text, over, accepted } = await answer(bytes)
    const [lines = '', body = ''] = text.split('\r\n\r\n')
    expect(lines).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z]`))
    expect(lines).toContain(`Content-Length: ${body.length}`)
    expect(lines).toMatch(/^Connection: (Upgrade, )?close$/m)
    expect(body).toMatch(/^[A-Z].*\.\n$/)
    expect({ over, accepted }).toEqual({ over: true, accepted: undefined })
  })

  it('tells what it speaks where that is asked for', async () => {
    expect((await answer(request(['Host: x']))).text).toMatch(
      /Upgrade: websocket\r\nSec-WebSocket-Version: 13/
    )
    expect((await answer(request(FIELDS, 'PUT / HTTP/1.1'))).text).toContain('\r\nAllow: GET\r\n')
  })

  it.each<[string, string]>([
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00'],
    ['libp2p over TCP', '\x13/multistream/1.0.0\n'],
    ['garbage', '\xf0\x9f\x92\xa9'],
    ['an empty line', '\r\n']
  ])('closes without a word to %s', async (_, bytes) => {
    expect(await answer(bytes)).toMatchObject({ text: '', over: true, accepted: undefined })
  })

  it('ends with its signal, or the socket', async () => {
    const [aborted, closed] = [new MemoryRaw(), new MemoryRaw()]
    const controller = new AbortController()
    const accepting = [accept(aborted, controller.signal), accept(closed)]
    aborted.arrive(Buffer.from('GET / HT'))
    controller.abort(new Error('changed my mind'))
    closed.reader?.onEnd()
    const errors = await Promise.allSettled(accepting)
    expect(errors.map(result => result.status === 'rejected' && String(result.reason))).toEqual([
      'Error: changed my mind',
      'Error: it ended before its head did'
    ])
    expect([aborted.over, closed.over]).toEqual([true, true])
  })

  it('gives up on one who does not speak', async () => {
    const raw = new MemoryRaw()
    await expect(accept(raw, never, { timeoutMs: 0 })).rejects.toThrow('took too long')
    expect(raw.over).toBe(true)
  })
})

describe('whom the server believes to be its client', () => {
  const proxies = new TrustedProxies([PEER.ip, '10.0.0.0/8'])
  const V1 = 'PROXY TCP4 203.0.113.5 192.0.2.9 50000 4003\r\n'
  const from = (...hops: string[]): string =>
    request([...FIELDS, ...hops.map(hop => `X-Forwarded-For: ${hop}`)])

  it.each<[string, TrustedProxies, string, Endpoint]>([
    ['is its peer', proxies, request(), PEER],
    [
      'is whom its proxy names in the request',
      proxies,
      from('1.1.1.1', '203.0.113.5'),
      { ...PEER, ip: '203.0.113.5' }
    ],
    ['is whom its proxy names before it', proxies, V1 + request(), { ip: '203.0.113.5', port: 50000 }],
    [
      'is not who says so itself, behind a proxy',
      proxies,
      V1 + from('1.1.1.1'),
      { ip: '203.0.113.5', port: 50000 }
    ],
    [
      'is whom a second proxy names behind the first',
      proxies,
      V1.replace('203.0.113.5', '10.0.0.2') + from('1.1.1.1', '203.0.113.6'),
      { ip: '203.0.113.6', port: 50000 }
    ],
    ['is not who says so itself, without a proxy', new TrustedProxies([]), from('203.0.113.5'), PEER]
  ])('%s', async (_, trusted, bytes, client) => {
    for (const pieces of [[bytes], [...bytes], [bytes.slice(0, 5), bytes.slice(5)]]) {
      const raw = new MemoryRaw()
      const accepting = acceptWebSocket(raw, { peer: PEER, proxies: trusted }, never)
      for (const piece of pieces) {
        raw.arrive(Buffer.from(piece))
        await soon()
      }
      expect((await accepting).client).toEqual(client)
    }
  })

  it('is nobody who begins like a proxy and is not trusted', async () => {
    expect(await answer(V2 + request())).toMatchObject({ text: '', over: true, accepted: undefined })
    const { text, over } = await answer(V1 + request())
    expect([text.slice(0, 12), over]).toEqual(['HTTP/1.1 400', true])
  })
})

describe('what the server refuses', () => {
  it.each<[string, WebSocketEnd[]]>([
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', ['bad-request']],
    ['\x16\x03\x01', ['bad-request']],
    ['PROXY TCP9 \r\n', ['bad-request']],
    ['GET / HTT', ['handshake-timeout']],
    ['PROXY TCP4 ', ['handshake-timeout']],
    ['', ['handshake-timeout']],
    [request(), []]
  ])('is counted: %j', async (bytes, counted) => {
    const ends: WebSocketEnd[] = []
    const bounds = new WsBounds({ ended: end => ends.push(end) }, { maxMessageBytes: 1000, idleSeconds: 60 })
    const raw = new MemoryRaw()
    const from = { peer: PEER, proxies: new TrustedProxies([PEER.ip]) }
    const accepting = acceptWebSocket(raw, from, never, { bounds, timeoutMs: 20 }).catch(() => {})
    raw.arrive(Buffer.from(bytes, 'latin1'))
    await new Promise(resolve => setTimeout(resolve, 40))
    raw.destroy()
    await accepting
    expect(ends).toEqual(counted)
  })

  it('is not counted where the other side has left', async () => {
    const ends: WebSocketEnd[] = []
    const bounds = new WsBounds({ ended: end => ends.push(end) }, { maxMessageBytes: 1000, idleSeconds: 60 })
    const raw = new MemoryRaw()
    const accepting = accept(raw, never, { bounds }).catch(() => {})
    raw.arrive(Buffer.from('GET / HTT'))
    raw.destroy()
    await accepting
    expect(ends).toEqual([])
  })
})

describe('the client', () => {
  /** Has the server answer with these lines instead, made of the right one. */
  async function greet(change: (answer: string) => string): Promise<WsDuct> {
    const [client, server] = [new MemoryRaw(), new MemoryRaw()]
    const greeting = greetWebSocket(client, '[::1]:4002', never)
    const accepting = accept(server)
    server.arrive(client.sent)
    await accepting
    client.arrive(Buffer.from(change(server.sent.toString('latin1')), 'latin1'))
    return greeting
  }

  it('asks as the server wants it, and keeps what follows the answer', async () => {
    const duct = await greet(answer => `${answer}\x82\x02hi`)
    const heard = new Heard()
    duct.reader = heard
    duct.resume()
    expect(heard.bytes.toString()).toBe('hi')
  })

  it.each<[string, (answer: string) => string]>([
    ['another status', answer => answer.replace('101', '200')],
    ['no upgrade', answer => answer.replace('Upgrade: websocket\r\n', '')],
    ['no connection', answer => answer.replace('Connection: Upgrade\r\n', '')],
    [
      "somebody else's key",
      answer => answer.replace(/Accept: .*\r/, 'Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r')
    ],
    ['an extension', answer => answer.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: x\r\n\r\n')],
    ['a protocol', answer => answer.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: x\r\n\r\n')],
    ['no HTTP', () => '\x16\x03\x01'],
    ['a head without end', () => `HTTP/1.1 101 x\r\nX: ${'x'.repeat(9000)}`]
  ])('does not go on with %s', async (_, change) => {
    await expect(greet(change)).rejects.toThrow()
  })

  it('asks for no host that would write lines of its own', async () => {
    const raw = new MemoryRaw()
    await expect(greetWebSocket(raw, 'x\r\nX: y:80', never)).rejects.toThrow('a host')
    expect(raw.sent.byteLength).toBe(0)
  })
})
