import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import {
  createCertificate,
  encodeCertificate,
  encodeExtension,
  LIBP2P_EXTENSION,
  signedBytes,
  type CertificateInit
} from '../../../../app/main/relay/fast/tls/certificate.ts'
import { der, DerReader, objectId, Tag } from '../../../../app/main/relay/fast/tls/der.ts'
import { verifyCertificate } from '../../../../app/main/relay/fast/tls/verify.ts'
import * as upstream from '../../../../node_modules/@libp2p/tls/dist/src/utils.js'

const HOUR_MS = 3_600_000
const identity = await generateKeyPair('Ed25519')
const other = await generateKeyPair('Ed25519')
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spki = (of = keys): Buffer => of.publicKey.export({ type: 'spki', format: 'der' })
const extension = encodeExtension(identity, await identity.sign(signedBytes(spki())))
const critical = (id: string): Buffer =>
  der(
    Tag.sequence,
    objectId(id),
    der(Tag.boolean, Buffer.from([0xff])),
    der(Tag.octetString, der(Tag.octetString, Buffer.alloc(4)))
  )

describe('a certificate', () => {
  it.each(['Ed25519', 'secp256k1', 'RSA'] as const)('proves a key of type %s', async type => {
    const key = await keyOf(type)
    const { cert } = await createCertificate(key)
    const peer = await verifyCertificate(new X509Certificate(cert), peerIdFromPrivateKey(key))
    expect(peer.equals(peerIdFromPrivateKey(key))).toBe(true)
  })

  it('is accepted by upstream, and upstream’s by us', async () => {
    for (const key of [identity, await keyOf('secp256k1'), await keyOf('RSA')]) {
      const peer = peerIdFromPrivateKey(key)
      const ours = new X509Certificate((await createCertificate(key)).cert)
      expect((await upstream.verifyPeerCertificate(ours.raw, peer)).equals(peer)).toBe(true)
      const theirs = new X509Certificate((await upstream.generateCertificate(key)).cert)
      expect((await verifyCertificate(theirs, peer)).equals(peer)).toBe(true)
    }
  })

  it('may carry other extensions, critical where they are known', async () => {
    const extensions = [critical('2.5.29.14'), extension]
    await expect(verifyCertificate(certificate({ extensions }))).resolves.toBeDefined()
  })

  it('may carry the libp2p key as a critical extension', async () => {
    const fields = new DerReader(extension).enter(Tag.sequence)
    const id = fields.next().whole
    const isCritical = der(Tag.boolean, Buffer.from([0xff]))
    const extensions = [der(Tag.sequence, id, isCritical, fields.next().whole)]
    await expect(verifyCertificate(certificate({ extensions }))).resolves.toBeDefined()
  })

  const refused: [string, string, () => Promise<X509Certificate>][] = [
    ['has expired', 'has expired', async () => certificate({ notAfter: Date.now() - 1000 })],
    ['is of tomorrow', 'is not valid yet', async () => certificate({ notBefore: Date.now() + HOUR_MS })],
    [
      'another key signed',
      'is not signed by its own key',
      async () => certificate({ signWith: otherKeys.privateKey })
    ],
    ['has no extensions', 'does not carry a libp2p key', async () => certificate({ extensions: [] })],
    [
      'has other extensions only',
      'does not carry a libp2p key',
      async () => certificate({ extensions: [critical('2.5.29.14')] })
    ],
    [
      'carries two libp2p keys',
      'carries more than one libp2p key',
      async () => certificate({ extensions: [extension, extension] })
    ],
    [
      'has an unknown critical extension',
      'has an unknown critical extension',
      async () => certificate({ extensions: [extension, critical('1.2.3.4')] })
    ],
    [
      'another peer signed',
      'is not signed by the key of the peer',
      async () =>
        certificate({ extensions: [encodeExtension(identity, await other.sign(signedBytes(spki())))] })
    ],
    [
      'carries the signature of another certificate',
      'is not signed by the key of the peer',
      async () =>
        certificate({
          extensions: [encodeExtension(identity, await identity.sign(signedBytes(spki(otherKeys))))]
        })
    ],
    [
      'has a signature that is none',
      'is not signed by the key of the peer',
      async () => certificate({ extensions: [encodeExtension(identity, Buffer.from('short'))] })
    ],
    [
      'carries an unusable key',
      'carries an unusable libp2p key',
      async () => withSignedKey(Buffer.from([1, 2]))
    ],
    [
      'has an extension that cannot be read',
      'is not readable',
      async () => certificate({ extensions: [libp2pExtension(Buffer.from('rubbish'))] })
    ]
  ]
  it.each(refused)('is refused if it %s', async (_, why, create) => {
    await expect(verifyCertificate(await create())).rejects.toMatchObject({
      name: 'InvalidCryptoExchangeError',
      message: `the peer's certificate ${why}`
    })
  })

  it('is refused if it is of another peer than was wanted', async () => {
    await expect(verifyCertificate(certificate({}), peerIdFromPrivateKey(other))).rejects.toMatchObject({
      name: 'UnexpectedPeerError'
    })
  })
})

describe('reading DER', () => {
  it('throws nothing but RangeError, whatever is cut off or changed', () => {
    const walk = (bytes: Buffer, depth = 0): void => {
      const reader = new DerReader(bytes)
      while (reader.hasMore) {
        const { tag, content } = reader.next()
        if ((tag & 0x20) !== 0 && depth < 20) walk(content, depth + 1)
      }
    }
    const { raw } = certificate({})
    expect(() => walk(raw)).not.toThrow()
    for (let index = 0; index < raw.length; index++) {
      expect(throwsOnlyRangeError(() => walk(raw.subarray(0, index + 1)))).toBe(true)
      for (const byte of [0x1f, 0x80, 0xff]) {
        const changed = Buffer.from(raw)
        changed[index] = byte
        expect(throwsOnlyRangeError(() => walk(changed))).toBe(true)
      }
    }
  })
})

async function keyOf(type: 'Ed25519' | 'secp256k1' | 'RSA'): Promise<PrivateKey> {
  return type === 'RSA' ? generateKeyPair(type, 2048) : generateKeyPair(type as 'Ed25519')
}

function throwsOnlyRangeError(run: () => void): boolean {
  try {
    run()
  } catch (error) {
    return error instanceof RangeError
  }
  return true
}

function certificate(init: Partial<CertificateInit>): X509Certificate {
  const now = Date.now()
  return new X509Certificate(
    encodeCertificate({
      keys,
      extensions: [extension],
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
      ...init
    })
  )
}

function libp2pExtension(value: Buffer): Buffer {
  return der(Tag.sequence, LIBP2P_EXTENSION, der(Tag.octetString, value))
}

function withSignedKey(key: Buffer): X509Certificate {
  const signedKey = der(Tag.sequence, der(Tag.octetString, key), der(Tag.octetString, Buffer.alloc(64)))
  return certificate({ extensions: [libp2pExtension(signedKey)] })
}
