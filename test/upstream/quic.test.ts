import { existsSync, readFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { quic } from '@chainsafe/libp2p-quic'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import {
  loadNativeQuic,
  type NativeConfigured,
  type NativeConnection,
  type NativeServer
} from '../../app/main/relay/quic/native.ts'
import { sleep, until } from '../support/until.ts'

/** Why app/main/relay/quic is ours, and what it works around. A failure says: look there again. */

const native = await loadNativeQuic()
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('the package', () => {
  it('exports only its transport, and carries the engine in napi.js (native.ts: loadNativeQuic)', () => {
    const entry = new URL(import.meta.resolve('@chainsafe/libp2p-quic'))
    const manifest = new URL('../../package.json', entry)
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports: object }
    expect(Object.keys(exports)).toEqual(['.'])
    expect(existsSync(fileURLToPath(new URL('./napi.js', entry)))).toBe(true)
    expect([native.QuinnConfig, native.Server, native.Client].map(part => typeof part)).toEqual(
      Array(3).fill('function')
    )
  })
})

describe('its stream', () => {
  /** Both ends of a stream between two stock nodes. */
  async function streamPair(): Promise<{ writer: Stream; reader: Stream }> {
    const node = (): Promise<Libp2p> =>
      createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1'] }, transports: [quic()] })
    const [dialer, listener] = await Promise.all([node(), node()])
    ends.push(async () => Promise.all([dialer.stop(), listener.stop()]))
    const arrived = Promise.withResolvers<Stream>()
    await listener.handle('/pin', stream => arrived.resolve(stream))
    const writer = await dialer.dialProtocol(listener.getMultiaddrs(), '/pin')
    return { writer, reader: await arrived.promise }
  }

  it('reads on while it is paused, until it is reset (stream.ts: sendPause)', async () => {
    const { writer, reader } = await streamPair()
    reader.addEventListener('message', () => {})
    reader.pause()
    writer.send(new Uint8Array(8 * 1024 * 1024))
    await until('its read buffer is full', () => reader.status === 'aborted', 10)
  })

  it('takes a reset for an end (stream.ts: #failed)', async () => {
    const { writer, reader } = await streamPair()
    let isEnd = false
    reader.addEventListener('message', () => {})
    reader.addEventListener('end', () => (isEnd = true))
    writer.send(new Uint8Array(1))
    await sleep(100)
    writer.abort(new Error('enough'))
    await until('the end comes', () => isEnd, 5)
    expect(reader.status).not.toBe('reset')
  })
})

describe('the engine', () => {
  async function config(streamsAllowed = 8): Promise<NativeConfigured> {
    return new native.QuinnConfig({
      privateKeyProto: privateKeyToProtobuf(await generateKeyPair('Ed25519')),
      handshakeTimeout: 1000,
      maxIdleTimeout: 15_000,
      keepAliveInterval: 5_000,
      maxConcurrentStreamLimit: streamsAllowed,
      maxStreamData: 65_536,
      maxConnectionData: 2 ** 20,
      receiveBufferSize: 500_000,
      sendBufferSize: 500_000
    })
  }

  async function server(): Promise<NativeServer> {
    const listening = new native.Server(await config(), '127.0.0.1', 0)
    ends.push(() => listening.abort())
    return listening
  }

  /** A client's connection, and the server's end of it. */
  async function connected(streamsAllowed?: number): Promise<[NativeConnection, NativeConnection]> {
    const listening = await server()
    const accepted = listening.inboundConnection()
    const client = new native.Client(await config(streamsAllowed), 0)
    ends.push(() => client.abort())
    return [await client.outboundConnection('127.0.0.1', listening.port()), await accepted]
  }

  async function isSettled(promise: Promise<unknown>): Promise<boolean> {
    const done = promise.then(() => true)
    return Promise.race([done, sleep(500).then(() => false)])
  }

  it('accepts one handshake an accept, however long it takes (accepts.ts)', async () => {
    const listening = await server()
    const hole = createSocket('udp4')
    ends.push(() => hole.close())
    await new Promise<void>(bound => hole.bind(0, '127.0.0.1', bound))
    const seen = Promise.withResolvers<void>()
    hole.on('message', (datagram, from) => {
      if (from.port === listening.port()) return seen.resolve()
      hole.send(datagram, listening.port(), '127.0.0.1')
    })
    const accepted = listening.inboundConnection().catch(() => {})
    const client = new native.Client(await config(), 0)
    ends.push(() => client.abort())
    client.outboundConnection('127.0.0.1', hole.address().port).catch(() => {})
    await seen.promise
    // Longer than the timeout it was given, which it ignores.
    await sleep(1500)
    expect(listening.stats().acceptedHandshakes).toBe(1)
    const honest = client.outboundConnection('127.0.0.1', listening.port()).catch(() => {})
    expect(await isSettled(honest)).toBe(false)
    expect(listening.stats().acceptedHandshakes).toBe(1)
    expect(await isSettled(accepted)).toBe(false)
    void listening.inboundConnection().catch(() => {})
    await honest
  })

  it('gives bytes in memory of their own, which can be freed at once (stream.ts: #received)', async () => {
    const [client, ours] = await connected()
    const theirs = await client.outboundStream()
    await theirs.write(new Uint8Array(100))
    const read = await (await ours.inboundStream()).read(1000)
    const buffer = read?.buffer as ArrayBuffer
    expect(buffer.byteLength).toBe(100)
    buffer.transfer(0)
    expect(read?.byteLength).toBe(0)
  })

  it('resets no stream whose write waits, and stops none whose read does (connection.ts: #watched)', async () => {
    const [client, ours] = await connected()
    const theirs = await client.outboundStream()
    await theirs.write(Uint8Array.of(1))
    const stream = await ours.inboundStream()
    await stream.read(1)
    void stream.read(1).catch(() => {})
    void stream.write(new Uint8Array(2 ** 20)).catch(() => {})
    await sleep(100)
    expect(await isSettled(stream.resetWrite())).toBe(false)
    expect(await isSettled(stream.stopRead())).toBe(false)
  })

  it('waits for ever to open a stream that its peer does not allow (connection.ts: onCreateStream)', async () => {
    const [, ours] = await connected(0)
    expect(await isSettled(ours.outboundStream().catch(() => {}))).toBe(false)
  })
})
