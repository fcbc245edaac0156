import { createPrivateKey, sign as signWith } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { noiseCrypto } from './fast/noise/load-crypto.ts'

/** The same key, that signs eight times as fast: libp2p's encodes and imports an Ed25519 key for every signature. */
export async function fastSigning(privateKey: PrivateKey): Promise<PrivateKey> {
  if (privateKey.type !== 'Ed25519') return privateKey
  const crypto = await noiseCrypto()
  const sign = crypto.signEd25519?.bind(crypto, privateKey.raw) ?? importedOnce(privateKey.raw)
  const signed = (message: Uint8Array | Uint8ArrayList): Uint8Array => sign(message.subarray())
  return Object.create(privateKey, { sign: { value: signed } }) as PrivateKey
}

/** node:crypto's signatures by this key alone. `raw` is the seed and the public key, one behind the other. */
function importedOnce(raw: Uint8Array): (message: Uint8Array) => Uint8Array {
  const [d, x] = [raw.subarray(0, 32), raw.subarray(32)].map(bytes =>
    Buffer.from(bytes).toString('base64url')
  )
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', d, x } })
  return message => signWith(null, message, key)
}
