import { lstat, readFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import { createWhole, replaceWhole } from '../relay/whole-file.ts'

const PRIVATE = 0o600
/** No backup of a key is near it. */
const MAX_BACKUP_BYTES = 64 * 1024

/** Whether there is anything of that name, links to nowhere included. Throws `file-unreadable`. */
export async function isThere(file: string): Promise<boolean> {
  return (await look(file)) !== undefined
}

/**
 * Refuses a place where a backup would destroy something: `file-exists`, or `file-unwritable` for what `force`
 * does not cover either (folders, devices, the key itself).
 */
export async function checkTarget(file: string, force: boolean, identityFile: string): Promise<void> {
  const target = await look(file)
  if (target === undefined) return
  if (!force) throw fileExists(file)
  if (!target.isFile() && !target.isSymbolicLink()) {
    throw unwritable(file, 'it is a folder or a device (for standard output, write -)')
  }
  const identity = await look(identityFile)
  // By inode, because a name has many spellings.
  if (identity?.ino === target.ino && identity.dev === target.dev) {
    throw unwritable(file, 'it is the identity itself')
  }
}

/** Writes the backup, mode 0600. Throws `file-exists`, `file-unwritable` or `disk-full`. */
export async function writeBackup(file: string, backup: string, force: boolean): Promise<void> {
  try {
    await (force ? replaceWhole : createWhole)(file, backup, PRIVATE)
  } catch (error) {
    throw writeProblem(file, error)
  }
}

/** The content of FILE, or of standard input for `-`. Throws `file-unreadable` or `backup-corrupt`. */
export async function readBackup(file: string, stdin: NodeJS.ReadableStream): Promise<Uint8Array> {
  const bytes = await (file === '-' ? readAll(stdin) : readFile(file)).catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'there is no such file' : messageOf(error)
    throw new AppError('file-unreadable', `The backup ${file} cannot be read: ${why}.`, { file }, error)
  })
  if (bytes.length <= MAX_BACKUP_BYTES) return bytes
  throw new AppError(
    'backup-corrupt',
    `${file} is no backup of an identity: it is ${bytes.length} bytes long.`
  )
}

/** Keeps a copy of the key that is about to be replaced, and returns its name. Throws if that is impossible. */
export async function keepReplaced(identityFile: string, now: Date): Promise<string> {
  // Windows allows no colons in names.
  const kept = `${identityFile}.replaced-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`
  const bytes = await readFile(identityFile).catch((error: unknown) => {
    const message = `The present identity ${identityFile} cannot be read to keep it: ${messageOf(error)}. Nothing was changed; move it away first.`
    throw new AppError('identity-unreadable', message, { file: identityFile }, error)
  })
  try {
    await createWhole(kept, bytes, PRIVATE)
  } catch (error) {
    throw writeProblem(kept, error)
  }
  return kept
}

async function look(file: string) {
  try {
    return await lstat(file, { bigint: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new AppError(
      'file-unreadable',
      `${file} cannot be looked at: ${messageOf(error)}.`,
      { file },
      error
    )
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk))
    length += chunks.at(-1)?.length ?? 0
    if (length > MAX_BACKUP_BYTES) break
  }
  return Buffer.concat(chunks)
}

function writeProblem(file: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === 'EEXIST') return fileExists(file)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: ${file} cannot be written. Free some space, or choose another place.`
    return new AppError('disk-full', message, { file }, error)
  }
  return unwritable(file, code === 'ENOENT' ? 'its folder does not exist' : messageOf(error), error)
}

function fileExists(file: string): AppError {
  const message = `There is a file ${path.resolve(file)} already; it was left as it is. Choose another name, or overwrite it with --force.`
  return new AppError('file-exists', message, { file })
}

function unwritable(file: string, why: string, cause?: unknown): AppError {
  const message = `${file} cannot be written: ${why}.`
  return new AppError('file-unwritable', message, { file }, cause)
}
