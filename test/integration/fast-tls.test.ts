import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MultiaddrConnection, PrivateKey, StreamMuxerFactory } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { handle, select } from '@libp2p/multistream-select'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tls } from '@libp2p/tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RawDuct, SecureDuct } from '../../app/main/relay/fast/duct.ts'
import { acceptProtocol, proposeProtocol } from '../../app/main/relay/fast/negotiate.ts'
import { SocketDuct } from '../../app/main/relay/fast/socket-duct.ts'
import { createCertificate } from '../../app/main/relay/fast/tls/certificate.ts'
import { secureTls, tlsIdentity, type TlsIdentity } from '../../app/main/relay/fast/tls/secure.ts'
import { toMultiaddrConnection } from '../../node_modules/@libp2p/tcp/dist/src/socket-to-conn.js'

const TLS = '/tls/1.0.0'
const YAMUX = '/yamux/1.0.0'
let signal: AbortSignal

let server: Server
let ourKey: PrivateKey
let theirKey: PrivateKey
let ours: TlsIdentity
let theirs: TlsIdentity

beforeAll(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ourKey = await generateKeyPair('Ed25519')
  theirKey = await generateKeyPair('Ed25519')
  ours = await tlsIdentity(ourKey, [YAMUX])
  theirs = await tlsIdentity(theirKey, [YAMUX])
})
beforeEach(() => (signal = AbortSignal.timeout(5_000)))
afterAll(() => server.close())

describe('with upstream', () => {
  it.each([true, false])('as responder (early muxer: %s)', async early => {
    const [client, accepted] = await tcpPair()
    const raw = SocketDuct.accept(accepted)
    const [{ connection, streamMuxer }, secured] = await Promise.all([
      (async () => {
        const maConn = overTcp(client, 'outbound')
        await select(maConn, TLS)
        const secured = await upstream(early).secureOutbound(maConn, {
          remotePeer: peerIdFromPrivateKey(ourKey)
        })
        if (!early) await select(secured.connection, YAMUX)
        return secured
      })(),
      (async () => {
        raw.unshift((await acceptProtocol(raw, ['/noise', TLS], signal)).rest)
        const secured = await secureTls(raw, { role: 'responder', identity: ours, signal })
        if (!early) expect((await acceptProtocol(secured.duct, [YAMUX], signal)).protocol).toBe(YAMUX)
        return secured
      })()
    ])
    expect(secured.remotePeer.equals(peerIdFromPrivateKey(theirKey))).toBe(true)
    expect(secured.muxer).toBe(early ? YAMUX : undefined)
    expect(streamMuxer?.protocol).toBe(secured.muxer)
    await exchange(secured.duct, connection)
  })

  it.each([true, false])('as initiator (early muxer: %s)', async early => {
    const [accepted, raw] = await accepting()
    const [{ connection, streamMuxer }, secured] = await Promise.all([
      (async () => {
        const maConn = overTcp(accepted, 'inbound')
        await handle(maConn, [TLS])
        const secured = await upstream(early).secureInbound(maConn)
        if (!early) await handle(secured.connection, [YAMUX])
        return secured
      })(),
      (async () => {
        raw.unshift((await proposeProtocol(raw, ['/noise', TLS], signal)).rest)
        const remotePeer = peerIdFromPrivateKey(theirKey)
        const secured = await secureTls(raw, { role: 'initiator', identity: ours, remotePeer, signal })
        if (!early) expect((await proposeProtocol(secured.duct, [YAMUX], signal)).protocol).toBe(YAMUX)
        return secured
      })()
    ])
    expect(secured.muxer).toBe(early ? YAMUX : undefined)
    expect(streamMuxer?.protocol).toBe(secured.muxer)
    await exchange(secured.duct, connection)
  })
})

