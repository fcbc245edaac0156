import { spawn } from 'node:child_process'
import { copyFile, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { AppError, messageOf } from '../../shared/errors.ts'

/** A verified file beside the AppImage that it will replace. */
export interface StagedAppImage {
  staged: string
  appImage: string
}

/**
 * Copies a downloaded AppImage beside the one that runs, and has the copy verified: it is that copy which is moved
 * into place, so nothing can be changed between check and use by who can write the download's folder.
 * @throws AppError file-unwritable, and what `verify` throws
 */
export async function stageAppImage(
  { file, appImage }: { file: string; appImage: string },
  verify: (copy: string) => Promise<void>
): Promise<StagedAppImage> {
  const staged = path.join(path.dirname(appImage), `.${path.basename(appImage)}.${process.pid}.new`)
  try {
    await writeCopy(file, staged)
    await verify(staged)
  } catch (error) {
    await rm(staged, { force: true }).catch(() => undefined)
    throw error
  }
  return { staged, appImage }
}

async function writeCopy(file: string, copy: string): Promise<void> {
  try {
    await copyFile(file, copy)
    const handle = await open(copy, 'r+')
    try {
      await handle.chmod(0o755)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    const dir = path.dirname(copy)
    throw new AppError(
      'file-unwritable',
      `The new version could not be written to ${dir}: ${messageOf(error)}. Move Waystation to a folder of your own, or get the new version by hand.`,
      { file: dir },
      error
    )
  }
}

/**
 * Replaces the AppImage in one step, under the name it has: starters and the entry for logging in stay right. Then has
 * it started as soon as this process is gone, because only one may use the data folder.
 */
export async function installAppImage(
  { staged, appImage }: StagedAppImage,
  args: readonly string[]
): Promise<void> {
  try {
    await rename(staged, appImage)
  } catch (error) {
    throw new AppError(
      'file-unwritable',
      `The new version could not be put in the place of ${appImage}: ${messageOf(error)}.`,
      { file: appImage },
      error
    )
  }
  startAfter(process.pid, [appImage, ...args])
}

/**
 * Electron's relaunch waits in a process from within the AppImage, which is gone when we are
 * (electron-userland/electron-builder#1727). A shell is not. It gives up after a minute.
 */
const WAIT = `n=0
while kill -0 "$1" 2>/dev/null && [ "$n" -lt 300 ]; do n=$((n + 1)); sleep 0.2; done
shift
exec "$@"`

export function startAfter(pid: number, command: readonly string[]): void {
  const env = { ...process.env }
  // Of the old one's mount, which is about to go.
  for (const name of ['APPIMAGE', 'APPDIR', 'ARGV0', 'OWD', 'LD_LIBRARY_PATH']) delete env[name]
  const child = spawn('/bin/sh', ['-c', WAIT, 'sh', String(pid), ...command], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env
  })
  child.on('error', () => {
    // Without a shell the person starts it; the new version is in place.
  })
  child.unref()
}
