import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError, messageOf, systemCode } from '../../../shared/errors.ts'

/** `locked`: another process has it; `full`: no room; `refused`: the system does not let us; `corrupt`: damaged. */
export type ProblemKind = 'locked' | 'full' | 'refused' | 'corrupt' | 'no-binary'

/** Why the store cannot be used, as a half sentence. */
export class StoreProblem extends Error {
  readonly kind: ProblemKind

  constructor(kind: ProblemKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

const FULL = 'the disk is full'
const REASONS: Record<string, readonly [ProblemKind, string]> = {
  ENOSPC: ['full', FULL],
  EDQUOT: ['full', FULL],
  EACCES: ['refused', 'this user may not write there'],
  EPERM: ['refused', 'this user may not write there'],
  EROFS: ['refused', 'it lies on a read-only disk'],
  EMFILE: ['refused', 'this process may not open more files'],
  ENFILE: ['refused', 'this machine may not open more files'],
  ENOTDIR: ['refused', 'a part of this path is a file'],
  EEXIST: ['refused', 'there is a file of that name']
}

/** LevelDB passes on the C library's text, not its code. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/no space left/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/permission denied/i, 'EACCES'],
  [/not permitted/i, 'EPERM'],
  [/read-only file system/i, 'EROFS'],
  [/too many open files in system/i, 'ENFILE'],
  [/too many open files/i, 'EMFILE']
]

/** More than any batch of ours, so that a disk which has room for this has room for those. */
const PROBE_BYTES = 64 * 1024

/**
 * What an error of LevelDB or the file system means. Where that is open, a file written beside the store tells what
 * the system thinks of it, in every language; a store that fails on a disk that works is damaged.
 */
export async function problemOf(dir: string, error: unknown): Promise<StoreProblem> {
  if (error instanceof StoreProblem) return error
  const { code, message } = origin(error)
  if (isLocked(error)) return new StoreProblem('locked', 'another process uses it', error)
  if (code === 'LEVEL_CORRUPTION') return new StoreProblem('corrupt', message, error)
  const said = TEXTS.find(([text]) => text.test(message))?.[1]
  const known = REASONS[systemCode(error) ?? said ?? (await probe(dir)) ?? '']
  return new StoreProblem(...(known ?? (['corrupt', message] as const)), error)
}

/** Whether it is LevelDB's word for being open elsewhere. */
export function isLocked(error: unknown): boolean {
  return origin(error).code === 'LEVEL_LOCKED'
}

/** The system's code of what hinders writing in the folder, if anything does. */
async function probe(dir: string): Promise<string | undefined> {
  const file = path.join(dir, `.write-test-${randomUUID()}`)
  try {
    await writeFile(file, Buffer.alloc(PROBE_BYTES), { mode: 0o600 })
    return undefined
  } catch (error) {
    return systemCode(error)
  } finally {
    await rm(file, { force: true }).catch(() => {})
  }
}

/** The innermost cause: abstract-level wraps what LevelDB says. */
function origin(error: unknown): { code: string | undefined; message: string } {
  let at = error
  while (at instanceof Error && at.cause instanceof Error) at = at.cause
  return { code: (at as { code?: string } | undefined)?.code, message: messageOf(at) }
}

/** What a start that fails for this problem says. */
export function startError(dir: string, { kind, message, cause }: StoreProblem): AppError {
  switch (kind) {
    case 'locked': {
      const text = `The history in ${dir} is used by another process: another node runs on this data folder, perhaps in another container. Stop that one first, or give this one a folder of its own with --data-dir DIR.`
      return new AppError('already-running', text, { dir }, cause)
    }
    case 'full': {
      const text = `The disk is full: the history in ${dir} cannot be written. Free some space, or choose another folder with --data-dir DIR.`
      return new AppError('disk-full', text, { dir }, cause)
    }
    case 'no-binary': {
      const text = `The history needs LevelDB, and there is no binary of it for ${process.platform} ${process.arch}. Build it with: npm rebuild classic-level --build-from-source (needs a C++ compiler and Python).`
      return new AppError('history-unusable', text, {}, cause)
    }
    default: {
      const text = `The history in ${dir} cannot be used: ${message}. Mend that, or choose another folder with --data-dir DIR.`
      return new AppError('data-folder-unusable', text, { dir }, cause)
    }
  }
}