describe('with itself', () => {
  it.each([
    ['over a socket', (duct: SocketDuct): RawDuct => duct],
    ['over a duct that is no socket', noSocket]
  ])('carries all bytes in order, however the reader stops (%s)', async (_, wrap) => {
    const [dialing, listening] = await securePair(wrap)
    const bytes = randomBytes(8 * 1024 * 1024)
    const received = createHash('sha256')
    let count = 0
    const done = Promise.withResolvers<void>()
    listening.reader = {
      onBytes: part => {
        received.update(part)
        part.fill(0)
        count += part.length
        listening.pause()
        if (count % 3 === 0) listening.resume()
        else setImmediate(() => listening.resume())
      },
      onDrain: () => {},
      onEnd: done.resolve,
      onClose: error => done.reject(error ?? new Error('closed before its end'))
    }
    await write(dialing, bytes)
    listening.resume()
    dialing.end()
    await done.promise
    expect(count).toBe(bytes.length)
    expect(received.digest()).toEqual(createHash('sha256').update(bytes).digest())
  })

  it('says that it is full while the other side does not read, and when there is room', async () => {
    const [dialing, listening] = await securePair()
    const part = Buffer.alloc(64 * 1024)
    let written = 0
    for (; !dialing.full && written < 1024; written++) {
      dialing.write(part)
      dialing.flush()
      await new Promise(setImmediate)
    }
    expect(dialing.full).toBe(true)
    const drained = Promise.withResolvers<void>()
    dialing.reader = reader({ onDrain: drained.resolve })
    listening.reader = reader({})
    listening.resume()
    await drained.promise
    expect(dialing.full).toBe(false)
    dialing.destroy()
  })

  it('keeps what came before there was a reader, and then says that it is over', async () => {
    const [dialing, listening] = await securePair()
    dialing.write(Buffer.from('last words'))
    dialing.end()
    await new Promise(resolve => setTimeout(resolve, 50))
    const heard: string[] = []
    const closed = Promise.withResolvers<void>()
    listening.reader = {
      onBytes: bytes => heard.push(bytes.toString()),
      onDrain: () => {},
      onEnd: () => heard.push('end'),
      onClose: () => closed.resolve()
    }
    listening.resume()
    await closed.promise
    expect(heard).toEqual(['last words', 'end'])
  })

  it.each([0, 1, 5, 100, Infinity])('begins with %s bytes that came with the negotiation', async together => {
    const [client, accepted] = await tcpPair()
    const raw = SocketDuct.accept(accepted)
    const hello = Buffer.from(`\x13/multistream/1.0.0\n\x0b${TLS}\n`)
    // Sits between, because what we dial with waits for the answer.
    const between = await proxy(client, first => {
      const cut = Math.min(together, first.length)
      return [Buffer.concat([hello, first.subarray(0, cut)]), first.subarray(cut)]
    })
    const initiator = secureTls(between, { role: 'initiator', identity: theirs, signal })
    const agreed = await acceptProtocol(raw, [TLS], signal)
    raw.unshift(agreed.rest)
    const responder = secureTls(raw, { role: 'responder', identity: ours, signal })
    const [dialing, listening] = await Promise.all([initiator, responder])
    expect(dialing.remotePeer.equals(peerIdFromPrivateKey(ourKey))).toBe(true)
    const heard = Promise.withResolvers<string>()
    listening.duct.reader = reader({ onBytes: bytes => heard.resolve(bytes.toString()) })
    listening.duct.resume()
    dialing.duct.write(Buffer.from('hello'))
    expect(await heard.promise).toBe('hello')
    dialing.duct.destroy()
  })
})

