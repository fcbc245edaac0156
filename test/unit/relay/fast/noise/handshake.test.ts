import { describe, expect, it } from 'vitest'
import { TAG_BYTES, type NoiseCrypto } from '../../../../../app/main/relay/fast/noise/crypto.ts'
import { loadNode, loadSodium, loadWasm } from '../../../../../app/main/relay/fast/noise/load-crypto.ts'
import { Handshake, type Ciphers } from '../../../../../app/main/relay/fast/noise/handshake.ts'
import { vectors } from './vectors.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

function sides(crypto: NoiseCrypto): { initiator: Handshake; responder: Handshake } {
  return {
    initiator: new Handshake({ role: 'initiator', crypto, staticKey: crypto.keyPair() }),
    responder: new Handshake({ role: 'responder', crypto, staticKey: crypto.keyPair() })
  }
}

function seal({ send }: Ciphers, text: Buffer): Buffer {
  const sealed = Buffer.concat([text, Buffer.alloc(TAG_BYTES)])
  send.encrypt(sealed, 0, text.byteLength)
  return sealed
}

function open({ receive }: Ciphers, sealed: Buffer): Buffer {
  const copy = Buffer.from(sealed)
  return copy.subarray(0, receive.decrypt(copy, 0, copy.byteLength))
}

describe.each([
  ['sodium', loadSodium],
  ['node', loadNode],
  ['wasm', loadWasm]
])('a handshake by %s', (_, load) => {
  it.each(vectors)('makes the messages of the vectors', async vector => {
    const crypto = await load()
    const initiator = new Handshake({
      role: 'initiator',
      crypto,
      staticKey: crypto.keyPair(bytes(vector.init_static)),
      ephemeralKey: crypto.keyPair(bytes(vector.init_ephemeral)),
      prologue: bytes(vector.init_prologue)
    })
    const responder = new Handshake({
      role: 'responder',
      crypto,
      staticKey: crypto.keyPair(bytes(vector.resp_static)),
      ephemeralKey: crypto.keyPair(bytes(vector.resp_ephemeral)),
      prologue: bytes(vector.resp_prologue)
    })
    for (const [index, { payload, ciphertext }] of vector.messages.slice(0, 3).entries()) {
      const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator]
      expect(writer.write(bytes(payload)).toString('hex')).toBe(ciphertext)
      expect(reader.read(bytes(ciphertext)).toString('hex')).toBe(payload)
    }
    expect(initiator.hash.toString('hex')).toBe(vector.handshake_hash)
    expect(responder.hash.toString('hex')).toBe(vector.handshake_hash)

    const ends = [responder.split(), initiator.split()] as const
    for (const [index, { payload, ciphertext }] of vector.messages.slice(3).entries()) {
      const [writer, reader] = index % 2 === 0 ? ends : [ends[1], ends[0]]
      expect(seal(writer, bytes(payload)).toString('hex')).toBe(ciphertext)
      expect(open(reader, bytes(ciphertext)).toString('hex')).toBe(payload)
    }
  })

  it('tells each side the other static key', async () => {
    const crypto = await load()
    const [ours, theirs] = [crypto.keyPair(), crypto.keyPair()]
    const initiator = new Handshake({ role: 'initiator', crypto, staticKey: ours })
    const responder = new Handshake({ role: 'responder', crypto, staticKey: theirs })
    responder.read(initiator.write())
    initiator.read(responder.write())
    responder.read(initiator.write())
    expect(initiator.remoteStatic.equals(theirs.publicKey)).toBe(true)
    expect(responder.remoteStatic.equals(ours.publicKey)).toBe(true)
  })

  it('refuses a message of which any byte was changed', async () => {
    const crypto = await load()
    const { initiator, responder } = sides(crypto)
    responder.read(initiator.write())
    const message = responder.write(Buffer.from('payload'))
    // Each reader has one try, so each change has a reader of its own.
    for (let at = 0; at < message.byteLength; at += at < 32 ? 8 : 1) {
      const ephemeralKey = crypto.keyPair(Buffer.alloc(32, 9))
      const staticKey = crypto.keyPair(Buffer.alloc(32, 8))
      const reader = new Handshake({ role: 'initiator', crypto, staticKey, ephemeralKey })
      const writer = new Handshake({ role: 'responder', crypto, staticKey, ephemeralKey })
      writer.read(reader.write())
      const changed = writer.write(Buffer.from('payload'))
      changed[at]! ^= 1
      expect(() => reader.read(changed)).toThrow('not what the peer encrypted')
    }
  })

  it('refuses a key that makes the shared secret no secret', async () => {
    const { responder } = sides(await load())
    responder.read(Buffer.alloc(32))
    expect(() => responder.write()).toThrow('unusable Noise key')
  })

  it.each([
    [0, 'too short'],
    [31, 'too short'],
    [32 + 47, 'too short'],
    [32 + 48 + 15, 'shorter than its tag']
  ])('refuses a second message of %i bytes', async (length, message) => {
    const { initiator, responder } = sides(await load())
    responder.read(initiator.write())
    const cut = responder.write().subarray(0, length)
    expect(() => initiator.read(cut)).toThrow(message)
  })

  it('takes messages in their order only', async () => {
    const crypto = await load()
    expect(() => sides(crypto).responder.write()).toThrow('not a turn')
    expect(() => sides(crypto).initiator.read(Buffer.alloc(32))).toThrow('not a turn')
    const { initiator, responder } = sides(crypto)
    responder.read(initiator.write())
    expect(() => responder.split()).toThrow('not over')
    initiator.read(responder.write())
    responder.read(initiator.write())
    expect(() => initiator.write()).toThrow('not a turn')
  })
})
