import { AppError } from '../../shared/errors.ts'

/** The settings of a file by dotted name, before it is known what each of them is. */
type FlatSettings = ReadonlyMap<string, unknown>

/** Makes of a file's settings those of the next version: renames, splits, converts. Gets what a person may have written. */
export type Step = (old: FlatSettings) => FlatSettings

/**
 * The first leads from version 1 to version 2, and so on. A new version of the file is a new step at the end: where
 * a setting changes its name or its meaning. Versions before refuse such a file, so that nobody can go back to them: a
 * new setting with a default needs no step, and they keep it unread.
 */
export const STEPS: readonly Step[] = []

/** What is written, and the newest that is read. */
export const newestVersion = (steps: readonly Step[]): number => steps.length + 1

/** A file's version; one that names none is of the first. Throws `settings-file-newer` or `settings-file-broken`. */
export function readVersion(given: unknown, file: string, steps: readonly Step[]): number {
  if (given === undefined) return 1
  const newest = newestVersion(steps)
  const isVersion = typeof given === 'number' && Number.isInteger(given) && given >= 1
  if (isVersion && given <= newest) return given
  if (isVersion) {
    const message =
      `${file} was written by a newer Waystation: it is version ${given}, and this one knows version ${newest}. ` +
      'Update Waystation, or use another file (--config FILE).'
    throw new AppError('settings-file-newer', message, { file, version: given, known: newest })
  }
  const message =
    `"version" in ${file} must be ${newest === 1 ? '1' : `1 to ${newest}`}, not ${JSON.stringify(given)}. ` +
    'The file was left as it is: mend it, or move it away to start with the defaults.'
  throw new AppError('settings-file-broken', message, { file })
}

/** Settings of that version as settings of the newest. */
export function migrate(given: FlatSettings, version: number, steps: readonly Step[]): FlatSettings {
  return steps.slice(version - 1).reduce((settings, step) => step(settings), given)
}
