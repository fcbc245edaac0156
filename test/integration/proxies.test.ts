import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createPublicHttp } from '../../app/main/net/public-http.ts'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { createApp } from '../support/app.ts'
import { Authority } from '../support/authority.ts'
import { temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'
import { TcpProxy, type TcpProxyOptions } from '../support/proxy.ts'
import { openPair, RawPeer } from '../support/raw.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

/** Clients behind reverse proxies, which the node trusts or does not: proxies and clients alike are at 127.0.0.1. */

const behind = (ip: string): string => `PROXY TCP4 ${ip} 192.0.2.1 50000 4001\r\n`
const behindV2 = (ip: string): Buffer =>
  Buffer.from([
    ...Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13', 'latin1'),
    ...ip.split('.').map(Number),
    ...[192, 0, 2, 1, 0xc3, 0x50, 0x0f, 0xa1],
    // A TLV, which nobody wants.
    ...[0xee, 0, 4, 1, 2, 3, 4]
  ])
const forwarded =
  (ip: string) =>
  (request: Buffer): string =>
    request.toString('latin1').replace('\r\n', `\r\nX-Forwarded-For: 1.1.1.1, ${ip}\r\n`)

const trusting = async (settings: Partial<Settings> = {}): Promise<TestRelay> =>
  startRelay({ trustedProxies: ['127.0.0.0/8'], ...settings })

/** A peer that comes by way of a proxy. */
async function peerBehind(relay: TestRelay, kind: 'tcp' | 'ws', how: TcpProxyOptions) {
  const proxy = await TcpProxy.to(relay.address(kind), how)
  const peer = await RawPeer.create(proxy.address(relay.address(kind))).catch(async (error: unknown) => {
    await proxy[Symbol.asyncDispose]()
    throw error
  })
  const leave = peer[Symbol.asyncDispose].bind(peer)
  const dispose = async (): Promise<void> => {
    await leave()
    await proxy[Symbol.asyncDispose]()
  }
  return Object.assign(peer, { [Symbol.asyncDispose]: dispose })
}

const ips = (relay: TestRelay): (string | undefined)[] =>
  eventsOf(relay, 'reservation-accepted').map(({ ip }) => ip)

describe.each<[string, 'tcp' | 'ws', (ip: string) => TcpProxyOptions]>([
  ['the PROXY protocol, version 1, on TCP', 'tcp', ip => ({ preface: () => behind(ip) })],
  ['the PROXY protocol, version 2, on TCP', 'tcp', ip => ({ preface: () => behindV2(ip) })],
  ['the PROXY protocol, version 1, on WebSocket', 'ws', ip => ({ preface: () => behind(ip) })],
  ['the PROXY protocol, version 2, on WebSocket', 'ws', ip => ({ preface: () => behindV2(ip) })],
  ['X-Forwarded-For on WebSocket', 'ws', ip => ({ edit: forwarded(ip) })]
])('by %s', (_, kind, how) => {
  it('limits and rules are about the client, and circuits run', async () => {
    await using relay = await trusting({
      'relay.reservations.perIp': 1,
      'access.deny': ['203.0.113.128/25']
    })
    await using one = await peerBehind(relay, kind, how('203.0.113.5'))
    await using same = await peerBehind(relay, kind, how('203.0.113.5'))
    await using other = await peerBehind(relay, kind, how('203.0.113.6'))
    await using denied = await peerBehind(relay, kind, how('203.0.113.200'))
    const answers = []
    for (const peer of [one, same, other, denied]) answers.push((await peer.reserve()).status)
    expect(answers).toEqual([Status.OK, Status.RESERVATION_REFUSED, Status.OK, Status.PERMISSION_DENIED])
    expect(ips(relay)).toEqual(['203.0.113.5', '203.0.113.6'])
    const [source, target] = await openPair(relay, one, other)
    source.send('hello')
    await target.receives(5)
    expect(target.text).toBe('hello')
  })

  it('nothing is believed of one who is not trusted', async () => {
    await using relay = await startRelay({ trustedProxies: ['192.0.2.0/24'] })
    const coming = peerBehind(relay, kind, how('203.0.113.5'))
    if ('preface' in how('')) {
      await expect(coming).rejects.toThrow()
    } else {
      await using peer = await coming
      await peer.reserve()
      expect(ips(relay)).toEqual(['127.0.0.1'])
    }
    await using honest = await RawPeer.create(relay.address(kind))
    expect((await honest.reserve()).status).toBe(Status.OK)
  })
})

describe.skipIf(missing('openssl', findProgram('openssl') !== undefined))('on secure WebSocket', () => {
  it.each<[string, (ip: string) => TcpProxyOptions]>([
    ['version 1', ip => ({ preface: () => behind(ip) })],
    ['version 2', ip => ({ preface: () => behindV2(ip) })]
  ])('limits are about the client that the PROXY protocol, %s, names before TLS', async (_, how) => {
    await using folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'ca'))
    const { chain, key } = await authority.issue('local', ['DNS:localhost', 'IP:127.0.0.1'])
    const trust = authority.trust()
    const { app } = createApp(folder.dir, {
      'tls.cert': chain,
      'tls.key': key,
      'tls.port': 0,
      trustedProxies: ['127.0.0.1'],
      'relay.reservations.perIp': 1
    })
    await app.start()
    try {
      const listening = app.addresses.find(address => address.includes('/tls/ws/')) ?? ''
      const address = listening.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
      const reserve = async (ip: string): Promise<number | undefined> => {
        const proxy = await TcpProxy.to(address, how(ip))
        const peer = await RawPeer.create(proxy.address(address))
        cleanups.push(
          () => proxy[Symbol.asyncDispose](),
          () => peer[Symbol.asyncDispose]()
        )
        return (await peer.reserve()).status
      }
      const answers = []
      for (const ip of ['203.0.113.5', '203.0.113.5', '203.0.113.6']) answers.push(await reserve(ip))
      expect(answers).toEqual([Status.OK, Status.RESERVATION_REFUSED, Status.OK])
    } finally {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
      await app.stop()
      trust[Symbol.dispose]()
    }
  })

  const cleanups: (() => unknown)[] = []
})

