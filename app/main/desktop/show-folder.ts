import { spawn } from 'node:child_process'
import type { Shell } from 'electron'
import { messageOf } from '../../shared/errors.ts'

export interface ShowFolderComponents {
  /** Electron's. */
  system: Pick<Shell, 'openPath'>
  platform: NodeJS.Platform
}

/** Whoever still runs then is the file manager itself, which stays until the person closes it. */
const STARTED_AFTER_MS = 2000

/**
 * Opens a folder in the system's file manager. Resolves as `shell.openPath` does: with why it could not, or nothing.
 *
 * Not by Electron on Linux: there it waits for xdg-open's end with the whole process, and xdg-open may end with the
 * file manager only. The node runs in this process.
 */
export async function showFolder(
  folder: string,
  { system, platform }: ShowFolderComponents
): Promise<string> {
  return platform === 'linux' ? openBy('xdg-open', folder) : system.openPath(folder)
}

/** Exported for its test. */
export async function openBy(program: string, folder: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  // A group of its own: it outlives this app, and Ctrl-C is not for it.
  const child = spawn(program, [folder], { detached: true, stdio: 'ignore' })
  const timer = setTimeout(() => resolve(''), STARTED_AFTER_MS)
  child.on('error', error => resolve(messageOf(error)))
  child.on('exit', code => resolve(code === 0 ? '' : `${program} found no program that shows folders.`))
  child.unref()
  return promise.finally(() => clearTimeout(timer))
}
