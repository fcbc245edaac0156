import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createSocket } from 'node:dgram'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateIn } from '../../app/main/relay/webrtc/certificate.ts'
import {
  circuitAddress,
  createListener,
  createPlainClient,
  dialThrough,
  exchange,
  reserve,
  send,
  type Client
} from '../support/clients.ts'
import { openPair, RawPeer } from '../support/raw.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

const WEBRTC = { 'webrtcDirect.enabled': true, 'ws.enabled': false, 'quic.enabled': false } as const
const transports = [webRTCDirect(), tcp(), circuitRelayTransport()]

const client = (): Promise<Client> => createPlainClient({ options: { transports } })
const listener = (address: string): Promise<Client> => createListener(address, { options: { transports } })

async function startWebRtc(settings: Parameters<typeof startRelay>[0] = {}): Promise<TestRelay> {
  return startRelay({ ...WEBRTC, ...settings })
}

describe.each(['fast', 'upstream'] as const)('over WebRTC-direct, on the %s data path', dataPath => {
  let relay: TestRelay
  beforeAll(async () => void (relay = await startWebRtc({ 'relay.dataPath': dataPath })))
  afterAll(async () => relay[Symbol.asyncDispose]())

  it('a circuit carries bytes both ways, unchanged, and closes', async () => {
    await using target = await listener(relay.address('webrtc'))
    await using source = await client()
    const stream = await dialThrough(source, relay.address('webrtc'), target)

    expect(await exchange(stream, 1024 * 1024)).toBe(true)

    await stream.close()
    await source.hangUp(target.peerId)
    await until('the circuit has ended', () => eventsOf(relay, 'circuit-closed').length > 0)
    const [end] = eventsOf(relay, 'circuit-closed')
    expect(end).toMatchObject({ target: target.peerId.toString() })
    expect(end!.bytesToTarget).toBeGreaterThan(1024 * 1024)
  })

  it('a client meets one that came by TCP', async () => {
    await using target = await listener(relay.address('tcp'))
    await using source = await client()
    const stream = await dialThrough(source, relay.address('webrtc'), target)
    expect(await exchange(stream, 256 * 1024)).toBe(true)
    expect(relay.node.connectionsByTransport()).toEqual({ tcp: 1, 'webrtc-direct': 1 })
  })
})

it('a reader that stays too far behind ends the circuit, and nothing else: its sender cannot be stopped', async () => {
  await using relay = await startWebRtc()
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('webrtc'), {
    options: { transports: [webRTCDirect()] }
  })
  const [end, other] = await openPair(relay, source, target)
  other.stream.pause()

  await send(end.stream, new Uint8Array(40 * 1024 * 1024)).catch(() => {})

  await until('the circuit has ended', () => eventsOf(relay, 'circuit-closed').length > 0, 20)
  expect(eventsOf(relay, 'circuit-closed')[0]).toMatchObject({ reason: 'reader-behind' })
  expect(source.connection.status).toBe('open')
  expect((await source.reserve()).status).toBe(100)
})

it('a reader that is slower than its sender gets all of it', async () => {
  await using relay = await startWebRtc({ 'relay.rate.perCircuitBytesPerSecond': 3_000_000 })
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('webrtc'), {
    options: { transports: [webRTCDirect()] }
  })
  const [end, other] = await openPair(relay, source, target)
  // More than one stream may hold by itself.
  const bytes = 8 * 1024 * 1024
  await send(end.stream, new Uint8Array(bytes))
  await until('all of it arrives', () => other.bytes >= bytes, 20)
  expect(eventsOf(relay, 'circuit-closed')).toEqual([])
})

it('clients that come and go leave nothing behind', async () => {
  await using relay = await startWebRtc()
  const address = multiaddr(relay.address('webrtc'))
  for (let round = 0; round < 5; round++) {
    const clients = await Promise.all(Array.from({ length: 5 }, () => client()))
    for (const each of clients) expect((await reserve(await each.dial(address))).status).toBe(100)
    expect(relay.node.relay.reservations.size).toBe(5)
    await Promise.all(clients.map(async each => each.stop()))
    await until('they have gone', () => relay.node.connectedPeers === 0, 20)
    expect(relay.node.relay.reservations.size).toBe(0)
  }
})

it('limits by address and the access rules hold', async () => {
  await using relay = await startWebRtc({ 'relay.reservations.perIp': 1 })
  const ask = async (peer: Client): Promise<unknown> => {
    const connection = await peer.dial(multiaddr(relay.address('webrtc')))
    const { status } = await reserve(connection)
    return [status, eventsOf(relay, 'request-denied').at(-1)?.reason]
  }
  await using first = await client()
  await using second = await client()
  expect(await ask(first)).toEqual([100, undefined])
  expect(await ask(second)).toEqual([200, 'per-ip-full'])
  relay.change({ 'relay.reservations.perIp': 0, 'access.deny': [second.peerId.toString()] })
  expect(await ask(second)).toEqual([202, 'denied'])
  relay.change({ 'relay.reservations.perIp': 0, 'access.deny': ['127.0.0.0/8'] })
  expect(await ask(first)).toEqual([202, 'denied'])
  expect(eventsOf(relay, 'request-denied').map(({ ip }) => ip)).toEqual(Array(3).fill('127.0.0.1'))
})

it('one address opens so many connections a second', async () => {
  await using relay = await startWebRtc({ 'connections.total': 4 })
  const address = multiaddr(relay.address('webrtc'))
  const clients = await Promise.all(Array.from({ length: 8 }, () => client()))
  const dials = clients.map(each => each.dial(address, { signal: AbortSignal.timeout(2000) }))
  const results = await Promise.allSettled(dials)
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(4)
  await Promise.all(clients.map(async each => each.stop()))
})

