import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Connection, Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { webSockets } from '@libp2p/websockets'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { TrustedProxies } from '../../app/main/net/forwarded.ts'
import { Arrivals } from '../../app/main/relay/fast/arrivals.ts'
import type { RawDuct } from '../../app/main/relay/fast/duct.ts'
import type { Upgrade, UpgradeInit } from '../../app/main/relay/fast/handshakes.ts'
import { Outbox, unsealed } from '../../app/main/relay/fast/outbox.ts'
import { SocketDuct } from '../../app/main/relay/fast/socket-duct.ts'
import { fastTcp } from '../../app/main/relay/fast/tcp.ts'
import { acceptWebSocket } from '../../app/main/relay/fast/ws/handshake.ts'
import { fastWebSockets } from '../../app/main/relay/fast/ws/transport.ts'
import { until } from '../support/until.ts'

/** The fast TCP and WebSocket transports on real sockets, with @libp2p/websockets (`ws` and undici) as the other side. */

const never = new AbortController().signal
const MIB = 1024 * 1024
const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** One end of what was upgraded: keeps what comes, or sends it back. */
class End {
  readonly duct: RawDuct
  readonly init: UpgradeInit
  received: Buffer[] = []
  ended = false
  closed: { error: Error | undefined } | undefined
  readonly #outbox: Outbox
  readonly #waiting: Buffer[] = []

  constructor(duct: RawDuct, init: UpgradeInit, echo: boolean) {
    this.duct = duct
    this.init = init
    this.#outbox = new Outbox(duct, unsealed, error => duct.destroy(error))
    duct.reader = {
      onBytes: bytes => (echo ? this.send(Buffer.from(bytes)) : void this.received.push(Buffer.from(bytes))),
      onDrain: () => this.#move(),
      onEnd: () => (this.ended = true),
      onClose: error => (this.closed = { error })
    }
    duct.resume()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received)
  }

  send(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#move()
  }

  /** While the duct is full nothing more is read, so that little waits. */
  #move(): void {
    while (!this.duct.full && this.#waiting.length > 0) this.#outbox.write(this.#waiting.shift() as Buffer)
    this.#outbox.flush()
    if (this.#waiting.length > 0) this.duct.pause()
    else this.duct.resume()
  }
}

const clock = (): number => performance.now()
const everyone = new Arrivals({ clock }, { pending: Infinity, perIpPerSecond: Infinity })

interface Upgrades {
  arrivals: Arrivals
  upgrade: Upgrade
  ends: End[]
}

function upgrades({ echo = false } = {}): Upgrades {
  const ends: End[] = []
  const upgrade: Upgrade = async (duct, init) => {
    ends.push(new End(duct, init, echo))
    return {} as Connection
  }
  return { arrivals: everyone, upgrade, ends }
}

const KINDS = { tcp: fastTcp, ws: fastWebSockets }
type Kind = keyof typeof KINDS

async function listening(
  kind: Kind,
  upgrade: Upgrade,
  ip = '/ip4/127.0.0.1',
  arrivals = everyone
): Promise<Listener> {
  const suffix = kind === 'ws' ? '/ws' : ''
  const listener = KINDS[kind]({ arrivals, upgrade })().createListener({ upgrader: {} as Upgrader })
  await listener.listen(multiaddr(`${ip}/tcp/0${suffix}`))
  cleanups.push(() => listener.close())
  return listener
}

function addressOf(listener: Listener): Multiaddr {
  const [address] = listener.getAddrs()
  if (address === undefined) throw new Error('it listens nowhere')
  return address
}

const portOf = (listener: Listener): number => Number(addressOf(listener).getComponents()[1]?.value)

async function knock(port: number, greeting: string | Buffer = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  cleanups.push(() => socket.destroy())
  await once(socket, 'connect')
  if (greeting.length > 0) socket.write(greeting)
  return socket
}

