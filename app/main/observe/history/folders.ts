import { cp, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../shared/errors.ts'

/** Moves the folder to `history.broken-2026-07-30` beside it, and says where it is now. Throws the system's error. */
export async function setAside(dir: string, today: string): Promise<string> {
  const target = await freeName(`${dir}.broken-${today}`)
  await rename(dir, target)
  return target
}

/**
 * Copies the folder to `history.backup-v1-2026-07-30` beside it, whole or not at all, and says where. LevelDB must be
 * closed: on POSIX, closing a second handle of its LOCK file gives up the lock. Throws the system's error.
 */
export async function backUp(dir: string, version: number, today: string): Promise<string> {
  const target = await freeName(`${dir}.backup-v${version}-${today}`)
  const partial = `${target}.partial`
  try {
    await rm(partial, { recursive: true, force: true })
    await cp(dir, partial, { recursive: true })
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
  return target
}

/** Whether that is the name of what `setAside` or `backUp` made of a folder. */
export function isCopyOf(folder: string, name: string): boolean {
  return name.startsWith(`${folder}.broken-`) || name.startsWith(`${folder}.backup-v`)
}

/** Removes all that `setAside` and `backUp` made of the folder. Throws the system's error. */
export async function removeCopies(dir: string): Promise<void> {
  const parent = path.dirname(dir)
  const copies = (await readdir(parent)).filter(name => isCopyOf(path.basename(dir), name))
  await Promise.all(copies.map(name => rm(path.join(parent, name), { recursive: true, force: true })))
}

async function freeName(wanted: string): Promise<string> {
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted}-${count}`
    if (!(await exists(name))) return name
  }
}

async function exists(name: string): Promise<boolean> {
  try {
    await stat(name)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
