import { createCipheriv, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CipherState, LAST_NONCE } from '../../../../../app/main/relay/fast/noise/cipher.ts'
import { TAG_BYTES } from '../../../../../app/main/relay/fast/noise/crypto.ts'
import {
  loadNode,
  loadSodium,
  loadWasm,
  noiseCrypto
} from '../../../../../app/main/relay/fast/noise/load-crypto.ts'

const KEY = randomBytes(32)
const AD = randomBytes(32)

/** What node:crypto makes of it with a nonce given as it goes over the wire. */
function reference(text: Buffer, nonceHex: string, ad?: Buffer): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', KEY, Buffer.from(nonceHex, 'hex'), {
    authTagLength: TAG_BYTES
  })
  if (ad !== undefined) cipher.setAAD(ad, { plaintextLength: text.byteLength })
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** Room for the tag behind the text, and strangers' bytes around both. */
function surrounded(text: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(5, 0xcc), text, Buffer.alloc(TAG_BYTES), Buffer.alloc(7, 0xcc)])
}

it('takes sodium where it loads', async () => {
  expect((await noiseCrypto()).name).toBe('sodium')
})

describe.each([
  ['sodium', loadSodium],
  ['node', loadNode],
  ['wasm', loadWasm]
])('a cipher by %s', (_, load) => {
  it.each([0, 1, 63, 64, 65, 1024, 65_519])('encrypts %i bytes in place', async length => {
    const text = randomBytes(length)
    const bytes = surrounded(text)
    new CipherState(await load(), KEY).encrypt(bytes, 5, length)
    expect(bytes.subarray(5, -7).equals(reference(text, '00'.repeat(12)))).toBe(true)
    expect(bytes.subarray(0, 5).equals(Buffer.alloc(5, 0xcc))).toBe(true)
    expect(bytes.subarray(-7).equals(Buffer.alloc(7, 0xcc))).toBe(true)

    expect(new CipherState(await load(), KEY).decrypt(bytes, 5, length + TAG_BYTES)).toBe(length)
    expect(bytes.subarray(5, 5 + length).equals(text)).toBe(true)
  })

  it('authenticates additional data', async () => {
    const text = randomBytes(50)
    const bytes = surrounded(text)
    new CipherState(await load(), KEY).encrypt(bytes, 5, 50, AD)
    expect(bytes.subarray(5, -7).equals(reference(text, '00'.repeat(12), AD))).toBe(true)
    const other = Buffer.from(bytes)
    expect(new CipherState(await load(), KEY).decrypt(bytes, 5, 66, AD)).toBe(50)
    const crypto = await load()
    expect(() => new CipherState(crypto, KEY).decrypt(other, 5, 66)).toThrow('not what the peer encrypted')
  })

  it('counts in 64 bits, little-endian behind four zero bytes', async () => {
    const crypto = await load()
    for (const [nonce, hex] of [
      [1, '000000000100000000000000'],
      [0x01020304, '000000000403020100000000'],
      [2 ** 32 - 1, '00000000ffffffff00000000'],
      [LAST_NONCE, '00000000feffffffffff1f00']
    ] as const) {
      const bytes = surrounded(AD)
      new CipherState(crypto, KEY, nonce).encrypt(bytes, 5, 32)
      expect(bytes.subarray(5, -7).equals(reference(AD, hex))).toBe(true)
    }
    const cipher = new CipherState(crypto, KEY, 2 ** 32 - 1)
    for (const hex of ['00000000ffffffff00000000', '000000000000000001000000', '000000000100000001000000']) {
      const bytes = surrounded(AD)
      cipher.encrypt(bytes, 5, 32)
      expect(bytes.subarray(5, -7).equals(reference(AD, hex))).toBe(true)
    }
  })

  it('encrypts and decrypts nothing more once its key has been used up', async () => {
    const crypto = await load()
    const sender = new CipherState(crypto, KEY, LAST_NONCE)
    const receiver = new CipherState(crypto, KEY, LAST_NONCE)
    const bytes = surrounded(AD)
    sender.encrypt(bytes, 5, 32)
    receiver.decrypt(bytes, 5, 48)
    for (let again = 0; again < 2; again++) {
      const untouched = surrounded(AD)
      expect(() => sender.encrypt(untouched, 5, 32)).toThrow('used up')
      expect(() => receiver.decrypt(untouched, 5, 48)).toThrow('used up')
      expect(untouched.equals(surrounded(AD))).toBe(true)
    }
  })

  it('refuses a message of which any byte was changed', async () => {
    const crypto = await load()
    const bytes = surrounded(randomBytes(70))
    new CipherState(crypto, KEY).encrypt(bytes, 5, 70)
    for (let at = 5; at < 5 + 70 + TAG_BYTES; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1 << (at % 8)
      expect(() => new CipherState(crypto, KEY).decrypt(changed, 5, 86)).toThrow(
        'not what the peer encrypted'
      )
    }
  })

  it('refuses a message out of its turn, and one shorter than its tag', async () => {
    const crypto = await load()
    const bytes = surrounded(AD)
    new CipherState(crypto, KEY, 1).encrypt(bytes, 5, 32)
    expect(() => new CipherState(crypto, KEY).decrypt(bytes, 5, 48)).toThrow('not what the peer encrypted')
    expect(() => new CipherState(crypto, KEY).decrypt(bytes, 5, 15)).toThrow('shorter than its tag')
  })
})
