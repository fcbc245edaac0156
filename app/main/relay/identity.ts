import { readFile, stat } from 'node:fs/promises'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import { decodePrivateKey } from './key-encoding.ts'
import { createWhole, replaceWhole } from './whole-file.ts'

export interface Identity {
  privateKey: Ed25519PrivateKey
  peerId: string
  /** A sentence for the log: others on this machine can read the key. */
  warning?: string
}

export interface LoadedIdentity extends Identity {
  created: boolean
}

const KEY_MODE = 0o600
/** No key is near it; a disk image given by mistake is not read into memory. */
const MAX_FILE_BYTES = 64 * 1024

/**
 * The node's key: read from `file`, or created there (Ed25519, libp2p protobuf encoding, mode 0600) if there is
 * none. An existing file is never written to. Throws what `readIdentity` throws but `identity-missing`, and
 * `identity-unwritable` or `disk-full` if the new key cannot be kept.
 */
export async function loadOrCreateIdentity(file: string): Promise<LoadedIdentity> {
  const existing = await readIfThere(file)
  if (existing !== undefined) return { ...existing, created: false }

  const privateKey = await generateKeyPair('Ed25519')
  try {
    await createWhole(file, privateKeyToProtobuf(privateKey), KEY_MODE)
    return { ...identityOf(privateKey), created: true }
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw unwritable(file, error)
  }
  // Another process was faster: its key counts.
  const winner = await readIfThere(file)
  if (winner !== undefined) return { ...winner, created: false }
  throw new AppError(
    'identity-unreadable',
    `The identity file ${file} is a link to a file that is not there. Is its disk missing? Bring the file back, or remove the link to begin with a new identity.`,
    { file }
  )
}

/**
 * The key in `file`. Throws `identity-missing`, `identity-unreadable`, `identity-corrupt` or `identity-wrong-kind`;
 * each message names the file and what to do.
 */
export async function readIdentity(file: string): Promise<Identity> {
  const identity = await readIfThere(file)
  if (identity !== undefined) return identity
  throw new AppError(
    'identity-missing',
    `There is no identity at ${file} yet. The node creates one at its first start; \`waystation identity import FILE\` takes one from a backup.`,
    { file }
  )
}

/** Writes `identity`'s key to `file`; an existing file is replaced in one step, and only if `replace` says so. */
export async function storeIdentity(identity: Identity, file: string, replace: boolean): Promise<void> {
  try {
    const write = replace ? replaceWhole : createWhole
    await write(file, privateKeyToProtobuf(identity.privateKey), KEY_MODE)
  } catch (error) {
    throw unwritable(file, error)
  }
}

/** The peer id that belongs to a key. */
export function identityOf(privateKey: Ed25519PrivateKey): Identity {
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey).toString() }
}

async function readIfThere(file: string): Promise<Identity | undefined> {
  const content = await readContent(file)
  if (content === undefined) return undefined
  const decoded = await decodePrivateKey(content.bytes)
  if (decoded.problem === 'none') {
    return { ...identityOf(decoded.privateKey), warning: modeWarning(file, content.mode) }
  }
  if (decoded.problem === 'corrupt') {
    throw new AppError(
      'identity-corrupt',
      `The identity file ${file} is damaged: it is ${decoded.found}. It was left as it is. ${REMEDY}`,
      { file }
    )
  }
  throw wrongKind(file, decoded.found)
}

const REMEDY =
  'Restore a backup with `waystation identity import FILE --replace` (keeps this file beside it), or move the file away to begin with a new identity.'

function wrongKind(file: string, found: string): AppError {
  const message = `The identity file ${file} is of another kind: it is ${found}, where an Ed25519 key in libp2p's protobuf encoding is needed. It was left as it is. ${REMEDY}`
  return new AppError('identity-wrong-kind', message, { file })
}

async function readContent(file: string): Promise<{ bytes: Uint8Array; mode: number } | undefined> {
  try {
    const stats = await stat(file)
    // Reading a pipe would block for ever.
    if (!stats.isFile()) throw unreadable(file, 'it is a folder or a device, not a file')
    if (stats.size > MAX_FILE_BYTES) throw wrongKind(file, `${stats.size} bytes long`)
    return { bytes: await readFile(file), mode: stats.mode }
  } catch (error) {
    if (error instanceof AppError) throw error
    if (systemCode(error) === 'ENOENT') return undefined
    throw unreadable(file, messageOf(error), error)
  }
}

function unreadable(file: string, why: string, cause?: unknown): AppError {
  const message = `The identity file ${file} cannot be read: ${why}. Give this user the right to read it, name another one with --identity FILE, or move it away and restore a backup with \`waystation identity import FILE\`.`
  return new AppError('identity-unreadable', message, { file }, cause)
}

function unwritable(file: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError(
      'disk-full',
      `The disk is full: the identity ${file} cannot be written. Free some space and try again.`,
      { file },
      error
    )
  }
  if (code === 'EEXIST') {
    return new AppError('identity-exists', `There is an identity at ${file} already.`, { file }, error)
  }
  const why = code === 'ENOENT' ? 'its folder does not exist' : messageOf(error)
  const message = `The identity ${file} cannot be written: ${why}. Give this user the right to write there, or name another file with --identity FILE.`
  return new AppError('identity-unwritable', message, { file }, error)
}

/** Windows keeps rights in lists, of which the mode says nothing. */
function modeWarning(file: string, mode: number): string | undefined {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined
  return `The identity file ${file} can be read by other users of this machine. Close it with: chmod 600 ${file}`
}
