/** What we use of it; the package has no types of its own. All of these throw on lengths that are wrong. */
declare module 'sodium-native' {
  const sodium: {
    /** A tag of 16 bytes goes behind the ciphertext. Both may be the same memory. */
    crypto_aead_chacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      plaintext: Uint8Array,
      ad: Uint8Array | null,
      unused: null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
    /** Gives the bytes of plaintext; throws where the tag is wrong. */
    crypto_aead_chacha20poly1305_ietf_decrypt(
      plaintext: Uint8Array,
      unused: null,
      ciphertext: Uint8Array,
      ad: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
    crypto_hash_sha256(digest: Uint8Array, input: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void
    /** Throws where the public key is of low order. */
    crypto_scalarmult(shared: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  }
  export default sodium
}
