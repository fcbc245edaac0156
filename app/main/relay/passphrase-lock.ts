import { randomBytes, scrypt } from 'node:crypto'
import { pureJsCrypto } from '@libp2p/noise'
import { Stanza, type Identity, type Recipient } from 'age-encryption'

/**
 * The passphrase recipient of age (age-encryption.org/v1, "The scrypt recipient type"). The library's own computes
 * scrypt in JavaScript at one go, and for that second the relay would stand still; this one leaves it to a thread.
 */
const LABEL = 'age-encryption.org/v1/scrypt'
const SALT_BYTES = 16
/** As the library has it: more is an attempt to fill the memory. */
const MOST_WORK = 20
/** One file key each, under a key of its own: the specification asks for zeros. */
const NONCE = new Uint8Array(12)
const NO_DATA = new Uint8Array()

/** Locks with a passphrase. `workFactor` is log2 of scrypt's cost. */
export function passphraseRecipient(passphrase: string, workFactor: number): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(SALT_BYTES)
      const key = await keyOf(passphrase, salt, workFactor)
      const body = pureJsCrypto.chaCha20Poly1305Encrypt(fileKey, NONCE, NO_DATA, key)
      return [new Stanza(['scrypt', base64(salt), String(workFactor)], body.subarray())]
    }
  }
}

/** Opens what is locked by a passphrase. Throws on a stanza that is none. */
export function passphraseIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [stanza, ...others] = stanzas
      if (stanza?.args[0] !== 'scrypt') return null
      if (others.length > 0) throw new Error('scrypt recipient is not the only one in the header')
      const [, saltText = '', work = '', ...more] = stanza.args
      const salt = Buffer.from(saltText, 'base64')
      const valid = salt.length === SALT_BYTES && base64(salt) === saltText && /^[1-9]\d?$/.test(work)
      if (!valid || more.length > 0 || stanza.body.length !== 32) throw new Error('invalid scrypt stanza')
      if (Number(work) > MOST_WORK) throw new Error('scrypt work factor is too high')
      const key = await keyOf(passphrase, salt, Number(work))
      try {
        return pureJsCrypto.chaCha20Poly1305Decrypt(stanza.body, NONCE, NO_DATA, key).subarray()
      } catch {
        return null
      }
    }
  }
}

function keyOf(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Uint8Array> {
  const [N, r] = [2 ** workFactor, 8]
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  // Twice what it takes, because Node counts a little more than scrypt's own formula.
  const options = { N, r, p: 1, maxmem: 2 * 128 * N * r }
  scrypt(passphrase, Buffer.concat([Buffer.from(LABEL), salt]), 32, options, (error, key) =>
    error === null ? resolve(key) : reject(error)
  )
  return promise
}

/** Without padding, as age writes it. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
