import { AppError } from '../../shared/errors.ts'
import { keys, type Key } from '../../shared/settings.ts'
import { findJsonError } from './json-error.ts'
import { migrate, newestVersion, readVersion, type Step } from './migrate.ts'
import { suggestion } from './nearest.ts'

export type JsonObject = Record<string, unknown>

/** The text of a settings file as an object. Throws `settings-file-broken` with the line. */
export function parseText(text: string, file: string): JsonObject {
  // Windows' Notepad begins files with a byte order mark.
  const json = text.replace(/^\uFEFF/, '')
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (error) {
    throw brokenAt(json, file, error)
  }
  if (isObject(parsed)) return parsed
  throw new AppError(
    'settings-file-broken',
    `${file} must hold one JSON object, such as {"tcp": {"port": 4001}}. ${KEPT}`,
    { file }
  )
}

const KEPT = 'The file was left as it is: mend it, or move it away to start with the defaults.'

function brokenAt(json: string, file: string, cause: unknown): AppError {
  if (json.trim() === '')
    return new AppError(
      'settings-file-broken',
      `${file} is empty. ${KEPT}`,
      { file, line: 1, column: 1 },
      cause
    )
  const found = findJsonError(json) ?? { line: 1, column: 1, expected: 'JSON', text: json }
  const { line, column, expected } = found
  const message = `${file} is not JSON: line ${line}, column ${column}: expected ${expected}.\n${pointAt(found.text, column)}\n${KEPT}`
  return new AppError('settings-file-broken', message, { file, line, column }, cause)
}

/** The line with a mark below the column, cut to what fits a terminal. */
function pointAt(text: string, column: number): string {
  const from = Math.max(0, column - 60)
  const shown = text.slice(from, from + 90).replaceAll('\t', ' ')
  return `  ${shown}\n  ${' '.repeat(column - 1 - from)}^`
}

const known: ReadonlySet<string> = new Set(keys)

/** What a file gives, not read yet. */
export interface FlatFile {
  version: number
  given: Map<Key, unknown>
  /** Names that this version does not know: those of a newer one, or mistakes. They are kept. */
  unknown: Map<string, unknown>
}

/**
 * The settings in a file's object, by key; those of an older version are migrated. Sections nest, and dotted names work as well: {"relay": {"reservations": {"total": 64}}} or
 * {"relay.reservations.total": 64}.
 */
export function flatten(content: JsonObject, file: string, steps: readonly Step[]): FlatFile {
  const { version: written, ...rest } = content
  const version = readVersion(written, file, steps)
  const found = new Map<string, unknown>()
  for (const [name, value] of leaves(rest, '')) {
    if (found.has(name))
      throw new AppError('bad-setting', `${name} is given twice in ${file}. Remove one.`, {
        setting: name,
        file
      })
    found.set(name, value)
  }
  const given = new Map<Key, unknown>()
  const unknown = new Map<string, unknown>()
  for (const [name, value] of migrate(found, version, steps)) {
    if (known.has(name)) given.set(name as Key, value)
    else if (membersOf(name).length > 0) throw notASetting(name, file)
    else unknown.set(name, value)
  }
  return { version, given, unknown }
}

function* leaves(section: JsonObject, prefix: string): Generator<readonly [string, unknown]> {
  for (const [part, value] of Object.entries(section)) {
    const name = `${prefix}${part}`
    // An unknown section is entered as well, so that the message names the setting in it; an empty one is named itself.
    const isSection = membersOf(name).length > 0
    if (isObject(value) && !known.has(name) && (isSection || Object.keys(value).length > 0))
      yield* leaves(value, `${name}.`)
    else yield [name, value]
  }
}

const membersOf = (section: string): Key[] => keys.filter(key => key.startsWith(`${section}.`))

/** No version gives a section itself a value. */
function notASetting(name: string, file: string): AppError {
  const members = membersOf(name).slice(0, 3).join(', ')
  const message = `${file} has a setting "${name}", which is unknown. It is a section, with ${members} in it.`
  return new AppError('unknown-setting', message, { setting: name, file })
}

/** A sentence for the log: an older version that finds what a newer one wrote goes on, and a mistake is seen. */
export function unknownWarning(name: string, file: string): string {
  return `${file} has a setting "${name}", which is unknown here, and does nothing.${suggestion(name, keys)}`
}

/** Back to nested sections, in the schema's order, as the newest version; what is unknown comes last. */
export function nest(
  { given, unknown }: Pick<FlatFile, 'given' | 'unknown'>,
  steps: readonly Step[]
): JsonObject {
  const content = emptySection()
  content['version'] = newestVersion(steps)
  for (const key of keys) if (given.has(key)) place(content, key, given.get(key))
  for (const [name, value] of unknown) place(content, name, value)
  return content
}

/** Names are anyone's: one such as `constructor` must not find what every object has. */
const emptySection = (): JsonObject => Object.create(null) as JsonObject

function place(content: JsonObject, name: string, value: unknown): void {
  const parts = name.split('.')
  const last = parts.pop() ?? name
  let section = content
  for (const [at, part] of parts.entries()) {
    const belowValue = known.has(parts.slice(0, at + 1).join('.'))
    const next = belowValue ? undefined : (section[part] ??= emptySection())
    // What is below a value cannot nest; the whole name can stand at the top.
    if (!isObject(next)) return void (content[name] = value)
    section = next
  }
  section[last] = value
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
