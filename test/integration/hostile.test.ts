import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { describe, expect, it } from 'vitest'
import { Status, StopMessage, StopType } from '../../app/main/relay/circuit/pb/messages.ts'
import {
  loadNativeQuic,
  type NativeClient,
  type NativeConfig,
  type NativeQuic
} from '../../app/main/relay/quic/native.ts'
import { quicTransport } from '../../app/main/relay/quic/transport.ts'
import { LiveStreams } from '../support/live-streams.ts'
import { lose } from '../support/lose.ts'
import { hopFrames, openPair, RawPeer, type RawPeerOptions, type StopAnswer } from '../support/raw.ts'
import { eventsOf, KINDS, startRelay, type Kind } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'
import { WatchedRelay, type Vitals } from '../support/watched-relay.ts'

/** Peers that mean harm, or are broken enough to do some: others must not notice. */

const MiB = 1024 * 1024
const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const streams = new LiveStreams()
const native = await loadNativeQuic()

const portOf = (address: string): number => Number(address.split('/')[4])
const line = (text: string): string => `${String.fromCharCode(text.length + 1)}${text}\n`
const STALLING = {
  noise: line('/multistream/1.0.0') + line('/noise'),
  tls: line('/multistream/1.0.0') + line('/tls/1.0.0')
}
const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** Peers whose QUIC streams keep to pauses and tell resets from ends, which the stock ones do not. */
function exact(streamsAllowed = 1024): RawPeerOptions {
  class QuinnConfig {
    constructor(config: NativeConfig) {
      return new native.QuinnConfig({ ...config, maxConcurrentStreamLimit: streamsAllowed })
    }
  }
  const engine = { ...native, QuinnConfig } as unknown as NativeQuic
  const quic = quicTransport({ native: engine, streamWindowBytes: 262_144 })
  return { options: { transports: [tcp(), webSockets(), quic] } }
}

/** A target that takes a circuit and never reads from it. */
const takeAndStall: StopAnswer = async (_, frames) => {
  await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
  frames.unwrap().pause()
}

async function quicClient(): Promise<NativeClient> {
  const config = new native.QuinnConfig({
    privateKeyProto: privateKeyToProtobuf(await generateKeyPair('Ed25519')),
    handshakeTimeout: 10_000,
    maxIdleTimeout: 15_000,
    keepAliveInterval: 5_000,
    maxConcurrentStreamLimit: 8,
    maxStreamData: 262_144,
    maxConnectionData: 2 ** 24,
    receiveBufferSize: 500_000,
    sendBufferSize: 500_000
  })
  return new native.Client(config, 0)
}

/** How long an honest client takes to connect and reserve, in milliseconds. */
async function honest(address: string): Promise<number> {
  const begun = performance.now()
  await using peer = await RawPeer.reserved(address)
  expect(peer.connection.status).toBe('open')
  return performance.now() - begun
}

async function tcpSockets(port: number, count: number, greeting: string | Uint8Array): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connectTcp(port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      if (greeting.length > 0) socket.write(greeting)
      return socket
    })
  )
}

/** QUIC handshakes whose answers are lost: each stays half-open until its server gives it up. */
async function halfOpenQuic(port: number, count: number): Promise<{ end(): void }> {
  const hole = createSocket('udp4')
  let seen = 0
  hole.on('message', (datagram, from) => {
    // The relay's answers end here.
    if (from.port === port) return
    seen++
    hole.send(datagram, port, '127.0.0.1')
  })
  await new Promise<void>(listening => hole.bind(0, '127.0.0.1', listening))
  const client = await quicClient()
  // A few at a time: a burst would be lost in the sockets' buffers.
  for (let i = 0; i < count; i++) {
    client.outboundConnection('127.0.0.1', hole.address().port).catch(() => {})
    if (i % 10 === 9) await sleep(20)
  }
  await until('the handshakes are under way', () => seen >= count)
  return {
    end() {
      client.abort()
      hole.close()
    }
  }
}

