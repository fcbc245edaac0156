import { privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { armor, Decrypter, Encrypter } from 'age-encryption'
import { AppError, messageOf } from '../../shared/errors.ts'
import { identityOf, type Identity } from './identity.ts'
import { decodePrivateKey } from './key-encoding.ts'
import { passphraseIdentity, passphraseRecipient } from './passphrase-lock.ts'

/** The shortest passphrase that a backup is locked with, in characters. */
export const SHORTEST_PASSPHRASE = 8

/** Refuses a passphrase that is too short for a new backup: `passphrase-unusable`. */
export function longEnough(passphrase: string): string {
  // Counted as people count, so that an emoji is one.
  const length = [...passphrase].length
  if (length >= SHORTEST_PASSPHRASE) return passphrase
  const message = `The passphrase has ${length} characters; at least ${SHORTEST_PASSPHRASE} are needed. Four or five random words make a good one.`
  throw new AppError('passphrase-unusable', message, { field: 'passphrase' })
}

/** log2 of scrypt's cost: age's own default, about a second and 256 MiB for every guess. */
const WORK_FACTOR = 18

const ARMOR_START = '-----BEGIN AGE ENCRYPTED FILE-----'
const BINARY_START = 'age-encryption.org/'

/** How age-encryption says that no passphrase fits. It has no codes; a test fails when the sentence changes. */
const NO_MATCH = "no identity matched any of the file's recipients"

/**
 * A backup of the key: an armored age file (age-encryption.org/v1) locked by a passphrase, which `age -d` opens
 * too. Inside is what the identity file holds.
 */
export async function sealBackup(
  privateKey: Ed25519PrivateKey,
  passphrase: string,
  options: { workFactor?: number } = {}
): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(passphraseRecipient(passphrase, options.workFactor ?? WORK_FACTOR))
  return armor.encode(await encrypter.encrypt(privateKeyToProtobuf(privateKey)))
}

/** Whether this is an age file, so that a passphrase is worth asking for. */
export function isSealedBackup(content: Uint8Array): boolean {
  const text = textOf(content)
  return text.startsWith(ARMOR_START) || text.startsWith(BINARY_START)
}

/**
 * Opens what `sealBackup` or `age --passphrase` made, armored or not. Throws `passphrase-wrong`, `backup-corrupt`,
 * or `identity-wrong-kind` if the key inside is not an Ed25519 one.
 */
export async function openBackup(content: Uint8Array | string, passphrase: string): Promise<Identity> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const inside = await decrypt(unarmored(bytes), passphrase)
  return identityIn(inside, 'The backup opens, but what is inside')
}

/**
 * Reads an unencrypted Ed25519 key file as go-libp2p, js-libp2p and rust-libp2p write it. Throws `backup-corrupt`
 * or `identity-wrong-kind`.
 */
export async function openKeyFile(content: Uint8Array): Promise<Identity> {
  return identityIn(content, 'The file is no encrypted backup, and as a libp2p key file it')
}

async function identityIn(bytes: Uint8Array, subject: string): Promise<Identity> {
  const decoded = await decodePrivateKey(bytes)
  if (decoded.problem === 'none') return identityOf(decoded.privateKey)
  const code = decoded.problem === 'corrupt' ? 'backup-corrupt' : 'identity-wrong-kind'
  const needed =
    "A backup made by `waystation identity export`, or an Ed25519 key in libp2p's protobuf encoding, is needed."
  throw new AppError(code, `${subject} is ${decoded.found}. ${needed}`)
}

function unarmored(bytes: Uint8Array): Uint8Array {
  const text = textOf(bytes)
  if (text.startsWith(BINARY_START)) return bytes
  if (!text.startsWith(ARMOR_START)) throw corrupt('it is no age file')
  try {
    return armor.decode(text)
  } catch (error) {
    throw corrupt(messageOf(error), error)
  }
}

/** Editors and shells add marks, spaces and, in Windows PowerShell, make it UTF-16; the armor survives all of them. */
function textOf(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes).trim()
}

async function decrypt(file: Uint8Array, passphrase: string): Promise<Uint8Array> {
  // age says the same of a file for other people's keys as of a wrong passphrase.
  if (!new TextDecoder('latin1').decode(file.subarray(0, 200)).includes('\n-> scrypt ')) {
    throw corrupt('it is not locked by a passphrase (if it is for an age key, open it with `age -d` first)')
  }
  const decrypter = new Decrypter()
  decrypter.addIdentity(passphraseIdentity(passphrase))
  try {
    return await decrypter.decrypt(file)
  } catch (error) {
    const why = messageOf(error)
    if (why !== NO_MATCH) throw corrupt(why, error)
    const message = 'The passphrase does not open this backup. Try again; the passphrase cannot be recovered.'
    throw new AppError('passphrase-wrong', message, {}, error)
  }
}

function corrupt(why: string, cause?: unknown): AppError {
  const message = `The backup cannot be read: ${why}. The file is damaged or no backup; use another copy of it.`
  return new AppError('backup-corrupt', message, {}, cause)
}
