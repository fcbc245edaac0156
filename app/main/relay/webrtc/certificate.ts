import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate
} from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { base64url } from 'multiformats/bases/base64'
import * as Digest from 'multiformats/hashes/digest'
import { messageOf, systemCode } from '../../../shared/errors.ts'
import { encodeCertificate, toPem } from '../fast/tls/certificate.ts'
import { replaceWhole } from '../whole-file.ts'

/** A certificate and its key, and how others know it. */
export interface WebRtcCertificate {
  cert: string
  key: string
  /** SHA-256 of the certificate. */
  fingerprint: Uint8Array
  /** The fingerprint as a multiaddr has it. */
  certhash: string
}

const DAY_MS = 86_400_000
/**
 * Clients know the certificate by its hash and ask for no date, and every address that was given out holds the hash: so
 * it lasts as long as the key of the node does.
 */
const VALID_MS = 100 * 365 * DAY_MS
const SHA2_256 = 0x12
/** In the data folder. */
const FILE = 'webrtc-direct.pem'
const FILE_MODE = 0o600

function createCertificate(): WebRtcCertificate {
  // What every browser takes.
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  // Clocks differ.
  const cert = toPem(
    encodeCertificate({ keys, extensions: [], notBefore: now - DAY_MS, notAfter: now + VALID_MS })
  )
  return { cert, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, ...hashesOf(cert) }
}

/**
 * The certificate in that folder, or a new one, kept there: after a restart the addresses that others have are still
 * valid. Where that fails `warn` is told, and the node goes on with a new one.
 */
export async function certificateIn(
  folder: string | undefined,
  warn: (sentence: string) => void
): Promise<WebRtcCertificate> {
  if (folder === undefined) return createCertificate()
  const file = path.join(folder, FILE)
  try {
    return parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') {
      const what = `The certificate of WebRTC-direct in ${file} cannot be used (${messageOf(error)}).`
      warn(`${what} A new one takes its place: the node's WebRTC-direct addresses have changed.`)
    }
  }
  const made = createCertificate()
  try {
    await replaceWhole(file, made.cert + made.key, FILE_MODE)
  } catch (error) {
    const what = `The certificate of WebRTC-direct cannot be kept in ${file} (${messageOf(error)}).`
    warn(`${what} The node's WebRTC-direct addresses will be others after the next start.`)
  }
  return made
}

function parse(text: string): WebRtcCertificate {
  const [cert] = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----\n/.exec(text) ?? []
  const [key] = /-----BEGIN PRIVATE KEY-----[^]+?-----END PRIVATE KEY-----\n/.exec(text) ?? []
  if (cert === undefined || key === undefined) throw new Error('it holds no certificate and key')
  const x509 = new X509Certificate(cert)
  if (!x509.checkPrivateKey(createPrivateKey(key))) throw new Error('its key is another one')
  if (createPublicKey(key).asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('its key is not of P-256')
  if (Date.parse(x509.validTo) < Date.now() + DAY_MS) throw new Error('it has expired')
  return { cert, key, ...hashesOf(cert) }
}

function hashesOf(cert: string): Pick<WebRtcCertificate, 'fingerprint' | 'certhash'> {
  const fingerprint = createHash('sha256').update(new X509Certificate(cert).raw).digest()
  return { fingerprint, certhash: certhashOf(fingerprint) }
}

/** A SHA-256 fingerprint as a multihash. */
export function multihashOf(fingerprint: Uint8Array): Uint8Array {
  return Digest.create(SHA2_256, fingerprint).bytes
}

/** A SHA-256 fingerprint as a multiaddr has it. */
export function certhashOf(fingerprint: Uint8Array): string {
  return base64url.encode(multihashOf(fingerprint))
}
