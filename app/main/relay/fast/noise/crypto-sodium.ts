import { randomBytes } from 'node:crypto'
import { KEY_BYTES, TAG_BYTES, type NoiseCrypto } from './crypto.ts'

const SIGNATURE_BYTES = 64

/** libsodium. Rejects where there is no binary for this platform. */
export async function sodiumCrypto(): Promise<NoiseCrypto> {
  const { default: sodium } = await import('sodium-native')
  return {
    name: 'sodium',
    encrypt(key, nonce, bytes, start, textBytes, ad = undefined) {
      const end = start + textBytes
      const sealed = bytes.subarray(start, end + TAG_BYTES)
      const text = bytes.subarray(start, end)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, text, ad ?? null, null, nonce, key)
    },
    decrypt(key, nonce, bytes, start, textBytes, ad = undefined) {
      const end = start + textBytes
      const sealed = bytes.subarray(start, end + TAG_BYTES)
      const text = bytes.subarray(start, end)
      const got = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(text, null, sealed, ad ?? null, nonce, key)
      // It throws by itself, but only if the binding hands on a negative number as one.
      if (got !== textBytes) throw new Error('could not verify data')
    },
    sha256(bytes) {
      const digest = Buffer.allocUnsafe(32)
      sodium.crypto_hash_sha256(digest, bytes)
      return digest
    },
    keyPair(secret = randomBytes(KEY_BYTES)) {
      const publicKey = Buffer.allocUnsafe(KEY_BYTES)
      sodium.crypto_scalarmult_base(publicKey, secret)
      return { publicKey, secret }
    },
    dh({ secret }, publicKey) {
      const shared = Buffer.allocUnsafe(KEY_BYTES)
      sodium.crypto_scalarmult(shared, secret as Buffer, publicKey)
      return shared
    },
    verifyEd25519: (publicKey, message, signature) =>
      signature.byteLength === SIGNATURE_BYTES &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
    signEd25519(secretKey, message) {
      const signature = Buffer.allocUnsafe(SIGNATURE_BYTES)
      sodium.crypto_sign_detached(signature, message, secretKey)
      return signature
    }
  }
}