it('a client with another certificate hash in mind is not let in by mistake', async () => {
  await using relay = await startWebRtc()
  await using other = await startWebRtc()
  const hash = /certhash\/([^/]+)/
  const [, wrong = ''] = hash.exec(other.address('webrtc')) ?? []
  await using source = await client()
  const address = relay.address('webrtc').replace(hash, `certhash/${wrong}`)
  await expect(source.dial(multiaddr(address), { signal: AbortSignal.timeout(3000) })).rejects.toThrow()
  expect(relay.node.connectedPeers).toBe(0)
})

/** A client's first request, by that name. */
function stun(username: string): Buffer {
  const name = Buffer.from(username)
  const padded = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4)])
  const attributes = Buffer.concat([
    Buffer.from([0, 6, 0, name.length]),
    padded,
    Buffer.from([0, 8, 0, 20]),
    Buffer.alloc(20)
  ])
  const head = Buffer.alloc(20)
  head.writeUInt16BE(1, 0)
  head.writeUInt16BE(attributes.length, 2)
  head.writeUInt32BE(0x2112a442, 4)
  return Buffer.concat([head, attributes])
}

it('who begins handshakes and does not go on keeps others neither from WebRTC nor from TCP', async () => {
  // The same address has so many a second.
  await using relay = await startWebRtc({ 'relay.reservations.perIp': 100 })
  const port = Number(relay.address('webrtc').split('/')[4])
  const ask = async (from: string): Promise<void> => {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => socket.bind(0, from, resolve))
    for (let i = 0; i < 500; i++) {
      const name = `libp2p+webrtc+v1/${String(i).padStart(32, 'x')}`
      socket.send(stun(`${name}:${name}`), port, '127.0.0.1')
      if (i % 50 === 0) await sleep(5)
    }
    socket.close()
  }
  await using source = await client()
  await ask('127.0.0.2')
  const connection = await source.dial(multiaddr(relay.address('webrtc')))
  expect(connection.status).toBe('open')
  await connection.close()
  await ask('127.0.0.1')
  expect((await source.dial(multiaddr(relay.address('tcp')))).status).toBe('open')
})

it('what is no request of a client changes nothing', async () => {
  await using relay = await startWebRtc()
  const port = Number(relay.address('webrtc').split('/')[4])
  const socket = createSocket('udp4')
  const strange = [
    '',
    ':',
    'a:b',
    'libp2p+webrtc+v1/x:libp2p+webrtc+v1/x',
    `${'y'.repeat(120)}:${'y'.repeat(120)}`,
    'libp2p+webrtc+v1/\r\na=x:libp2p+webrtc+v1/\r\na=x'
  ]
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(1400, 7), ...strange.map(stun)])
    socket.send(bytes, port, '127.0.0.1')
  await sleep(200)
  socket.close()
  await using source = await client()
  expect((await source.dial(multiaddr(relay.address('webrtc')))).status).toBe('open')
})

it('a node that is started again listens on the same port, by the same address', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'waystation-webrtc-'))
  try {
    const first = await startRelay({ ...WEBRTC }, { dataDir: folder })
    const address = first.address('webrtc')
    const port = Number(address.split('/')[4])
    await first[Symbol.asyncDispose]()
    await using again = await startRelay({ ...WEBRTC, 'webrtcDirect.port': port }, { dataDir: folder })
    expect(again.warnings).toEqual([])
    expect(again.address('webrtc').split('/p2p/')[0]).toBe(address.split('/p2p/')[0])
    await using source = await client()
    expect((await source.dial(multiaddr(again.address('webrtc')))).status).toBe('open')
    expect((await stat(path.join(folder, 'webrtc-direct.pem'))).mode & 0o777).toBe(0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('a certificate that cannot be used is replaced, and that is said', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'waystation-webrtc-'))
  try {
    const warnings: string[] = []
    const warn = (sentence: string): void => void warnings.push(sentence)
    const first = await certificateIn(folder, warn)
    expect((await certificateIn(folder, warn)).certhash).toBe(first.certhash)
    expect(warnings).toEqual([])
    await writeFile(path.join(folder, 'webrtc-direct.pem'), 'damaged')
    const second = await certificateIn(folder, warn)
    expect(second.certhash).not.toBe(first.certhash)
    expect(warnings).toEqual([expect.stringContaining('addresses have changed')])
    expect((await certificateIn(folder, warn)).certhash).toBe(second.certhash)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('a port that another program has is named', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  await using relay = await startWebRtc({ 'webrtcDirect.port': socket.address().port })
  expect(relay.warnings).toEqual([
    expect.stringMatching(/WebRTC-direct \(UDP\) port \d+ .*--webrtc-direct-port/)
  ])
  socket.close()
})

it('WebRTC signalling of browsers passes through a circuit', async () => {
  await using relay = await startWebRtc()
  await using target = await listener(relay.address('webrtc'))
  await using source = await client()
  await target.handle('/webrtc-signaling/0.0.1', stream => void stream.close(), {
    runOnLimitedConnection: true
  })
  const address = multiaddr(circuitAddress(relay.address('webrtc'), target))
  const stream = await source.dialProtocol(address, '/webrtc-signaling/0.0.1', {
    runOnLimitedConnection: true
  })
  expect(stream.protocol).toBe('/webrtc-signaling/0.0.1')
})
