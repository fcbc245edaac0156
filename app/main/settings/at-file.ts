import { readFileSync, statSync } from 'node:fs'
import { AppError, messageOf } from '../../shared/errors.ts'
import { fieldOf, type Key } from '../../shared/settings.ts'

/** No list of networks is near it. */
const LARGEST_BYTES = 1024 * 1024

/**
 * What was given for a setting, in a flag, a variable or a command; where it is `@FILE` and the setting is too long
 * for a command line, the text of that file. @throws AppError file-unreadable
 */
export function textOf(key: Key, given: string): string {
  return fieldOf(key).kind === 'networks' && given.startsWith('@') ? readSmall(given.slice(1)) : given
}

/** The text of a file that a person wrote. @throws AppError file-unreadable */
export function readSmall(file: string): string {
  try {
    if (statSync(file).size > LARGEST_BYTES) throw new Error('it is larger than 1 MiB')
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw new AppError('file-unreadable', `${file} cannot be read: ${messageOf(error)}.`, { file }, error)
  }
}