describe('who does not finish a handshake', () => {
  it('holds up nobody on QUIC, with 300 half open', async () => {
    await using relay = await startRelay()
    const attack = await halfOpenQuic(portOf(relay.address('quic')), 300)
    await sleep(300)
    for (const kind of KINDS) expect(await honest(relay.address(kind)), kind).toBeLessThan(3000)
    attack.end()
  })

  it.each<[string, Kind, string]>([
    ['says nothing', 'tcp', ''],
    ['stalls before noise', 'tcp', STALLING.noise],
    ['stalls before TLS', 'tcp', STALLING.tls],
    ['says nothing', 'ws', ''],
    ['stalls in its headers', 'ws', UPGRADE.slice(0, 40)],
    ['stalls after the upgrade', 'ws', UPGRADE]
  ])('who %s on %s holds up nobody, nor the stop, 300 times', async (_, kind, greeting) => {
    await using relay = await startRelay()
    const sockets = await tcpSockets(portOf(relay.address(kind)), 300, greeting)
    await sleep(200)
    expect(await honest(relay.address(kind))).toBeLessThan(8000)
    const begun = performance.now()
    await relay.node.stop()
    expect(performance.now() - begun).toBeLessThan(8000)
    for (const socket of sockets) socket.destroy()
  })

  it('cannot end the process with what it sends', async () => {
    await using relay = await WatchedRelay.start()
    for (const kind of ['tcp', 'ws'] as const) {
      for (const greeting of ['', STALLING.noise, UPGRADE]) {
        const sockets = await Promise.all(
          Array.from({ length: 20 }, async () =>
            tcpSockets(relay.port(kind), 1, Buffer.concat([Buffer.from(greeting), randomBytes(500)]))
          )
        )
        await sleep(50)
        for (const [socket] of sockets) socket?.resetAndDestroy()
      }
    }
    // A frame with bits that mean nothing, one unmasked, one of 2 MiB.
    for (const frame of ['ff8101020304ff', '82027878', '82ff0000000000200000']) {
      const [socket] = await tcpSockets(relay.port('ws'), 1, UPGRADE)
      if (socket === undefined) throw new Error('no socket')
      await once(socket, 'data')
      socket.write(Buffer.from(frame, 'hex'))
      await once(socket, 'close')
    }
    const udp = createSocket('udp4')
    for (let i = 0; i < 200; i++) udp.send(randomBytes(1200), relay.port('quic'), '127.0.0.1')
    await sleep(100)
    udp.close()
    for (const kind of KINDS) expect(await honest(relay.address(kind)), kind).toBeLessThan(3000)
  })
})

describe.each(KINDS)('on %s', kind => {
  it('bounds the requests of one connection, and serves others meanwhile', async () => {
    await using relay = await startRelay()
    await using greedy = await RawPeer.create(relay.address(kind), exact())
    let most = 0
    const look = setInterval(() => (most = Math.max(most, streams.ofRelay.length)), 5)
    const options = { maxOutboundStreams: Infinity, signal: AbortSignal.timeout(4000) }
    const flood = Promise.allSettled(
      Array.from({ length: 3000 }, () => greedy.connection.newStream(HOP, options))
    )
    await sleep(20)
    expect(await honest(relay.address(kind))).toBeLessThan(5000)
    await flood
    clearInterval(look)
    // Those over the bound are there for a moment, until they are reset.
    expect(most).toBeLessThan(600)
    await until('only the pending are left', () => streams.ofRelay.length <= 256)
    lose(greedy.connection)
    await until('all are free', () => streams.ofRelay.length === 0)
  })

  it('hands a reset on as a reset, whatever was sent before', async () => {
    await using relay = await startRelay()
    await using source = await RawPeer.create(relay.address(kind), exact())
    await using target = await RawPeer.reserved(relay.address(kind), exact())
    const [end, other] = await openPair(relay, source, target)
    end.sendBytes(100_000)
    await other.receives(1)
    end.stream.abort(new Error('enough'))
    await until('the target knows', () => !other.isOpen)
    expect(other.stream.status).toBe('reset')
    await until('the circuit ends', () => eventsOf(relay, 'circuit-closed').length === 1)
    expect(eventsOf(relay, 'circuit-closed')[0]?.reason).toBe('reset')
  })

  it('never takes a lost connection for an end', async () => {
    await using relay = await startRelay()
    await using source = await RawPeer.create(relay.address(kind), exact())
    await using target = await RawPeer.reserved(relay.address(kind), exact())
    const [end, other] = await openPair(relay, source, target)
    end.sendBytes(100_000)
    await other.receives(1)
    lose(source.connection)
    await until('the target knows', () => !other.isOpen)
    expect(other.stream.status).toBe('reset')
    await until('the circuit ends', () => relay.node.relay.circuits.size === 0)
    expect(eventsOf(relay, 'circuit-closed')[0]?.reason).toMatch(/reset|peer-gone/)
  })

  it('notices that a source it has stopped reading gives up, though the target never reads', async () => {
    await using relay = await startRelay()
    await using source = await RawPeer.create(relay.address(kind), exact())
    await using target = await RawPeer.reserved(relay.address(kind), { ...exact(), answer: takeAndStall })
    const end = await source.open(target)
    // More than the target takes, and no more than the relay's window: a QUIC peer whose write waits cannot
    // say that it gives up.
    const writes = kind === 'quic' ? 13 : 7
    for (let sent = 0; sent < writes; sent++) end.sendBytes(65_536)
    await until('all has left the source', () => !end.stream.writableNeedsDrain)
    expect(relay.node.relay.circuits.size).toBe(1)
    end.stream.abort(new Error('enough'))
    await until('the slot is free', () => relay.node.relay.circuits.size === 0, 4)
    expect((await target.reserve()).status).toBe(Status.OK)
    expect((await source.connect(target)).status).toBe(Status.OK)
  })
})

