import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey, SecuredConnection, Upgrader } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import type { NoiseCrypto } from '../../../../../app/main/relay/fast/noise/crypto.ts'
import { loadNode, loadSodium, loadWasm } from '../../../../../app/main/relay/fast/noise/load-crypto.ts'
import { Handshake } from '../../../../../app/main/relay/fast/noise/handshake.ts'
import { payloadCodec } from '../../../../../app/main/relay/fast/noise/payload.ts'
import {
  noiseIdentity,
  secureNoise,
  type NoiseSecured,
  type SecureNoiseInit
} from '../../../../../app/main/relay/fast/noise/secure.ts'
import { libp2pLogger } from '../../../../../app/main/relay/quiet-logger.ts'
import { DuctStream, RawMemoryDuct, Recorder, turn, until } from './raw-memory-duct.ts'

const YAMUX = '/yamux/1.0.0'
const MPLEX = '/mplex/6.7.0'
const never = new AbortController().signal
const sodium = await loadSodium()
const [ourKey, theirKey] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
const ourPeer = peerIdFromPrivateKey(ourKey)
const theirPeer = peerIdFromPrivateKey(theirKey)

type Role = SecureNoiseInit['role']
const other = { initiator: 'responder', responder: 'initiator' } as const

async function ours(
  raw: RawMemoryDuct,
  role: Role,
  init: Partial<SecureNoiseInit> & { key?: PrivateKey; crypto?: NoiseCrypto } = {}
): Promise<NoiseSecured> {
  const identity = await noiseIdentity(init.key ?? ourKey, init.crypto ?? sodium)
  return secureNoise(raw, { role, identity, muxers: [YAMUX], signal: never, ...init })
}

/** The other end, by libp2p's own Noise. */
async function upstreams(
  raw: RawMemoryDuct,
  role: Role,
  { muxers = [YAMUX], privateKey = theirKey }: { muxers?: string[]; privateKey?: PrivateKey } = {}
): Promise<SecuredConnection> {
  // Of the upgrader only the names of the muxers are looked at.
  const upgrader = {
    getStreamMuxers: () => new Map(muxers.map(protocol => [protocol, { protocol }]))
  } as unknown as Upgrader
  const peerId = peerIdFromPrivateKey(theirKey)
  const encrypter = noise()({ peerId, privateKey, logger: libp2pLogger(undefined), upgrader })
  const direction = role === 'initiator' ? 'outbound' : 'inbound'
  const stream = new DuctStream(raw, direction)
  return role === 'initiator' ? encrypter.secureOutbound(stream) : encrypter.secureInbound(stream)
}

function read({ duct }: NoiseSecured): Recorder {
  const reader = new Recorder()
  duct.reader = reader
  duct.resume()
  return reader
}

/** A handshake by hand, up to the message that proves who this is. */
async function proveBy(raw: RawMemoryDuct, role: Role, payload: (staticKey: Buffer) => Promise<Uint8Array>) {
  const staticKey = sodium.keyPair()
  const handshake = new Handshake({ role, crypto: sodium, staticKey })
  const reader = new Recorder()
  raw.reader = reader
  raw.resume()
  const send = (message: Buffer): void => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.byteLength)
    raw.peer.put(Buffer.concat([length, message]))
  }
  if (role === 'initiator') send(handshake.write())
  await until(() => reader.bytes.byteLength > 2 || reader.closes > 0)
  if (reader.closes > 0) return
  handshake.read(reader.bytes.subarray(2))
  send(handshake.write(await payload(staticKey.publicKey)))
}

const signedBy = async (key: PrivateKey, staticKey: Buffer): Promise<Uint8Array> =>
  key.sign(Buffer.concat([Buffer.from('noise-libp2p-static-key:'), staticKey]))

describe.each([
  ['sodium', loadSodium],
  ['node', loadNode],
  ['wasm', loadWasm]
])("against libp2p's own Noise, by %s", (_, load) => {
  it.each(['initiator', 'responder'] as const)('carries bytes both ways as %s', async role => {
    const [a, b] = RawMemoryDuct.pair()
    for (const raw of [a, b]) raw.pieceBytes = () => 1 + Math.floor(Math.random() * 100_000)
    const [fast, upstream] = await Promise.all([
      ours(a, role, { crypto: await load() }),
      upstreams(b, other[role])
    ])
    expect(fast.remotePeer.equals(theirPeer)).toBe(true)
    expect(upstream.remotePeer.equals(ourPeer)).toBe(true)
    expect([fast.muxer, upstream.streamMuxer?.protocol]).toEqual([YAMUX, YAMUX])

    const reader = read(fast)
    const got: Uint8Array[] = []
    upstream.connection.addEventListener('message', event => got.push(event.data.subarray()))
    const writes = [1, 100, 65_518, 65_519, 65_520, 200_000].map(length => Buffer.alloc(length, length % 255))
    for (const bytes of writes) {
      fast.duct.write(bytes)
      upstream.connection.send(bytes)
    }
    const all = Buffer.concat(writes)
    await until(() => reader.bytes.byteLength >= all.byteLength)
    await until(() => got.reduce((sum, bytes) => sum + bytes.byteLength, 0) >= all.byteLength)
    expect(reader.bytes.equals(all)).toBe(true)
    expect(Buffer.concat(got).equals(all)).toBe(true)
  })
})

