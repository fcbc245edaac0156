import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  randomBytes,
  type KeyObject
} from 'node:crypto'
import { KEY_BYTES, TAG_BYTES, type NoiseCrypto } from './crypto.ts'

const CIPHER = 'chacha20-poly1305'
const OPTIONS = { authTagLength: TAG_BYTES }
/** What DER has before the 32 bytes of an X25519 key (RFC 8410). */
const SECRET_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

/** node:crypto. */
export const nodeCrypto: NoiseCrypto = {
  name: 'node',
  encrypt(key, nonce, bytes, start, textBytes, ad) {
    const end = start + textBytes
    const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS)
    if (ad !== undefined) cipher.setAAD(ad, { plaintextLength: textBytes })
    bytes.set(cipher.update(bytes.subarray(start, end)), start)
    cipher.final()
    bytes.set(cipher.getAuthTag(), end)
  },
  decrypt(key, nonce, bytes, start, textBytes, ad) {
    const end = start + textBytes
    const decipher = createDecipheriv(CIPHER, key, nonce, OPTIONS)
    if (ad !== undefined) decipher.setAAD(ad, { plaintextLength: textBytes })
    decipher.setAuthTag(bytes.subarray(end, end + TAG_BYTES))
    const text = decipher.update(bytes.subarray(start, end))
    decipher.final()
    bytes.set(text, start)
  },
  sha256: bytes => hash('sha256', bytes, 'buffer'),
  keyPair(secret = randomBytes(KEY_BYTES)) {
    const key = createPrivateKey({
      key: Buffer.concat([SECRET_PREFIX, secret]),
      type: 'pkcs8',
      format: 'der'
    })
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
    return { publicKey: publicKey.subarray(PUBLIC_PREFIX.byteLength), secret: key }
  },
  dh({ secret }, publicKey) {
    const key = Buffer.concat([PUBLIC_PREFIX, publicKey])
    return diffieHellman({
      privateKey: secret as KeyObject,
      publicKey: createPublicKey({ key, type: 'spki', format: 'der' })
    })
  }
}