/** Until it is over, one way or another. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise(resolve => socket.on('close', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

function pattern(bytes: number): Buffer {
  const data = Buffer.alloc(bytes)
  for (let i = 0; i < bytes; i++) data[i] = (i * 7 + (i >> 8)) & 255
  return data
}

const dial = (transport: Transport, address: Multiaddr, signal = never): Promise<Connection> =>
  transport.dial(address, { upgrader: {} as Upgrader, signal })

/** Another's WebSocket to it, as browsers have it. */
async function openWebSocket(port: number): Promise<{ socket: WebSocket; received: () => Buffer }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/any/path`)
  socket.binaryType = 'arraybuffer'
  const chunks: Buffer[] = []
  socket.addEventListener('message', event => chunks.push(Buffer.from(event.data as ArrayBuffer)))
  cleanups.push(() => socket.close())
  await once(socket, 'open')
  return { socket, received: () => Buffer.concat(chunks) }
}

describe.each<Kind>(['tcp', 'ws'])('the fast %s transport', kind => {
  it('begins no more handshakes than it may', async () => {
    const arrivals = new Arrivals({ clock }, { pending: 1, perIpPerSecond: Infinity })
    const { upgrade, ends } = upgrades()
    const held = Promise.withResolvers<void>()
    const listener = await listening(
      kind,
      async (duct, init) => {
        await upgrade(duct, init)
        await held.promise
      },
      undefined,
      arrivals
    )
    await dial(KINDS[kind](upgrades())(), addressOf(listener))
    await until('the first is taken', () => ends.length === 1)
    const other = await knock(portOf(listener))
    await until('the second is not', () => other.destroyed)
    held.resolve()
    await until('there is room again', async () => {
      await dial(KINDS[kind](upgrades())(), addressOf(listener)).catch(() => {})
      return ends.length > 1
    })
  })

  it('carries bytes between two of its kind, with back-pressure, and ends', async () => {
    const { upgrade, ends } = upgrades({ echo: true })
    const listener = await listening(kind, upgrade)
    const dialled = upgrades()
    await dial(KINDS[kind](dialled)(), addressOf(listener))
    const data = pattern(4 * MIB + 1)
    const [end] = dialled.ends as [End]
    for (let at = 0; at < data.byteLength; at += 100_000) end.send(data.subarray(at, at + 100_000))
    await until('it is all back', () => end.bytes.byteLength >= data.byteLength)
    expect(end.bytes.equals(data)).toBe(true)

    expect(ends[0]?.init.direction).toBe('inbound')
    const remote = new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+${kind === 'ws' ? '/ws' : ''}$`)
    expect(ends[0]?.init.remoteAddr.toString()).toMatch(remote)
    expect(end.init.remoteAddr.toString()).toBe(addressOf(listener).toString())
    end.duct.end()
    await until('both are over', () => ends[0]?.closed !== undefined && end.closed !== undefined)
    expect([ends[0]?.ended, ends[0]?.closed]).toEqual([true, { error: undefined }])
  })

  it('reaches IPv6 and names', async () => {
    const { upgrade, ends } = upgrades()
    const six = await listening(kind, upgrade, '/ip6/::1')
    await dial(KINDS[kind](upgrades())(), addressOf(six))
    await until('it is there', () => ends.length === 1)
    expect(ends[0]?.init.remoteAddr.toString()).toMatch(/^\/ip6\/::1\/tcp/)
    const four = await listening(kind, upgrade)
    await dial(
      KINDS[kind](upgrades())(),
      multiaddr(addressOf(four).toString().replace('ip4/127.0.0.1', 'dns4/localhost'))
    )
    await until('it is there', () => ends.length === 2)
  })

  it('ends its sockets at once when it closes: silent ones, open ones and refused ones', async () => {
    const { upgrade, ends } = upgrades()
    const listener = await listening(kind, upgrade)
    const port = portOf(listener)
    const sockets = [
      await knock(port),
      await knock(port, UPGRADE),
      await knock(port, 'GET / HTTP/1.1\r\n\r\n')
    ]
    const closed = Promise.all(sockets.map(socket => readAll(socket)))
    await until('it has upgraded', () => ends.length >= 1)
    let events = 0
    listener.addEventListener('close', () => events++)
    await listener.close()
    await listener.close()
    await closed
    expect([events, listener.getAddrs()]).toEqual([1, []])
    await expect(knock(port)).rejects.toThrow('ECONNREFUSED')
  })

  it('fails to listen with the code of the system', async () => {
    const listener = await listening(kind, upgrades().upgrade)
    const other = KINDS[kind](upgrades())().createListener({ upgrader: {} as Upgrader })
    await expect(other.listen(addressOf(listener))).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(other.getAddrs()).toEqual([])
    await other.close()
  })

  it('fails to dial with the code of the system, or with its signal', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = multiaddr(
      `/ip4/127.0.0.1/tcp/${(silent.address() as AddressInfo).port}${kind === 'ws' ? '/ws' : ''}`
    )
    // TCP is connected by then: its upgrade has the signal.
    const waits: Upgrade = (_, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      )
    const controller = new AbortController()
    const dialling = dial(KINDS[kind]({ arrivals: everyone, upgrade: waits })(), address, controller.signal)
    const [accepted] = (await once(silent, 'connection')) as [Socket]
    controller.abort(new Error('changed my mind'))
    await expect(dialling).rejects.toThrow('changed my mind')
    accepted.resume().on('error', () => {})
    await once(accepted, 'close')
    silent.close()
    await once(silent, 'close')
    await expect(dial(KINDS[kind](upgrades())(), address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('ends a client whose upgrade fails, and goes on', async () => {
    let failures = 0
    const { upgrade, ends } = upgrades()
    const listener = await listening(kind, async (duct, init) => {
      if (failures++ > 0) return upgrade(duct, init)
      throw new Error('no')
    })
    await readAll(await knock(portOf(listener), UPGRADE))
    await knock(portOf(listener), UPGRADE)
    await until('the next one is upgraded', () => ends.length === 1)
  })
})

describe('the fast WebSocket transport', () => {
  it('listens on and dials plain WebSockets over TCP only', () => {
    const transport = fastWebSockets(upgrades())()
    const peer = '/p2p/12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'
    const its = [
      '/ip4/1.2.3.4/tcp/80/ws',
      '/ip6/::1/tcp/80/ws',
      '/dns4/a.example/tcp/80/ws',
      '/dns/a/tcp/1/ws'
    ]
    const others = [
      '/ip4/1.2.3.4/tcp/80',
      '/ip4/1.2.3.4/udp/80/ws',
      '/dns4/a.example/ws',
      '/ip4/1.2.3.4/tcp/80/wss',
      '/ip4/1.2.3.4/tcp/80/tls/ws',
      '/dns4/a.example/tcp/443/tls/sni/a.example/ws',
      `/ip4/1.2.3.4/tcp/80/ws${peer}/p2p-circuit`
    ]
    const mine = [...its, ...its.map(address => address + peer)].map(address => multiaddr(address))
    const all = [...mine, ...others.map(address => multiaddr(address))]
    expect(transport.dialFilter(all).map(String)).toEqual(mine.map(String))
    expect(transport.listenFilter(all).map(String)).toEqual(mine.map(String))
  })

  it("carries another's messages of all sizes, and closes with it", async () => {
    const { upgrade, ends } = upgrades({ echo: true })
    const { socket, received } = await openWebSocket(portOf(await listening('ws', upgrade)))
    const data = pattern(3 * MIB)
    const sizes = [0, 1, 7, 125, 126, 127, 4096, 65_535, 65_536, 65_537, MIB]
    let at = 0
    for (let i = 0; at < data.byteLength; i++) {
      const size = sizes[i % sizes.length] ?? 0
      socket.send(data.subarray(at, at + size))
      at += size
    }
    await until('it is all back', () => received().byteLength >= data.byteLength)
    expect(received().equals(data)).toBe(true)
    socket.close(3001)
    const [{ code, wasClean }] = (await once(socket, 'close')) as [CloseEvent]
    expect({ code, wasClean }).toEqual({ code: 3001, wasClean: true })
    await until('the duct is over', () => ends[0]?.closed !== undefined)
    expect([ends[0]?.ended, ends[0]?.closed]).toEqual([true, { error: undefined }])
  })

  it('closes normally, and says why it refuses what it does not take', async () => {
    const { upgrade, ends } = upgrades()
    const port = portOf(await listening('ws', upgrade))
    const first = await openWebSocket(port)
    ends[0]?.duct.end()
    const [normal] = (await once(first.socket, 'close')) as [CloseEvent]
    const second = await openWebSocket(port)
    second.socket.send('text')
    const [refused] = (await once(second.socket, 'close')) as [CloseEvent]
    expect([normal.code, normal.wasClean, refused.code, refused.wasClean]).toEqual([1000, true, 1003, true])
    await until('both are over', () => ends.every(end => end.closed !== undefined))
    expect(ends[1]?.closed?.error?.message).toBe('a text message')
  })

  it('dials the stock transport, and answers its pings', async () => {
    const accepted = Promise.withResolvers<StockConnection>()
    const events = new EventTarget() as never
    const stock = webSockets()({ logger: defaultLogger(), events }).createListener({
      upgrader: {
        upgradeInbound: async (connection: MultiaddrConnection) =>
          accepted.resolve(connection as StockConnection)
      } as unknown as Upgrader
    })
    await stock.listen(multiaddr('/ip4/127.0.0.1/tcp/0/ws'))
    cleanups.push(() => stock.close())
    const { upgrade, ends } = upgrades()
    await dial(fastWebSockets({ arrivals: everyone, upgrade })(), addressOf(stock))
    const { websocket } = await accepted.promise
    const pong = once(websocket, 'pong')
    websocket.on('message', (message: ArrayBuffer) => websocket.send(message))
    websocket.ping('are you there')
    expect(String((await pong)[0])).toBe('are you there')
    const data = pattern(3 * MIB)
    const [end] = ends as [End]
    for (let at = 0; at < data.byteLength; at += 70_001) end.send(data.subarray(at, at + 70_001))
    await until('it is all back', () => end.bytes.byteLength >= data.byteLength)
    expect(end.bytes.equals(data)).toBe(true)
    const closed = once(websocket, 'close')
    end.duct.end()
    await closed
    await until('the duct is over', () => end.closed !== undefined)
    expect([end.ended, end.closed]).toEqual([true, { error: undefined }])
  })

  it('takes what comes right behind the head', async () => {
    const { upgrade, ends } = upgrades()
    const frame = Buffer.from('\x82\x82\0\0\0\0hi', 'latin1')
    await knock(
      portOf(await listening('ws', upgrade)),
      Buffer.concat([Buffer.from(UPGRADE), frame, Buffer.from('\x82\x80\0\0\0\0', 'latin1'), frame])
    )
    await until('it is there', () => ends[0]?.bytes.toString() === 'hihi')
  })

  it('has its refusal read by one who goes on sending', async () => {
    const socket = await knock(portOf(await listening('ws', upgrades().upgrade)))
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n\r\n`)
    for (let i = 0; i < 32; i++) socket.write(Buffer.alloc(65_536))
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 405 /)
  })

  it('drops those who speak too slowly, or not at all', async () => {
    const failures: string[] = []
    const server = createServer({ pauseOnConnect: true }, accepted => {
      const from = { peer: { ip: '192.0.2.1', port: 4711 }, proxies: new TrustedProxies([]) }
      acceptWebSocket(SocketDuct.accept(accepted), from, never, { timeoutMs: 300 }).catch(error =>
        failures.push(String(error))
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanups.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const [silent, slow] = [await knock(port), await knock(port, 'GET / HTTP/1.1\r\n')]
    const dripping = setInterval(() => slow.write('X: y\r\n'), 20)
    expect(await Promise.all([readAll(silent), readAll(slow)])).toEqual(['', ''])
    clearInterval(dripping)
    expect(failures).toEqual(Array(2).fill('Error: the handshake took too long'))
  })

  it('goes on after whatever one of its clients sends', async () => {
    const { upgrade, ends } = upgrades()
    const port = portOf(await listening('ws', upgrade))
    const answers: [string | Buffer, RegExp][] = [
      [Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'), /^$/],
      [Buffer.from('\x13/multistream/1.0.0\n', 'latin1'), /^$/],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 505 /],
      ['GET / HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 505 /],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`, /^HTTP\/1\.1 431 /],
      ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 426 /],
      [Buffer.from(`${UPGRADE}\x82\x05hello`, 'latin1'), /^HTTP\/1\.1 101 .*\r\n\r\n.{4}$/s]
    ]
    for (const [greeting, answer] of answers) {
      expect(await readAll(await knock(port, greeting))).toMatch(answer)
    }
    ;(await knock(port, UPGRADE)).resetAndDestroy()
    await openWebSocket(port)
    await until('the others are over', () => ends.filter(end => end.closed === undefined).length === 1)
  })
})

type StockConnection = MultiaddrConnection & {
  websocket: {
    on(event: string, listener: (...values: never[]) => void): void
    ping(data: string): void
    send(data: ArrayBuffer): void
  } & NodeJS.EventEmitter
}
