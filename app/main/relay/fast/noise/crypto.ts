export const KEY_BYTES = 32
export const TAG_BYTES = 16

/** An X25519 key pair. The secret is in whatever form its maker computes with. */
export interface KeyPair {
  readonly publicKey: Buffer
  readonly secret: unknown
}

/** ChaCha20-Poly1305 (RFC 8439) in place: the tag is the 16 bytes behind the text. */
export interface Aead {
  encrypt(key: Buffer, nonce: Buffer, bytes: Buffer, start: number, textBytes: number, ad?: Buffer): void
  /** Throws where the tag is wrong; what is in the memory then is nobody's to read. */
  decrypt(key: Buffer, nonce: Buffer, bytes: Buffer, start: number, textBytes: number, ad?: Buffer): void
}

/** The functions that Noise_25519_ChaChaPoly_SHA256 is made of. */
export interface NoiseCrypto extends Aead {
  readonly name: 'sodium' | 'node' | 'wasm'
  sha256(bytes: Buffer): Buffer
  /** A new pair, or the one of a secret. */
  keyPair(secret?: Buffer): KeyPair
  /** Throws where the public key is of low order. */
  dh(own: KeyPair, publicKey: Buffer): Buffer
  /** These two where they are cheaper than node:crypto's. */
  verifyEd25519?(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Of a seed with its public key behind it. */
  signEd25519?(secretKey: Uint8Array, message: Uint8Array): Uint8Array
}