describe('refuses', () => {
  it('another peer than was wanted', async () => {
    const [client, accepted] = await tcpPair()
    const listening = secureTls(SocketDuct.accept(accepted), { role: 'responder', identity: ours, signal })
    const duct = await proxy(client, first => [first])
    const remotePeer = peerIdFromPrivateKey(theirKey)
    const dialing = secureTls(duct, { role: 'initiator', identity: theirs, remotePeer, signal })
    await expect(dialing).rejects.toMatchObject({ name: 'UnexpectedPeerError' })
    await listening.then(({ duct }) => duct.destroy()).catch(() => {})
  })

  it('a peer without a certificate', async () => {
    await expect(answered(socket => connectTls({ socket, rejectUnauthorized: false }))).rejects.toThrow(
      'showed no certificate'
    )
  })

  it('a peer with two certificates', async () => {
    const [first, second] = [await createCertificate(theirKey), await createCertificate(theirKey)]
    const context = createSecureContext({ cert: first.cert + second.cert, key: first.key })
    await expect(
      answered(socket => connectTls({ socket, secureContext: context, rejectUnauthorized: false }))
    ).rejects.toThrow('comes with another one')
  })

  it.each<[string, (socket: Socket) => void]>([
    ['TLS 1.2', socket => connectTls({ socket, maxVersion: 'TLSv1.2' }).on('error', () => {})],
    [
      'a protocol of its own',
      socket => connectTls({ socket, ALPNProtocols: ['h2'], rejectUnauthorized: false }).on('error', () => {})
    ],
    ['what is no TLS', socket => socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['half a greeting', socket => socket.end(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))],
    ['nothing', socket => socket.end()],
    ['a reset', socket => socket.resetAndDestroy()]
  ])('%s', async (_, say) => {
    await expect(answered(say)).rejects.toThrow()
  })

  it('one that takes too long, and closes', async () => {
    const controller = new AbortController()
    const [client, accepted] = await tcpPair()
    const closed = once(client.resume(), 'close')
    const listening = secureTls(SocketDuct.accept(accepted), {
      role: 'responder',
      identity: ours,
      signal: controller.signal
    })
    setTimeout(() => controller.abort(new Error('too slow')), 20)
    await expect(listening).rejects.toThrow('too slow')
    await closed
  })

  it('bytes that were changed on their way', async () => {
    const [client, accepted] = await tcpPair()
    const responder = secureTls(SocketDuct.accept(accepted), { role: 'responder', identity: ours, signal })
    const between = await proxy(client, first => [first])
    const initiator = secureTls(between, { role: 'initiator', identity: theirs, signal })
    const [, listening] = await Promise.all([initiator, responder])
    const closed = Promise.withResolvers<Error | undefined>()
    listening.duct.reader = reader({ onClose: closed.resolve })
    listening.duct.resume()
    const record = Buffer.concat([Buffer.from([0x17, 0x03, 0x03, 0x00, 0x20]), randomBytes(32)])
    client.write(record)
    expect(await closed.promise).toBeInstanceOf(Error)
    between.destroy()
    client.destroy()
  })
})

/** What becomes of the responder when a client says that. */
async function answered(say: (socket: Socket) => unknown): Promise<void> {
  const [client, accepted] = await tcpPair()
  client.on('error', () => {})
  const listening = secureTls(SocketDuct.accept(accepted), { role: 'responder', identity: ours, signal })
  say(client)
  try {
    await listening
  } finally {
    client.destroy()
  }
}

/** Sends much both ways at once. */
async function exchange(duct: SecureDuct, connection: Connection): Promise<void> {
  const [down, up] = [randomBytes(1024 * 1024), randomBytes(1024 * 1024)]
  const hash = (parts: Uint8Array[]): string =>
    createHash('sha256').update(Buffer.concat(parts)).digest('hex')
  const arrived = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const fromThem: Buffer[] = []
  const fromUs: Uint8Array[] = []
  connection.addEventListener('message', ({ data }) => {
    fromUs.push(data.subarray())
    if (fromUs.reduce((sum, part) => sum + part.length, 0) >= down.length) answered.resolve()
  })
  duct.reader = reader({
    onBytes: bytes => {
      fromThem.push(Buffer.from(bytes))
      if (fromThem.reduce((sum, part) => sum + part.length, 0) >= up.length) arrived.resolve()
    }
  })
  duct.resume()
  for (let at = 0; at < up.length; at += 65_536) {
    if (!connection.send(up.subarray(at, at + 65_536))) await connection.onDrain()
  }
  await write(duct, down)
  await Promise.all([arrived.promise, answered.promise])
  expect([hash(fromThem), hash(fromUs)]).toEqual([hash([up]), hash([down])])
  const closed = Promise.withResolvers<void>()
  duct.reader = reader({ onClose: () => closed.resolve() })
  await connection.close()
  await closed.promise
}

