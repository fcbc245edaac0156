import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { der, objectId, Tag } from './der.ts'

/** The extension that carries the libp2p key (libp2p/specs, tls, "libp2p Public Key Extension"). */
export const LIBP2P_EXTENSION = objectId('1.3.6.1.4.1.53594.1.1')
const SIGNED_PREFIX = Buffer.from('libp2p-tls-handshake:')
const SERIAL_NUMBER = objectId('2.5.4.5')
const ECDSA_WITH_SHA256 = objectId('1.2.840.10045.4.3.2')
const HOUR_MS = 3_600_000
/** As long as in go: the certificate is one run's, the key in it is the node's. */
const VALID_MS = 100 * 365 * 24 * HOUR_MS

/** A certificate and its key, in PEM. */
export interface Credentials {
  cert: string
  key: string
}

export interface CertificateInit {
  /** Of the certificate, P-256. */
  keys: { privateKey: KeyObject; publicKey: KeyObject }
  /** Encoded, each with its identifier. */
  extensions: readonly Buffer[]
  /** Milliseconds since 1970. */
  notBefore: number
  notAfter: number
  /** Signs it; where it is not the certificate's own key, nobody accepts it. */
  signWith?: KeyObject
}

/**
 * A self-signed certificate that proves, to whoever sees its key used, that the peer has the libp2p key. P-256 is what
 * every implementation makes, and cheaper to verify than Ed25519.
 */
export async function createCertificate(identity: PrivateKey): Promise<Credentials> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' })
  const now = Date.now()
  const cert = encodeCertificate({
    keys,
    extensions: [encodeExtension(identity, await identity.sign(signedBytes(publicKey)))],
    // Clocks differ.
    notBefore: now - HOUR_MS,
    notAfter: now + VALID_MS
  })
  return { cert: toPem(cert), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

/** What the libp2p key signs: the certificate's key, as it stands in the certificate. */
export function signedBytes(publicKey: Uint8Array): Buffer {
  return Buffer.concat([SIGNED_PREFIX, publicKey])
}

/** Not critical, as in go: TLS libraries that do not know it let it be. */
export function encodeExtension(identity: PrivateKey, signature: Uint8Array): Buffer {
  const signedKey = der(
    Tag.sequence,
    der(Tag.octetString, publicKeyToProtobuf(identity.publicKey)),
    der(Tag.octetString, signature)
  )
  return der(Tag.sequence, LIBP2P_EXTENSION, der(Tag.octetString, signedKey))
}

/** An X.509 certificate (RFC 5280, 4.1) in DER. */
export function encodeCertificate({
  keys,
  extensions,
  notBefore,
  notAfter,
  signWith
}: CertificateInit): Buffer {
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' })
  const algorithm = der(Tag.sequence, ECDSA_WITH_SHA256)
  // Some refuse a certificate without a name.
  const name = encodeName(createHash('sha256').update(publicKey).digest('hex').slice(0, 20))
  // Positive, and never with a zero in front.
  const serial = randomBytes(8)
  serial[0] = (serial.readUInt8(0) & 0x3f) | 0x40
  const toBeSigned = der(
    Tag.sequence,
    der(Tag.explicit0, der(Tag.integer, Buffer.from([2]))),
    der(Tag.integer, serial),
    algorithm,
    name,
    der(Tag.sequence, encodeTime(notBefore), encodeTime(notAfter)),
    name,
    publicKey,
    ...(extensions.length === 0 ? [] : [der(Tag.explicit3, der(Tag.sequence, ...extensions))])
  )
  const signature = sign('sha256', toBeSigned, signWith ?? keys.privateKey)
  return der(Tag.sequence, toBeSigned, algorithm, der(Tag.bitString, Buffer.from([0]), signature))
}

export function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function encodeName(serialNumber: string): Buffer {
  const attribute = der(Tag.sequence, SERIAL_NUMBER, der(Tag.printableString, Buffer.from(serialNumber)))
  return der(Tag.sequence, der(Tag.set, attribute))
}

/** Dates before 2050 have a shorter form, which is the only one for them (RFC 5280, 4.1.2.5). */
function encodeTime(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, '')
  return Number(text.slice(0, 4)) < 2050
    ? der(Tag.utcTime, Buffer.from(text.slice(2)))
    : der(Tag.generalizedTime, Buffer.from(text))
}
