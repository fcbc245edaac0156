import { InvalidCryptoExchangeError } from '@libp2p/interface'
import { CipherState } from './cipher.ts'
import { KEY_BYTES, TAG_BYTES, type KeyPair, type NoiseCrypto } from './crypto.ts'

const PROTOCOL = Buffer.from('Noise_XX_25519_ChaChaPoly_SHA256')
const NOTHING = Buffer.alloc(0)
/** SHA-256 works on blocks of 64 bytes. */
const BLOCK_BYTES = 64

/** The blocks that HMAC hashes, with room behind for what follows. Nothing here waits: one of each is enough. */
const inner = Buffer.alloc(BLOCK_BYTES + KEY_BYTES + 1)
const outer = Buffer.alloc(BLOCK_BYTES + KEY_BYTES)

/** HMAC-SHA-256 of the `dataBytes` that lie in `inner`, behind its first block. */
function hmac(crypto: NoiseCrypto, key: Buffer, dataBytes: number): Buffer {
  inner.fill(0x36, 0, BLOCK_BYTES)
  outer.fill(0x5c, 0, BLOCK_BYTES)
  for (let at = 0; at < KEY_BYTES; at++) {
    inner[at]! ^= key[at]!
    outer[at]! ^= key[at]!
  }
  outer.set(crypto.sha256(inner.subarray(0, BLOCK_BYTES + dataBytes)), BLOCK_BYTES)
  return crypto.sha256(outer)
}

/** HKDF with two outputs (Noise specification, 4.3). node:crypto's HMAC costs more than these hashes by themselves. */
function hkdf(crypto: NoiseCrypto, chainingKey: Buffer, input: Buffer): [Buffer, Buffer] {
  inner.set(input, BLOCK_BYTES)
  const key = hmac(crypto, chainingKey, input.byteLength)
  inner[BLOCK_BYTES] = 1
  const first = hmac(crypto, key, 1)
  inner.set(first, BLOCK_BYTES)
  inner[BLOCK_BYTES + first.byteLength] = 2
  return [first, hmac(crypto, key, first.byteLength + 1)]
}

/** Noise specification, 5.2. */
class SymmetricState {
  readonly #crypto: NoiseCrypto
  #chainingKey: Buffer = PROTOCOL
  #cipher: CipherState | undefined
  hash: Buffer = PROTOCOL

  constructor(crypto: NoiseCrypto, prologue: Buffer) {
    this.#crypto = crypto
    this.mixHash(prologue)
  }

  mixHash(data: Buffer): void {
    this.hash = this.#crypto.sha256(Buffer.concat([this.hash, data]))
  }