it('frees the socket of a WebSocket connection that it aborts, though its peer keeps it', async () => {
  await using relay = await startRelay()
  await using peer = await RawPeer.create(relay.address('ws'))
  // A frame of a type that does not exist: the relay's muxer aborts the connection.
  const { muxer } = peer.connection as unknown as { muxer: { sendFrame(header: object): void } }
  muxer.sendFrame({ type: 9, flag: 0, streamID: 0, length: 0 })
  await until('the peer has lost it', () => peer.connection.status !== 'open', 3)
})

describe.concurrent('in time', () => {
  it('drops who says nothing on the WebSocket port, after 10 s', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('ws'))
    const port = portOf(relay.address('ws'))
    const sockets = [...(await tcpSockets(port, 1, '')), ...(await tcpSockets(port, 1, UPGRADE.slice(0, 40)))]
    await Promise.all(sockets.map(socket => once(socket.resume(), 'close')))
    expect(peer.connection.status).toBe('open')
    expect((await peer.reserve()).status).toBe(Status.OK)
  })

  it('answers 203 for a QUIC target that allows no stream, after 15 s', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('quic'), exact(0))
    await using source = await RawPeer.create(relay.address('tcp'))
    expect((await source.connect(target)).status).toBe(Status.CONNECTION_FAILED)
    expect(relay.node.relay.circuits.size).toBe(0)
  })

  it('parts with a QUIC peer that leaves many ended streams unread, after 10 s', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('quic'), { ...exact(), answer: takeAndStall })
    await using source = await RawPeer.create(relay.address('tcp'))
    const ends = await Promise.all(Array.from({ length: 80 }, () => source.open(target)))
    for (const end of ends) end.sendBytes(MiB)
    // A window less the yamux header that a stock writer keeps free; of QUIC's, the STOP has taken some.
    const { circuits } = relay.node.relay
    await until('all are stuck', () => [...circuits.running].every(c => c.splice.bytesToTarget > 262_100), 60)
    await sleep(500)
    for (const end of ends) end.stream.abort(new Error('enough'))
    await until('the slots are free', () => circuits.size === 0)
    expect(target.connection.status).toBe('open')
    await until('the target has lost its connection', () => target.connection.status !== 'open', 25)
  })

  it.each(KINDS)('frees everything when 300 connections come and go on %s', async kind => {
    await using relay = await WatchedRelay.start()
    const round = async (): Promise<void> => {
      await using peer = await RawPeer.create(relay.address(kind))
      await peer.reserve()
      const left = await hopFrames(peer.connection)
      left.unwrap().send(Uint8Array.of(10))
    }
    const rounds = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 4) await Promise.all([round(), round(), round(), round()])
    }
    await rounds(100)
    const before = await relay.settled(({ peers }) => peers === 0)
    await rounds(200)
    const free = { circuits: 0, reservations: 0, streams: 0, inboundStreams: 0, peers: 0 }
    expect(await relay.settled(({ peers }) => peers === 0)).toMatchObject(free)
    // Timeouts of requests and of handshakes hold on to theirs until they have passed.
    const isLevel = ({ heapUsed }: Vitals): boolean => heapUsed - before.heapUsed < 4 * MiB
    const after = await relay.settled(isLevel, 25)
    expect((after.heapUsed - before.heapUsed) / MiB).toBeLessThan(4)
    expect(after.resources).toBeLessThanOrEqual(before.resources + 5)
    // The system's allocator, under QUIC's threads, levels out at about 200 MiB after a thousand.
    expect((after.rss - before.rss) / MiB).toBeLessThan(150)
  })
})
