import { ChaCha20Poly1305, newInstance } from '@chainsafe/as-chacha20poly1305'
import { nodeCrypto } from './crypto-node.ts'
import { TAG_BYTES, type NoiseCrypto } from './crypto.ts'

const NOTHING = Buffer.alloc(0)

/** ChaCha20-Poly1305 in WebAssembly; all else is node:crypto. */
export function wasmCrypto(): NoiseCrypto {
  const cipher = new ChaCha20Poly1305(newInstance())
  return {
    ...nodeCrypto,
    name: 'wasm',
    encrypt(key, nonce, bytes, start, textBytes, ad = NOTHING) {
      const end = start + textBytes
      cipher.seal(key, nonce, bytes.subarray(start, end), ad, bytes.subarray(start, end + TAG_BYTES))
    },
    decrypt(key, nonce, bytes, start, textBytes, ad = NOTHING) {
      const end = start + textBytes
      const sealed = bytes.subarray(start, end + TAG_BYTES)
      if (cipher.open(key, nonce, sealed, ad, bytes.subarray(start, end)) === null)
        throw new Error('could not verify data')
    }
  }
}