async function write(duct: SecureDuct, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 50_000) {
    duct.write(bytes.subarray(at, at + 50_000))
    if (at % 3 === 0) duct.flush()
    await new Promise(setImmediate)
  }
}

type Connection = Awaited<ReturnType<ReturnType<ReturnType<typeof tls>>['secureOutbound']>>['connection'] &
  Pick<MultiaddrConnection, 'close' | 'send' | 'onDrain'>

function upstream(early: boolean): ReturnType<ReturnType<typeof tls>> {
  const muxers = new Map([[YAMUX, { protocol: YAMUX } as StreamMuxerFactory]])
  const upgrader = { getStreamMuxers: () => (early ? muxers : new Map<string, StreamMuxerFactory>()) }
  return tls()({ privateKey: theirKey, logger: defaultLogger(), upgrader } as Parameters<
    ReturnType<typeof tls>
  >[0])
}

function overTcp(socket: Socket, direction: 'inbound' | 'outbound'): MultiaddrConnection {
  const connection = toMultiaddrConnection({ socket, direction, log: defaultLogger().forComponent('test') })
  // An accepted one is paused.
  socket.resume()
  return connection
}

function reader(methods: Partial<NonNullable<SecureDuct['reader']>>): NonNullable<SecureDuct['reader']> {
  return { onBytes: () => {}, onDrain: () => {}, onEnd: () => {}, onClose: () => {}, ...methods }
}

async function securePair(
  wrap: (duct: SocketDuct) => RawDuct = duct => duct
): Promise<[SecureDuct, SecureDuct]> {
  const [accepted, duct] = await accepting()
  const [dialing, listening] = await Promise.all([
    secureTls(wrap(duct), { role: 'initiator', identity: theirs, signal }),
    secureTls(wrap(SocketDuct.accept(accepted)), { role: 'responder', identity: ours, signal })
  ])
  return [dialing.duct, listening.duct]
}

/** The same duct, so that nobody finds its socket. */
function noSocket(duct: SocketDuct): RawDuct {
  return {
    headroom: 0,
    get reader() {
      return duct.reader
    },
    set reader(reader) {
      duct.reader = reader
    },
    get full() {
      return duct.full
    },
    send: (...args) => duct.send(...args),
    unshift: bytes => duct.unshift(bytes),
    pause: () => duct.pause(),
    resume: () => duct.resume(),
    end: () => duct.end(),
    destroy: error => duct.destroy(error)
  }
}

/** A client's socket, and the one that was accepted of it. */
async function tcpPair(): Promise<[Socket, Socket]> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  return [client, (await accepted)[0]]
}

/** A duct that dials, and the accepted socket of it. */
async function accepting(): Promise<[Socket, SocketDuct]> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const duct = SocketDuct.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  if (duct.socket.connecting) await once(duct.socket, 'connect')
  return [(await accepted)[0], duct]
}

/** A duct to dial with, whose first bytes are sent to the socket cut as `cut` says, apart from each other. */
async function proxy(to: Socket, cut: (first: Buffer) => Buffer[]): Promise<SocketDuct> {
  const [accepted, duct] = await accepting()
  const isNegotiated = cut(Buffer.from('?')).length > 1
  accepted.once('data', (first: Buffer) => {
    accepted.pause()
    void (async () => {
      for (const part of cut(first)) {
        to.write(part)
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      accepted.pipe(to)
    })()
  })
  let answer = isNegotiated ? 20 + 12 : 0
  to.on('data', (bytes: Buffer) => {
    const part = bytes.subarray(Math.min(answer, bytes.length))
    answer -= bytes.length - part.length
    accepted.write(part)
  })
  to.on('close', () => accepted.destroy())
  accepted.on('close', () => to.destroy())
  accepted.on('error', () => {})
  to.on('error', () => {})
  accepted.resume()
  return duct
}