describe("with libp2p's own Noise", () => {
  it.each(['initiator', 'responder'] as const)('agrees on the muxer both have, as %s', async role => {
    for (const [our, their, agreed] of [
      [[YAMUX, MPLEX], [MPLEX], MPLEX],
      [[], [YAMUX], undefined]
    ] as const) {
      const [a, b] = RawMemoryDuct.pair()
      const [fast, upstream] = await Promise.all([
        ours(a, role, { muxers: our }),
        upstreams(b, other[role], { muxers: [...their] })
      ])
      expect([fast.muxer, upstream.streamMuxer?.protocol]).toEqual([agreed, agreed])
    }
  })

  it.each(['initiator', 'responder'] as const)(
    'ends it where they have no muxer in common, as %s',
    async role => {
      const [a, b] = RawMemoryDuct.pair()
      const upstream = upstreams(b, other[role], { muxers: [MPLEX] }).catch((error: unknown) => error)
      await expect(ours(a, role)).rejects.toThrow('no muxer that we have')
      expect(await upstream).toBeInstanceOf(Error)
      expect(a.isOver).toBe(true)
    }
  )

  it.each(['RSA', 'secp256k1'] as const)('knows peers with a key of %s', async type => {
    const key = await generateKeyPair(type)
    for (const role of ['initiator', 'responder'] as const) {
      const [a, b] = RawMemoryDuct.pair()
      const [fast, upstream] = await Promise.all([
        ours(a, role, { key }),
        upstreams(b, other[role], { privateKey: key })
      ])
      expect(fast.remotePeer.equals(peerIdFromPrivateKey(key))).toBe(true)
      expect(upstream.remotePeer.equals(peerIdFromPrivateKey(key))).toBe(true)
    }
  })
})

