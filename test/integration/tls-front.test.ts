import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { connect as connectTls, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { TlsFront, type TlsFrontOptions } from '../../app/main/net/tls/tls-front.ts'
import type { Pem } from '../../app/main/net/tls/certificates.ts'
import { Upgrades, type UpgradeRequest } from '../../app/main/net/upgrades.ts'
import { Arrivals } from '../../app/main/relay/fast/arrivals.ts'
import { defaultsOf, type Settings } from '../../app/shared/settings.ts'
import { Authority } from '../support/authority.ts'
import { temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'
import { until } from '../support/until.ts'

const REQUEST = 'GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
const ASKED =
  'GET /socket?one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'X-Forwarded-For: 198.51.100.9\r\n\r\nfirst'

/** The listener that HTTPS and secure WebSocket share, by itself. */
describe.skipIf(missing('openssl', findProgram('openssl') !== undefined))('the TLS front', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let pems: Record<'files' | 'auto-tls', Pem>
  const cleanups: (() => unknown)[] = []
  beforeAll(async () => {
    folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'ca'))
    const pem = async (name: string): Promise<Pem> => {
      const { chain, key } = await authority.issue(name, [`DNS:${name}`])
      return { cert: await readFile(chain, 'utf8'), key: await readFile(key, 'utf8') }
    }
    pems = { files: await pem('relay.example'), 'auto-tls': await pem('1-2-3-4.peer.example') }
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  interface Started {
    front: TlsFront
    requests: UpgradeRequest[]
    sockets: Socket[]
    port: () => number
    change: (settings: Partial<Settings>) => Promise<void>
  }

  /** It answers every request with 200, and takes what is asked at /socket. */
  async function start(
    settings: Partial<Settings> = {},
    options: TlsFrontOptions = {},
    arrivals = { pending: 100, perIpPerSecond: 100 }
  ): Promise<Started> {
    let current: Settings = {
      ...defaultsOf('server'),
      ...{ 'ws.autoTls': true, 'tls.port': 0, 'listen.ip4': ['127.0.0.1'], 'listen.ip6': [] },
      ...settings
    }
    const upgrades = new Upgrades()
    const front = new TlsFront(
      {
        log: { info: () => {}, warn: () => {} },
        upgrades,
        arrivals: new Arrivals({ clock: () => performance.now() }, arrivals),
        settings: () => current
      },
      options
    )
    front.serve((_, response) => response.end('a page'))
    const requests: UpgradeRequest[] = []
    const sockets: Socket[] = []
    upgrades.handle('/socket', (request, socket, first) => {
      requests.push(request)
      sockets.push(socket)
      socket.write(`taken ${first.toString()}`)
    })
    cleanups.push(() => front.stop())
    await front.start()
    front.use('files', pems.files)
    await until('it is open', () => front.places.length > 0)
    return {
      front,
      requests,
      sockets,
      port: () => front.places[0]?.port ?? 0,
      change: async changes => {
        current = { ...current, ...changes }
        front.follow()
        // Whoever gets it gives it again.
        if (current['ws.autoTls']) front.use('auto-tls', pems['auto-tls'])
        await until('it is as it was asked for', () => front.places.length > 0 === current['ws.autoTls'])
      }
    }
  }

  interface Talk {
    socket: Socket
    readonly text: string
    readonly closed: boolean
  }

  function listenTo(socket: Socket): Talk {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (part: string) => (text += part))
    socket.on('error', () => {})
    cleanups.push(() => socket.destroy())
    return {
      socket,
      get text() {
        return text
      },
      get closed() {
        return socket.closed
      }
    }
  }

  const plain = (port: number): Talk => listenTo(connect(port, '127.0.0.1'))
  const secure = (
    port: number,
    servername = 'relay.example',
    versions: SecureContextOptions = {}
  ): Talk & { socket: TLSSocket } => {
    const to = { port, host: '127.0.0.1', servername }
    return listenTo(connectTls({ ...to, ...versions, rejectUnauthorized: false })) as Talk & {
      socket: TLSSocket
    }
  }

  it('serves each name its certificate, and the files to one who asks for no name or another', async () => {
    const { front, port } = await start()
    front.use('auto-tls', pems['auto-tls'])
    const subjectFor = async (name: string): Promise<string | undefined> => {
      const { socket } = secure(port(), name)
      await until(
        'the handshake is over',
        () => socket.getProtocol() !== null && socket.authorizationError !== null
      )
      return socket.getPeerX509Certificate()?.subject
    }
    expect(await subjectFor('relay.example')).toBe('CN=relay.example')
    expect(await subjectFor('1-2-3-4.peer.example')).toBe('CN=1-2-3-4.peer.example')
    expect(await subjectFor('other.example')).toBe('CN=relay.example')
    expect(await subjectFor('')).toBe('CN=relay.example')
    front.use('files', undefined)
    expect(await subjectFor('relay.example')).toBe('CN=1-2-3-4.peer.example')
    expect(front.isNamed('relay.example')).toBe(false)
  })

  it('closes with its last certificate, and opens again with the next', async () => {
    const { front, port } = await start()
    const open = plain(port())
    await until('it is connected', () => open.socket.readyState === 'open')
    front.use('files', undefined)
    await until('it is closed', () => front.places.length === 0 && open.closed)
    front.use('auto-tls', pems['auto-tls'])
    await until('it is open', () => front.places.length > 0)
  })

  it('refuses a key that belongs to another certificate, and goes on with what it has', async () => {
    const { front, port } = await start()
    const mixed = { cert: pems.files.cert, key: pems['auto-tls'].key }
    expect(() => front.use('files', mixed)).toThrow('the key is that of another certificate')
    const talk = secure(port())
    talk.socket.write(REQUEST)
    await until('it answers', () => talk.text.includes('a page'))
  })

  it('hands an upgrade over with what came behind it', async () => {
    const { port, requests } = await start()
    const talk = secure(port())
    talk.socket.write(ASKED)
    await until('it is taken', () => talk.text === 'taken first')
    // From a stranger the header counts for nothing.
    expect(requests).toMatchObject([{ client: { ip: '127.0.0.1' }, host: '127.0.0.1', isCounted: true }])
  })

  it('takes an upgrade with fields of odd names', async () => {
    const { port } = await start({ trustedProxies: ['127.0.0.1'] })
    const talk = secure(port())
    talk.socket.write(ASKED.replace('Host: x', 'Host: x\r\n__proto__: x\r\nconstructor: y'))
    await until('it is taken', () => talk.text === 'taken first')
  })

  it.each(['/socket', '/nowhere'])(
    'ends one who asks for %s before an earlier request was answered',
    async asked => {
      const { front, port, requests } = await start()
      const answers: (() => void)[] = []
      front.serve((_, response) => void answers.push(() => response.end('a page')))
      const talk = secure(port())
      talk.socket.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2) + ASKED.replace('/socket', asked))
      await until('it is over', () => talk.closed)
      for (const answer of answers) answer()
      expect([answers.length, requests.length, talk.text]).toEqual([2, 0, ''])
    }
  )

  it('takes an upgrade after a request that was answered', async () => {
    const { port } = await start()
    const talk = secure(port())
    for (let i = 1; i <= 3; i++) {
      talk.socket.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n')
      await until('it is answered', () => talk.text.split('a page').length === i + 1)
    }
    talk.socket.write(ASKED)
    await until('it is taken', () => talk.text.endsWith('taken first'))
  })

  it('gives a path to one service only, until that gives it back', async () => {
    const { front } = await start()
    expect(() => front.upgrades.handle('/socket', () => {})).toThrow("/socket is another service's")
    front.upgrades.handle('/other', () => {})()
    front.upgrades.handle('/other', () => {})
  })

  it('ends what was upgraded when it closes', async () => {
    const { front, port } = await start()
    const talk = secure(port())
    talk.socket.write(ASKED)
    await until('it is taken', () => talk.text !== '')
    await front.stop()
    await until('it is over', () => talk.closed)
  })

  describe('of clients that dawdle', () => {
    const socketLimits = { headersTimeoutMs: 300, maxConnectionsPerIpGroup: 3 }

    it('ends those that do not begin, or finish, their handshake or their request', async () => {
      const { port } = await start({}, { socketLimits })
      const silent = plain(port())
      const noTls = plain(port())
      noTls.socket.write('GET / HTTP/1.1\r\n\r\n')
      const slow = secure(port())
      slow.socket.write('GET / HT')
      const began = performance.now()
      await until('all are over', () => silent.closed && noTls.closed && slow.closed)
      expect(performance.now() - began).toBeLessThan(3000)
      const talk = secure(port())
      talk.socket.write(REQUEST)
      await until('others are served', () => talk.text.includes('a page'))
    })

    it('forgets at once one who leaves in the middle of the handshake', async () => {
      const { port } = await start({}, { socketLimits: { maxConnectionsPerIpGroup: 1 } })
      // Its own end stays open: what closes it is the server.
      const leaving = listenTo(connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true }))
      leaving.socket.end(Buffer.from('16030100c8010000c40303', 'hex'))
      await until('it is over', () => leaving.closed, 5)
      const talk = secure(port())
      talk.socket.write(REQUEST)
      await until('others are served', () => talk.text.includes('a page'))
    })

    it('takes no more than its share of one, and forgets those that were upgraded', async () => {
      const { port, sockets } = await start({}, { socketLimits: { ...socketLimits, headersTimeoutMs: 5000 } })
      const upgraded: Talk[] = []
      while (upgraded.length < 4) {
        const talk = secure(port())
        upgraded.push(talk)
        talk.socket.write(ASKED)
        await until('it is taken', () => talk.text !== '')
      }
      expect(sockets).toHaveLength(4)
      const [one, two, three, four] = [1, 2, 3, 4].map(() => plain(port()))
      await until('the fourth is refused', () => [one, two, three, four].some(talk => talk?.closed === true))
      expect([one, two, three, four].filter(talk => talk?.closed === true)).toHaveLength(1)
      expect(upgraded.some(talk => talk.closed)).toBe(false)
    })

    it('agrees on TLS 1.2 once only, whatever is asked on that connection later', async () => {
      const { port } = await start({ 'tls.minVersion': '1.2' })
      const version = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
      const talk = secure(port(), 'relay.example', version)
      talk.socket.write(ASKED)
      await until('it is taken', () => talk.text !== '')
      const again = new Promise(resolve => {
        talk.socket.once('close', () => resolve('closed'))
        talk.socket.renegotiate({ rejectUnauthorized: false }, error => resolve(error ?? 'agreed'))
      })
      expect(await again).not.toBe('agreed')
    })

    it('lets nobody begin more handshakes than arrivals allow', async () => {
      const { port } = await start({}, {}, { pending: 100, perIpPerSecond: 2 })
      const talks = [1, 2, 3, 4].map(() => plain(port()))
      await until('two are refused', () => talks.filter(talk => talk.closed).length === 2)
    })
  })

  describe('behind a proxy that is trusted', () => {
    const trusting = { trustedProxies: ['127.0.0.1'] }

    it.each([
      ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n')],
      [
        'version 2',
        Buffer.concat([
          Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'),
          Buffer.from([203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 187])
        ])
      ]
    ])('takes the client from a PROXY header before the handshake: %s', async (_, header) => {
      const { port, requests } = await start(trusting)
      const raw = connect(port(), '127.0.0.1')
      raw.write(header)
      const talk = listenTo(
        connectTls({ socket: raw, servername: 'relay.example', rejectUnauthorized: false })
      )
      talk.socket.write(ASKED)
      await until('it is taken', () => talk.text === 'taken first')
      expect(requests[0]?.client).toEqual({ ip: '203.0.113.7', port: 4711 })
      expect(requests[0]?.isCounted).toBe(true)
    })

    it('takes it from X-Forwarded-For where there is none', async () => {
      const { port, requests } = await start(trusting)
      const talk = secure(port())
      talk.socket.write(ASKED)
      await until('it is taken', () => talk.text === 'taken first')
      expect(requests[0]?.client.ip).toBe('198.51.100.9')
      // By the arrival of the proxy's connection nothing was known of it.
      expect(requests[0]?.isCounted).toBe(false)
    })

    it('ends a stranger who sends such a header', async () => {
      const { port, requests } = await start()
      const talk = plain(port())
      talk.socket.write('PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n')
      await until('it is over', () => talk.closed)
      expect(requests).toEqual([])
    })
  })

  it('follows its settings', async () => {
    const { front, change, port } = await start()
    const before = port()
    await change({ 'ws.autoTls': false })
    await change({ 'ws.autoTls': true, 'listen.ip4': ['127.0.0.1', '0.0.0.0'] })
    expect(front.places).toEqual([{ host: '0.0.0.0', port: port() }])
    expect(before).not.toBe(0)
  })
})