describe('a proxy that is trusted', () => {
  it.each(['tcp', 'ws'] as const)('may come without a word about its client on %s', async kind => {
    await using relay = await trusting()
    await using peer = await RawPeer.create(relay.address(kind))
    expect((await peer.reserve()).status).toBe(Status.OK)
    expect(ips(relay)).toEqual(['127.0.0.1'])
  })

  it('may look whether the port is open', async () => {
    await using relay = await trusting()
    const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')
    await using peer = await peerBehind(relay, 'tcp', { preface: () => local })
    await peer.reserve()
    expect(ips(relay)).toEqual(['127.0.0.1'])
  })

  it('has its clients counted one by one, a second', async () => {
    // At most a hundred a second of one address.
    await using relay = await trusting({ 'relay.reservations.perIp': 1, 'ws.enabled': false })
    const port = Number(relay.address('tcp').split('/')[4])
    const knock = async (ip: string): Promise<boolean> => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write(`${behind(ip)}\x13/multistream/1.0.0\n`)
      const answered = await Promise.race([
        once(socket, 'data').then(() => true),
        once(socket, 'close').then(() => false)
      ])
      socket.destroy()
      return answered
    }
    const many = await Promise.all(Array.from({ length: 140 }, () => knock('203.0.113.5')))
    const taken = many.filter(Boolean).length
    expect(taken).toBeGreaterThanOrEqual(100)
    // A window of a second may have ended meanwhile.
    expect(taken).toBeLessThan(140)
    expect(await knock('203.0.113.6')).toBe(true)
  })
})

