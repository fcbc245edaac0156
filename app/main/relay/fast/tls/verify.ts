import type { X509Certificate } from 'node:crypto'
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import {
  InvalidCryptoExchangeError,
  UnexpectedPeerError,
  type PeerId,
  type PublicKey
} from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { LIBP2P_EXTENSION, signedBytes } from './certificate.ts'
import { DerReader, objectId, Tag } from './der.ts'

/** What may be critical, because it says nothing that matters to a key that is trusted for its signature. */
const KNOWN_EXTENSIONS = [
  '2.5.29.14', // subject key identifier
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.35', // authority key identifier
  '2.5.29.37' // extended key usage
].map(objectId)

/** What a certificate says of its peer. */
interface Claim {
  /** The certificate's own key, as it stands in the certificate. */
  certificateKey: Buffer
  /** The peer's, in libp2p's encoding. */
  peerKey: Buffer
  /** Of the certificate's key, by the peer's. */
  signature: Buffer
}

/**
 * Whose certificate it is (libp2p/specs, tls, "Peer Authentication"). That the peer has the certificate's key is for the
 * handshake to prove. Rejects with `InvalidCryptoExchangeError`, or `UnexpectedPeerError` if it is not who it must be.
 * `now` is in milliseconds since 1970.
 */
export async function verifyCertificate(
  certificate: X509Certificate,
  expected?: PeerId,
  now = Date.now()
): Promise<PeerId> {
  if (certificate.issuerCertificate !== undefined && certificate.issuerCertificate !== certificate) {
    throw refusal('comes with another one')
  }
  // Whatever is no date at all is refused too.
  if (!(Date.parse(certificate.validFrom) <= now)) throw refusal('is not valid yet')
  if (!(Date.parse(certificate.validTo) >= now)) throw refusal('has expired')
  const { certificateKey, peerKey, signature } = claimOf(certificate)
  if (!isSelfSigned(certificate)) throw refusal('is not signed by its own key')
  const key = readKey(peerKey)
  if (!(await signed(key, signedBytes(certificateKey), signature))) {
    throw refusal('is not signed by the key of the peer')
  }
  const peer = peerIdFromPublicKey(key)
  if (expected !== undefined && !expected.equals(peer)) {
    throw new UnexpectedPeerError(`the peer is ${peer.toString()}, not ${expected.toString()}`)
  }
  return peer
}

function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey)
  } catch {
    // A key of a kind that the TLS library does not know.
    return false
  }
}

function claimOf(certificate: X509Certificate): Claim {
  let claim: Claim | undefined
  try {
    claim = readClaim(certificate.raw)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refusal('is not readable')
  }
  if (claim === undefined) throw refusal('does not carry a libp2p key')
  return claim
}

function readClaim(certificate: Buffer): Claim | undefined {
  const fields = new DerReader(certificate).enter(Tag.sequence).enter(Tag.sequence)
  if (fields.nextTag === Tag.explicit0) fields.next()
  // Serial number, algorithm, issuer, validity, subject.
  for (let field = 0; field < 5; field++) fields.next()
  const { whole: certificateKey } = fields.next()
  while (fields.hasMore && fields.nextTag !== Tag.explicit3) fields.next()
  if (!fields.hasMore) return undefined

  let claim: Claim | undefined
  const extensions = fields.enter(Tag.explicit3).enter(Tag.sequence)
  while (extensions.hasMore) {
    const { id, isCritical, value } = readExtension(extensions.enter(Tag.sequence))
    if (id.equals(LIBP2P_EXTENSION)) {
      if (claim !== undefined) throw refusal('carries more than one libp2p key')
      const signedKey = new DerReader(value).enter(Tag.sequence)
      claim = {
        certificateKey,
        peerKey: signedKey.take(Tag.octetString),
        signature: signedKey.take(Tag.octetString)
      }
    } else if (isCritical && !KNOWN_EXTENSIONS.some(known => id.equals(known))) {
      throw refusal('has an unknown critical extension')
    }
  }
  return claim
}

function readExtension(extension: DerReader): { id: Buffer; isCritical: boolean; value: Buffer } {
  const { whole: id } = extension.next()
  const isCritical = extension.nextTag === Tag.boolean && extension.take(Tag.boolean)[0] !== 0
  return { id, isCritical, value: extension.take(Tag.octetString) }
}

function readKey(encoded: Buffer): PublicKey {
  try {
    return publicKeyFromProtobuf(encoded)
  } catch {
    throw refusal('carries an unusable libp2p key')
  }
}

async function signed(key: PublicKey, bytes: Buffer, signature: Buffer): Promise<boolean> {
  try {
    return await key.verify(bytes, signature)
  } catch {
    // A signature of the wrong length.
    return false
  }
}

function refusal(why: string): InvalidCryptoExchangeError {
  return new InvalidCryptoExchangeError(`the peer's certificate ${why}`)
}
