import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from '../shared/errors.ts'
import { markOfThisProcess, stillRuns, type ProcessMark } from './process-start.ts'
import { createWhole } from './relay/whole-file.ts'

/** A lock of this process, or the mark of the process that has it. */
export type LockResult = { held: true; release(): Promise<void> } | { held: false; holder: ProcessMark }

/** Another starter that is just clearing a stale lock away is done in milliseconds. */
const ATTEMPTS = 200
const ATTEMPT_PAUSE_MS = 10

/**
 * Takes the lock `file` for this process until `release` or the process's end, however it ends: a lock whose
 * process is gone, and one that cannot be read as a lock, is cleared away. Throws the system's error.
 */
export async function takeLock(file: string): Promise<LockResult> {
  const mine = JSON.stringify(await markOfThisProcess())
  for (let attempt = 1; ; attempt++) {
    if (await created(file, mine)) return { held: true, release: () => removeIfStill(file, mine) }
    const text = await readText(file)
    if (text === undefined) {
      if (attempt >= ATTEMPTS) throw new Error(`${file} is a link to nowhere`)
      continue
    }
    const holder = parseLock(text)
    if (holder !== undefined && (await stillRuns(holder))) return { held: false, holder }

    const busy = await clearStale(file, text)
    if (busy === undefined) continue
    if (attempt >= ATTEMPTS) return { held: false, holder: busy }
    await delay(ATTEMPT_PAUSE_MS)
  }
}

/** The mark of the process that has the lock now; undefined if nobody has. */
export async function lockHolder(file: string): Promise<ProcessMark | undefined> {
  const text = await readText(file)
  const holder = text === undefined ? undefined : parseLock(text)
  return holder !== undefined && (await stillRuns(holder)) ? holder : undefined
}

/**
 * Removes the stale lock with that text. Two starters may see the same stale lock; the slower must not remove
 * the fresh one that the faster has put in its place, and no system call removes a file only if it is still the
 * same. So whoever removes a lock first takes a second lock, named after the text to be removed, and looks
 * again: what is still there then is nobody else's to remove. The second lock may be stale in turn, and is
 * cleared in the same way. Returns the mark of the process that is busy with it, if there is one.
 */
async function clearStale(file: string, text: string): Promise<ProcessMark | undefined> {
  const right = await takeLock(clearingName(file, text))
  if (!right.held) return right.holder
  try {
    await removeIfStill(file, text)
  } finally {
    await right.release()
  }
  return undefined
}

/** Exported for the test of a starter that dies while clearing. */
export function clearingName(file: string, text: string): string {
  const hash = createHash('sha256').update(file).update('\0').update(text).digest('hex').slice(0, 16)
  return `${file.replace(/\.clearing-[0-9a-f]{16}$/, '')}.clearing-${hash}`
}

async function removeIfStill(file: string, text: string): Promise<void> {
  if ((await readText(file)) === text) await rm(file, { force: true })
}

async function created(file: string, content: string): Promise<boolean> {
  try {
    await createWhole(file, content, 0o644)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseLock(text: string): ProcessMark | undefined {
  try {
    const { pid, startedAt, processStart } = JSON.parse(text) as Record<string, unknown>
    // 0 and negative numbers stand for groups of processes, which always "run".
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
    if (typeof startedAt !== 'string' || typeof processStart !== 'string') return undefined
    return { pid, startedAt, processStart }
  } catch {
    return undefined
  }
}
