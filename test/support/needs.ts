import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/** Where a program is, or undefined. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  for (const file of names.flatMap(name => folders.map(folder => path.join(folder, name)))) {
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not there.
    }
  }
  return undefined
}

/**
 * Whether tests that need something of the machine must be skipped. Says what to install; where everything is
 * installed on purpose (CI), what is missing is a failure and not a skip.
 */
export function missing(what: string, present: boolean): boolean {
  if (present) return false
  if (process.env['CI'] === 'true') throw new Error(`${what} is needed here`)
  console.warn(`skipped: ${what} is needed`)
  return true
}