describe('the public pages', () => {
  const opened: { stop(): Promise<void> }[] = []
  afterEach(async () => void (await Promise.all(opened.splice(0).map(each => each.stop()))))

  async function pages(trustedProxies: string[], limits = {}): Promise<string> {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} }
    const http = createPublicHttp(
      {
        log: quiet,
        version: '0.0.0',
        identity: () => ({ peer_id: 'x', addresses: [], protocol_version: 'x', agent_version: 'x' }),
        health: () => ({ alive: true, listening: true, draining: false, reasons: [] })
      },
      {
        hosts: ['127.0.0.1'],
        port: 0,
        requestsPerIpPerMinute: 2,
        trustedProxies,
        socketLimits: { headersTimeoutMs: 500, ...limits }
      }
    )
    opened.push(http)
    await http.start()
    return http.addresses()[0] ?? ''
  }

  const GET = 'GET /api/v1/identity HTTP/1.1\r\nHost: x\r\n'
  /** Sends pieces, each by itself, and reads until the server closes. */
  async function say(url: string, ...pieces: (string | Buffer)[]): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    const closed = new Promise(resolve => socket.once('close', resolve))
    let text = ''
    socket.setNoDelay(true).on('data', data => (text += data.toString('latin1')))
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await closed
    return text
  }
  const status = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
  const ask = async (url: string, ip: string): Promise<number> =>
    (await fetch(`${url}/api/v1/identity`, { headers: { 'x-forwarded-for': `9.9.9.9, ${ip}` } })).status
  const askBehind = async (url: string, preface: string | Buffer): Promise<number> =>
    status(
      await say(url, Buffer.concat([Buffer.from(preface), Buffer.from(`${GET}Connection: close\r\n\r\n`)]))
    )

  it('count each client of a trusted proxy by itself, and an IPv6 network as one', async () => {
    const url = await pages(['127.0.0.1'])
    const clients = ['203.0.113.5', '203.0.113.5', '203.0.113.6', '203.0.113.5', '2001:db8::1', '2001:db8::2']
    const answers = []
    for (const ip of [...clients, '2001:db8::3']) answers.push(await ask(url, ip))
    expect(answers).toEqual([200, 200, 200, 429, 200, 200, 429])
  })

  it('count them by the PROXY protocol too, which together with the other is one', async () => {
    const url = await pages(['127.0.0.1'])
    const answers = [
      await askBehind(url, behind('203.0.113.5')),
      await askBehind(url, behindV2('203.0.113.5'))
    ]
    answers.push(await askBehind(url, behind('203.0.113.6')), await ask(url, '203.0.113.5'))
    expect(answers).toEqual([200, 200, 200, 429])
  })

  it('believe nothing of a stranger', async () => {
    const url = await pages(['192.0.2.1'])
    expect([await ask(url, '203.0.113.5'), await ask(url, '203.0.113.6')]).toEqual([200, 200])
    expect(await ask(url, '203.0.113.7')).toBe(429)
    expect(await askBehind(url, behind('203.0.113.5'))).toBe(400)
  })

  it('understand what comes in pieces', async () => {
    const url = await pages(['127.0.0.1'])
    const header = behind('203.0.113.5')
    const all = `${header}${GET}Connection: close\r\n\r\n`
    const cuts = [1, 3, 6, 30, header.length - 1, header.length, header.length + 1, header.length + 20]
    const pieces = [0, ...cuts].map((cut, i) => all.slice(cut, cuts[i]))
    expect(status(await say(url, ...pieces))).toBe(200)
    expect(await askBehind(url, '')).toBe(200)
  })

  it('keep a connection open for further requests, behind a header too', async () => {
    const url = await pages(['127.0.0.1'])
    const text = await say(url, `${behind('203.0.113.5')}${GET}\r\n`, `${GET}Connection: close\r\n\r\n`)
    expect(text.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(2)
  })

  it('cut a proxy that says nothing or nonsense, and do not wait for it to stop', async () => {
    const url = await pages(['127.0.0.1'], { stopGraceMs: 100 })
    expect(await say(url, 'PROXY TCP9 nonsense\r\n')).toBe('')
    const begun = performance.now()
    expect(await say(url, 'PROXY ')).toBe('')
    expect(performance.now() - begun).toBeGreaterThan(400)
    const silent = say(url, 'PROXY ')
    await opened.pop()?.stop()
    expect(await silent).toBe('')
  })

  it('bound the connections of one client, not those of the proxy', async () => {
    const url = await pages(['127.0.0.1'], { maxConnectionsPerIpGroup: 2, headersTimeoutMs: 5000 })
    const open = async (preface: string): Promise<Socket> => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      socket.write(`${preface}GET`)
      return socket
    }
    const sockets: Socket[] = []
    for (let i = 0; i < 6; i++) sockets.push(await open(i < 3 ? behind('203.0.113.5') : ''))
    await until('one is closed', () => sockets.some(socket => socket.destroyed))
    expect(sockets.map(socket => socket.destroyed)).toEqual([false, false, true, false, false, false])
    for (const socket of sockets) socket.destroy()
  })
})