  mixKey(own: KeyPair, publicKey: Buffer): void {
    let shared: Buffer
    try {
      shared = this.#crypto.dh(own, publicKey)
    } catch {
      throw new InvalidCryptoExchangeError('the peer sent an unusable Noise key')
    }
    const [chainingKey, key] = hkdf(this.#crypto, this.#chainingKey, shared)
    this.#chainingKey = chainingKey
    this.#cipher = new CipherState(this.#crypto, key)
  }

  encryptAndHash(text: Uint8Array): Buffer {
    if (this.#cipher === undefined) {
      this.mixHash(Buffer.from(text))
      return Buffer.from(text)
    }
    const sealed = Buffer.allocUnsafe(text.byteLength + TAG_BYTES)
    sealed.set(text)
    this.#cipher.encrypt(sealed, 0, text.byteLength, this.hash)
    this.mixHash(sealed)
    return sealed
  }

  decryptAndHash(sealed: Buffer): Buffer {
    const text = Buffer.from(sealed)
    if (this.#cipher === undefined) {
      this.mixHash(sealed)
      return text
    }
    const textBytes = this.#cipher.decrypt(text, 0, text.byteLength, this.hash)
    this.mixHash(sealed)
    return text.subarray(0, textBytes)
  }

  split(): [CipherState, CipherState] {
    const [first, second] = hkdf(this.#crypto, this.#chainingKey, NOTHING)
    return [new CipherState(this.#crypto, first), new CipherState(this.#crypto, second)]
  }
}

export interface HandshakeInit {
  role: 'initiator' | 'responder'
  crypto: NoiseCrypto
  staticKey: KeyPair
  /** A new one unless given. */
  ephemeralKey?: KeyPair
  prologue?: Buffer
}

/** The keys of a finished handshake. */
export interface Ciphers {
  send: CipherState
  receive: CipherState
}

/**
 * One side of Noise_XX_25519_ChaChaPoly_SHA256 (Noise specification, 7.5), without its carrier. The initiator writes,
 * reads, writes; the responder reads, writes, reads. `InvalidCryptoExchangeError` ends it.
 *
 *   -> e
 *   <- e, ee, s, es
 *   -> s, se
 */
export class Handshake {
  readonly #isInitiator: boolean
  readonly #state: SymmetricState
  readonly #static: KeyPair
  readonly #ephemeral: KeyPair
  #remoteEphemeral: Buffer = NOTHING
  #remoteStatic: Buffer = NOTHING
  #messages = 0

  constructor({ role, crypto, staticKey, ephemeralKey, prologue = NOTHING }: HandshakeInit) {
    this.#isInitiator = role === 'initiator'
    this.#static = staticKey
    this.#ephemeral = ephemeralKey ?? crypto.keyPair()
    this.#state = new SymmetricState(crypto, prologue)
  }

  /** The other side's static key, once it was read. */
  get remoteStatic(): Buffer {
    return this.#remoteStatic
  }

  /** Names this handshake and nothing else; the same on both sides. */
  get hash(): Buffer {
    return this.#state.hash
  }

  write(payload: Uint8Array = NOTHING): Buffer {
    const message = this.#advance(true)
    const state = this.#state
    const parts: Buffer[] = []
    if (message < 2) {
      state.mixHash(this.#ephemeral.publicKey)
      parts.push(this.#ephemeral.publicKey)
    }
    if (message === 1) state.mixKey(this.#ephemeral, this.#remoteEphemeral)
    if (message > 0) {
      parts.push(state.encryptAndHash(this.#static.publicKey))
      state.mixKey(this.#static, this.#remoteEphemeral)
    }
    parts.push(state.encryptAndHash(payload))
    return Buffer.concat(parts)
  }

  /** Takes a whole message, and gives its payload. */
  read(bytes: Buffer): Buffer {
    const message = this.#advance(false)
    const state = this.#state
    let at = 0
    const take = (count: number): Buffer => {
      if (bytes.byteLength - at < count)
        throw new InvalidCryptoExchangeError('a message of the Noise handshake is too short')
      return bytes.subarray(at, (at += count))
    }
    if (message < 2) {
      this.#remoteEphemeral = Buffer.from(take(KEY_BYTES))
      state.mixHash(this.#remoteEphemeral)
    }
    if (message === 1) state.mixKey(this.#ephemeral, this.#remoteEphemeral)
    if (message > 0) {
      this.#remoteStatic = state.decryptAndHash(take(KEY_BYTES + TAG_BYTES))
      state.mixKey(this.#ephemeral, this.#remoteStatic)
    }
    return state.decryptAndHash(bytes.subarray(at))
  }

  /** After all three messages. */
  split(): Ciphers {
    if (this.#messages !== 3) throw new Error('the Noise handshake is not over')
    const [initiators, responders] = this.#state.split()
    return this.#isInitiator
      ? { send: initiators, receive: responders }
      : { send: responders, receive: initiators }
  }

  #advance(writes: boolean): number {
    const message = this.#messages++
    const isOurs = (message % 2 === 0) === this.#isInitiator
    if (message > 2 || writes !== isOurs) throw new Error('not a turn of the Noise handshake')
    return message
  }
}
