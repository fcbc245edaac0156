import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../shared/errors.ts'

/** What a signature is about. Version and name are in it, so that an old file cannot be passed off as a new one. */
export interface SignedFile {
  version: string
  /** As it is published: `Waystation-0.2.0-x86_64.AppImage`. */
  name: string
  sha512: Uint8Array
}

/** What is signed; build/sign-update.mjs writes the same. */
export function signedText({ version, name, sha512 }: SignedFile): string {
  const hash = Buffer.from(sha512).toString('hex')
  return `waystation update 1\nversion: ${version}\nname: ${name}\nsha512: ${hash}\n`
}

/** A public key as in update-key.ts; undefined for none. Throws if it is one of another kind. */
export function updateKey(text: string): KeyObject | undefined {
  if (text === '') return undefined
  const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key of updates is not an Ed25519 key')
  return key
}

/**
 * Checks that `file` is what the holder of the key published as `name` of that version.
 * @param signature what the `.sig` file beside it says: base64, one line
 * @throws AppError update-unverified
 */
export async function verifyUpdate(
  file: string,
  expected: Pick<SignedFile, 'version' | 'name'>,
  signature: string,
  key: KeyObject
): Promise<void> {
  const sha512 = await sha512Of(file)
  const bytes = Buffer.from(signature.trim(), 'base64')
  const good =
    /^[A-Za-z0-9+/]{86}==$/.test(signature.trim()) &&
    verify(null, Buffer.from(signedText({ ...expected, sha512 })), key, bytes)
  if (!good) throw unverified(`The signature of ${expected.name} is not one of Waystation's authors.`)
}

export function unverified(why: string, cause?: unknown): AppError {
  return new AppError(
    'update-unverified',
    `${why} It was not installed. Try again later; if it stays so, tell the authors.`,
    {},
    cause
  )
}

async function sha512Of(file: string): Promise<Buffer> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  return hash.digest()
}
