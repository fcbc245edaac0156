import { InvalidCryptoExchangeError } from '@libp2p/interface'
import { TAG_BYTES, type Aead } from './crypto.ts'

const NONCE_BYTES = 12
/** Where the counter begins: four zero bytes come before it. */
const COUNTER = 4
const TWO_32 = 2 ** 32
/**
 * The specification ends at 2^64 - 2, and go and rust follow it; stock js ends at 2^32 - 1, which a busy relay would
 * reach within days. This is the last that a number counts exactly: centuries.
 */
export const LAST_NONCE = Number.MAX_SAFE_INTEGER - 1

/** One direction's key and counter (Noise specification, 5.1). After an error it must not be used any more. */
export class CipherState {
  readonly #aead: Aead
  readonly #key: Buffer
  readonly #nonce = Buffer.alloc(NONCE_BYTES)
  #next: number

  constructor(aead: Aead, key: Buffer, nonce = 0) {
    this.#aead = aead
    this.#key = key
    this.#next = nonce
    this.#nonce.writeUInt32LE(Math.floor(nonce / TWO_32), COUNTER + 4)
  }

  /** Encrypts in place; the 16 bytes behind the text become its tag. Throws when the key has been used up. */
  encrypt(bytes: Buffer, start: number, textBytes: number, ad?: Buffer): void {
    this.#aead.encrypt(this.#key, this.#takeNonce(), bytes, start, textBytes, ad)
  }

  /** Decrypts in place, tag included in `sealedBytes`, and gives the bytes of text. Throws where the tag is wrong. */
  decrypt(bytes: Buffer, start: number, sealedBytes: number, ad?: Buffer): number {
    const textBytes = sealedBytes - TAG_BYTES
    if (textBytes < 0) throw new InvalidCryptoExchangeError('a Noise message is shorter than its tag')
    const nonce = this.#takeNonce()
    try {
      this.#aead.decrypt(this.#key, nonce, bytes, start, textBytes, ad)
    } catch {
      throw new InvalidCryptoExchangeError('a Noise message is not what the peer encrypted')
    }
    return textBytes
  }

  #takeNonce(): Buffer {
    const next = this.#next
    if (next > LAST_NONCE) throw new InvalidCryptoExchangeError('the Noise key has been used up')
    this.#next = next + 1
    const low = next % TWO_32
    this.#nonce.writeUInt32LE(low, COUNTER)
    if (low === 0) this.#nonce.writeUInt32LE(next / TWO_32, COUNTER + 4)
    return this.#nonce
  }
}
