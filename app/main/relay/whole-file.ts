import { randomBytes } from 'node:crypto'
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../shared/errors.ts'

/** When link fails so, writing without it would fail the same way. */
const FINAL = new Set(['EEXIST', 'ENOENT', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO'])

/**
 * Creates `file` with all of `content`, on the disk when this returns. Throws the system's error; EEXIST if there
 * is a file, which stays as it is, also when several processes try at once. A crash leaves no half-written file.
 */
export async function createWhole(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const temporary = temporaryBeside(file)
  await writeNew(temporary, content, mode)
  try {
    // Unlike rename, link never replaces what is there.
    await link(temporary, file)
  } catch (error) {
    if (FINAL.has(systemCode(error) ?? '')) throw error
    // FAT, exFAT and some network folders have no hard links (each says so by another code). 'wx' does not
    // overwrite either; only a crash within the next milliseconds could leave a part of the file.
    await writeNew(file, content, mode)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(path.dirname(file))
}

/** Puts `content` in the place of `file` in one step: a reader or a crash finds the old or the new, never a mix. */
export async function replaceWhole(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const temporary = temporaryBeside(file)
  await writeNew(temporary, content, mode)
  try {
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(path.dirname(file))
}

function temporaryBeside(file: string): string {
  const unique = `${process.pid}-${randomBytes(4).toString('hex')}`
  return path.join(path.dirname(file), `.${path.basename(file)}.${unique}.tmp`)
}

/** Writes a file that was not there; leaves none behind if the disk fills up. */
async function writeNew(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode)
  try {
    await handle.writeFile(content)
    await giveToOwnerOfFolder(handle, path.dirname(file))
    await handle.sync()
  } catch (error) {
    await handle.close()
    await rm(file, { force: true })
    throw error
  }
  await handle.close()
}

/** What root puts into the folder of a service's own user must be that user's, or the service could not read it. */
async function giveToOwnerOfFolder(handle: FileHandle, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(folder)
  if (uid !== 0) await handle.chown(uid, gid)
}

/** Without it a power cut may take the new name back. Windows and some file systems cannot; they need no more. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // The content is on the disk all the same.
  }
}