describe('the handshake of a connection', () => {
  it("prefers the initiator's muxer on both sides", async () => {
    const [a, b] = RawMemoryDuct.pair()
    const [dialed, accepted] = await Promise.all([
      ours(a, 'initiator', { muxers: [MPLEX, YAMUX] }),
      ours(b, 'responder', { muxers: [YAMUX, MPLEX] })
    ])
    expect([dialed.muxer, accepted.muxer]).toEqual([MPLEX, MPLEX])
  })

  it.each([
    [[YAMUX], []],
    [[], [YAMUX]]
  ])('leaves the muxer open where one side says nothing of it (%j, %j)', async (dialers, acceptors) => {
    const [a, b] = RawMemoryDuct.pair()
    const [dialed, accepted] = await Promise.all([
      ours(a, 'initiator', { muxers: dialers }),
      ours(b, 'responder', { muxers: acceptors })
    ])
    expect([dialed.muxer, accepted.muxer]).toEqual([undefined, undefined])
  })

  it('refuses keys that make no peer id, as libp2p does', async () => {
    const [a, b] = RawMemoryDuct.pair()
    const key = await generateKeyPair('ECDSA')
    const theirs = ours(b, 'responder', { key }).catch((error: unknown) => error)
    await expect(ours(a, 'initiator')).rejects.toMatchObject({ name: 'UnsupportedKeyTypeError' })
    await theirs
  })

  it.each([[1], [3], [100_000]])(
    'takes messages that come %i bytes at a time, and loses nothing behind them',
    async bytes => {
      const [a, b] = RawMemoryDuct.pair()
      a.pieceBytes = b.pieceBytes = () => bytes
      const accepting = ours(b, 'responder')
      const { duct } = await ours(a, 'initiator')
      // Sent together with the last message of the handshake.
      duct.write(Buffer.from('early'))
      duct.end()
      const accepted = await accepting
      expect(b.isPaused).toBe(true)
      await turn()
      const reader = read(accepted)
      await until(() => reader.ends === 1)
      expect(reader.bytes.toString()).toBe('early')
    }
  )

  it.each(['initiator', 'responder'] as const)('refuses another peer than was wanted, as %s', async role => {
    const [a, b] = RawMemoryDuct.pair()
    const theirs = ours(b, other[role], { key: theirKey }).catch((error: unknown) => error)
    const refused = ours(a, role, { remotePeer: ourPeer })
    await expect(refused).rejects.toMatchObject({ name: 'UnexpectedPeerError' })
    await theirs
    expect(a.isOver).toBe(true)
  })

  it.each(['initiator', 'responder'] as const)('takes the peer that was wanted, as %s', async role => {
    const [a, b] = RawMemoryDuct.pair()
    const [{ remotePeer }] = await Promise.all([
      ours(a, role, { remotePeer: theirPeer }),
      ours(b, other[role], { key: theirKey })
    ])
    expect(remotePeer.toString()).toBe(theirPeer.toString())
  })

  describe.each(['initiator', 'responder'] as const)('as %s', role => {
    const identityKey = publicKeyToProtobuf(theirKey.publicKey)
    it.each<[string, string, (staticKey: Buffer) => Promise<Uint8Array>]>([
      [
        'signed by another',
        'did not sign',
        async key => payloadCodec.encode({ identityKey, identitySig: await signedBy(ourKey, key) })
      ],
      [
        'signed for another static key',
        'did not sign',
        async () =>
          payloadCodec.encode({ identityKey, identitySig: await signedBy(theirKey, Buffer.alloc(32)) })
      ],
      [
        'signed without the prefix',
        'did not sign',
        async key => payloadCodec.encode({ identityKey, identitySig: await theirKey.sign(key) })
      ],
      [
        'with half a signature',
        'did not sign',
        async key =>
          payloadCodec.encode({ identityKey, identitySig: (await signedBy(theirKey, key)).subarray(32) })
      ],
      [
        'without a signature',
        'did not sign',
        async () => payloadCodec.encode({ identityKey, identitySig: Buffer.alloc(0) })
      ],
      [
        'with an unreadable key',
        'holds no identity',
        async key =>
          payloadCodec.encode({ identityKey: Buffer.alloc(7, 1), identitySig: await signedBy(theirKey, key) })
      ],
      ['of garbage', 'holds no identity', async () => Buffer.alloc(40, 0xff)],
      ['of nothing', 'holds no identity', async () => Buffer.alloc(0)]
    ])('refuses a proof %s', async (_, message, payload) => {
      for (const load of [loadSodium, loadNode]) {
        const [a, b] = RawMemoryDuct.pair()
        const proving = proveBy(b, other[role], payload)
        await expect(ours(a, role, { crypto: await load() })).rejects.toThrow(message)
        await proving
        expect(a.isOver).toBe(true)
      }
    })

    it('is ended by what is no Noise', async () => {
      for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\0\x05hello', '\x0b\x00'.padEnd(4000, 'x')]) {
        const [a, b] = RawMemoryDuct.pair()
        b.reader = new Recorder()
        b.resume()
        a.put(Buffer.from(garbage, 'latin1'))
        // As a responder any 32 bytes are a key; what comes after does not fit to it.
        a.put(Buffer.from(garbage, 'latin1'))
        await expect(ours(a, role)).rejects.toMatchObject({ name: 'InvalidCryptoExchangeError' })
        expect(a.isOver).toBe(true)
      }
    })

    it('is ended by the signal', async () => {
      const [a, b] = RawMemoryDuct.pair()
      const reader = new Recorder()
      b.reader = reader
      b.resume()
      const abort = new AbortController()
      const securing = ours(a, role, { signal: abort.signal })
      setImmediate(() => abort.abort(new Error('too slow')))
      await expect(securing).rejects.toThrow('too slow')
      await reader.closed.promise
    })

    it('does not begin where the signal was given already', async () => {
      const [a, b] = RawMemoryDuct.pair()
      await expect(ours(a, role, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
      expect(b.isOver).toBe(true)
    })

    it('is ended by the end of the connection', async () => {
      const [a, b] = RawMemoryDuct.pair()
      b.end()
      await expect(ours(a, role)).rejects.toThrow('closed the connection during the Noise handshake')
      const [c, d] = RawMemoryDuct.pair()
      const securing = ours(c, role)
      setImmediate(() => d.destroy())
      await expect(securing).rejects.toThrow('was closed during the Noise handshake')
    })
  })

  it('is not touched by a signal that comes after it', async () => {
    const [a, b] = RawMemoryDuct.pair()
    const abort = new AbortController()
    await Promise.all([ours(a, 'initiator', { signal: abort.signal }), ours(b, 'responder')])
    abort.abort()
    await turn()
    expect(a.isOver).toBe(false)
  })
})
