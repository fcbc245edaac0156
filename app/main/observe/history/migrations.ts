import { AppError } from '../../../shared/errors.ts'
import type { Entries } from './level.ts'
import { fromVersion1 } from './tally-text.ts'

/** How entries of that version become those of the next. */
export type Migrations = Readonly<Record<number, (entries: Entries) => Entries>>

/** Of keys and values; written under VERSION_KEY, which like the check means the same in every version. */
export const VERSION = 2
export const VERSION_KEY = 'version'

const TALLIES = /^(minute|hour|day|month)\/|^ever$/

export const MIGRATIONS: Migrations = {
  1: entries =>
    new Map([...entries].map(([key, text]) => [key, TALLIES.test(key) ? fromVersion1(text) : text]))
}

/** The version of a store that has one; undefined of what no version ever wrote. */
export function versionOf(entries: Entries): number | undefined {
  const version = Number(entries.get(VERSION_KEY))
  return Number.isInteger(version) && version > 0 ? version : undefined
}

/** The entries as they are in version `to`. Throws if a step is missing, which is a fault of this program. */
export function migrate(
  entries: Entries,
  { from, to }: { from: number; to: number },
  migrations: Migrations
): Entries {
  let migrated = new Map(entries)
  for (let version = from; version < to; version++) {
    const step = migrations[version]
    if (step === undefined) throw new Error(`no migration of the history from version ${version}`)
    migrated = step(migrated)
  }
  return migrated.set(VERSION_KEY, String(to))
}

export function newerStore(dir: string, version: number, known: number): AppError {
  const message =
    `The history in ${dir} was written by a newer Waystation: it is version ${version}, and this one knows version ${known}. ` +
    'Update Waystation, or move that folder away to begin a new history.'
  return new AppError('history-newer', message, { dir, version, known })
}
