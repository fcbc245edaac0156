import { randomUUID } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AppError, messageOf, systemCode } from '../shared/errors.ts'
import { lockHolder, takeLock } from './lock-file.ts'
import type { ProcessMark } from './process-start.ts'
import { createWhole } from './relay/whole-file.ts'

export const LOCK_FILE = 'node.lock'
const IDENTITY_FILE = 'identity.key'

export interface DataFolder {
  /** Absolute. */
  readonly dir: string
  /** Where the key lies unless `--identity` says otherwise. */
  readonly identityFile: string
  /**
   * Keeps other nodes off this folder until `unlock` or the end of this process, also by kill -9. Throws
   * `already-running` (`details.pid`), `data-folder-unusable` or `disk-full`.
   */
  lock(): Promise<void>
  /** Does nothing if this folder's lock is not held. */
  unlock(): Promise<void>
}

/** Creates the folder (mode 0700, with its parents) if need be. Throws `data-folder-unusable` or `disk-full`. */
export async function openDataFolder(given: string): Promise<DataFolder> {
  const dir = path.resolve(given)
  try {
    await makeFolder(dir)
    await tryWriting(dir)
  } catch (error) {
    throw folderProblem(dir, error)
  }
  return new LockableFolder(dir)
}

/** The process that runs on this folder; undefined if none does, also where a stale lock was left. */
export async function readLock(dir: string): Promise<ProcessMark | undefined> {
  try {
    return await lockHolder(path.join(path.resolve(dir), LOCK_FILE))
  } catch (error) {
    throw folderProblem(path.resolve(dir), error)
  }
}

/** Where the key of the node with that data folder lies by default. */
export function identityFileIn(dir: string): string {
  return path.join(dir, IDENTITY_FILE)
}

class LockableFolder implements DataFolder {
  readonly dir: string
  readonly identityFile: string
  #release: (() => Promise<void>) | undefined

  constructor(dir: string) {
    this.dir = dir
    this.identityFile = identityFileIn(dir)
  }

  async lock(): Promise<void> {
    const result = await takeLock(path.join(this.dir, LOCK_FILE)).catch((error: unknown) => {
      throw folderProblem(this.dir, error)
    })
    if (!result.held) throw alreadyRunning(this.dir, result.holder)
    this.#release = () => result.release()
  }

  async unlock(): Promise<void> {
    const release = this.#release
    this.#release = undefined
    await release?.()
  }
}

function alreadyRunning(dir: string, { pid, startedAt }: ProcessMark): AppError {
  const message = `Waystation already runs on the data folder ${dir} (pid ${pid}, since ${startedAt}). Stop that one first, or give this one a folder of its own with --data-dir DIR.`
  return new AppError('already-running', message, { pid, dir })
}

/** mkdir's own `recursive` reports a full and a read-only disk as ENOENT. */
async function makeFolder(dir: string): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return
  } catch (error) {
    const parent = path.dirname(dir)
    if (systemCode(error) !== 'ENOENT' || parent === dir) throw error
    await makeFolder(parent)
  }
  await mkdir(dir, { mode: 0o700 }).catch(async (error: unknown) => {
    // Another starter may have been faster. Of a link to nowhere, stat tells more than mkdir.
    if (systemCode(error) !== 'EEXIST' || !(await stat(dir)).isDirectory()) throw error
  })
}

/** Rights alone tell too little: root has them on a read-only disk, and Windows answers from elsewhere. */
async function tryWriting(dir: string): Promise<void> {
  const file = path.join(dir, `.write-test-${randomUUID()}`)
  await createWhole(file, 'ok', 0o600)
  await rm(file, { force: true })
}

/** What a failed attempt on the folder means for the person, and what to do. */
export function folderProblem(dir: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: nothing can be written to the data folder ${dir}. Free some space, or choose another folder with --data-dir DIR.`
    return new AppError('disk-full', message, { dir }, error)
  }
  const why = (code !== undefined && REASONS[code]) || messageOf(error)
  const message = `The data folder ${dir} cannot be used: ${why}. Choose another with --data-dir DIR.`
  return new AppError('data-folder-unusable', message, { dir }, error)
}

const REASONS: Record<string, string> = {
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'a part of this path is a file',
  EACCES: 'this user may not read and write there',
  EPERM: 'this user may not read and write there',
  EROFS: 'it lies on a read-only disk',
  ENOENT: 'its disk is missing, or it is a link to nowhere',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its links lead round in a circle',
  EISDIR: `${LOCK_FILE} in it is a folder`
}
