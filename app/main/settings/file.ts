import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Conf from 'conf'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import type { Key } from '../../shared/settings.ts'
import { parseValue } from '../../shared/values.ts'
import { flatten, nest, parseText, unknownWarning, type FlatFile, type JsonObject } from './file-format.ts'
import { newestVersion, STEPS, type Step } from './migrate.ts'

/** Holds the file's whole content; writing `store` replaces the file atomically. conf and electron-store are such. */
interface JsonStore {
  store: JsonObject
}

interface StoreOptions {
  cwd: string
  configName: string
  fileExtension: string
  clearInvalidConfig: boolean
  configFileMode: number
  accessPropertiesByDotNotation: boolean
  deserialize: (text: string) => JsonObject
}

/** The desktop passes electron-store here (it takes `configName` as `name`). */
export type OpenStore = (options: StoreOptions) => JsonStore

const openConf: OpenStore = options => new Conf<JsonObject>(options)

export interface FileSettings {
  path: string
  exists: boolean
  given: ReadonlyMap<Key, { value: unknown; name: string }>
  /** Sentences for the log: settings that mean nothing to this version. */
  warnings: readonly string[]
}

/** The settings file of a data folder, unless another was chosen. */
export function settingsFilePath(dataDir: string, chosen?: string): string {
  return chosen === undefined ? path.join(dataDir, 'settings.json') : path.resolve(chosen)
}

/**
 * Reads a settings file and writes nothing: one of an older version is migrated in memory. No file: nothing given.
 * Settings that are unknown are warned of: a newer version may have written them. Throws `settings-file-unreadable`,
 * `settings-file-broken`, `settings-file-newer`, `unknown-setting` (for a section that is given a value) and
 * `bad-setting`, all naming the file.
 */
export function readSettingsFile(
  file: string,
  openStore: OpenStore = openConf,
  steps: readonly Step[] = STEPS
): FileSettings {
  const raw = readRaw(file, openStore, steps)
  const given = new Map(
    [...(raw?.given ?? [])].map(
      ([key, value]) => [key, { value: parseValue(key, value, file), name: file }] as const
    )
  )
  const warnings = [...(raw?.unknown.keys() ?? [])].map(name => unknownWarning(name, file))
  return { path: file, exists: raw !== undefined, given, warnings }
}

/** What to change: a value (text or JSON) for a key; `undefined` takes the key out, so that its default applies. */
export type SettingsPatch = Readonly<Partial<Record<Key, unknown>>>

/**
 * Changes some settings in the file in one atomic write, creating the file if need be; the rest of the file
 * stays as the person wrote it, also what this version does not know. Nothing is written if a value is refused, or if the file cannot be read. A file of
 * an older version is kept beside the new one, as `settings.json.v1`.
 */
export function saveSettings(
  file: string,
  patch: SettingsPatch,
  openStore: OpenStore = openConf,
  steps: readonly Step[] = STEPS
): void {
  const raw = readRaw(file, openStore, steps)
  const next = new Map(raw?.given)
  for (const [name, value] of Object.entries(patch)) {
    const key = name as Key
    if (value === undefined) next.delete(key)
    else next.set(key, parseValue(key, value))
  }
  try {
    if (raw !== undefined && raw.version < newestVersion(steps)) keepCopy(file, `${file}.v${raw.version}`)
    open(file, openStore).store = nest(
      { given: next, unknown: raw?.unknown ?? new Map<string, unknown>() },
      steps
    )
  } catch (error) {
    const code = systemCode(error)
    const full = code === 'ENOSPC' || code === 'EDQUOT'
    const message = `The settings cannot be saved to ${file}: ${messageOf(error)}. ${full ? 'Make room on the disk.' : 'See that the folder and the file may be written.'}`
    throw new AppError(
      full ? 'disk-full' : 'settings-file-unreadable',
      message,
      { file, system: code },
      error
    )
  }
}

/** Copies the file, for its owner only, to the first free one of `copy`, `copy-2`, `copy-3`: an older copy stays. */
function keepCopy(file: string, copy: string): void {
  const content = readFileSync(file)
  for (let number = 1; ; number++) {
    const name = number === 1 ? copy : `${copy}-${number}`
    if (exists(name) && readFileSync(name).equals(content)) return
    try {
      // Flushed, because the file itself is replaced next.
      writeFileSync(name, content, { flag: 'wx', mode: 0o600, flush: true })
      return
    } catch (error) {
      if (systemCode(error) === 'EEXIST') continue
      // Half of a copy on a full disk is none.
      rmSync(name, { force: true })
      throw error
    }
  }
}

function readRaw(file: string, openStore: OpenStore, steps: readonly Step[]): FlatFile | undefined {
  try {
    // conf makes the folder of a file that is missing; a read must not, so conf only sees files that exist.
    return exists(file) ? flatten(open(file, openStore).store, file, steps) : undefined
  } catch (error) {
    if (error instanceof AppError) throw error
    const message = `The settings file ${file} cannot be read: ${messageOf(error)}. Mend that, or use another file (--config FILE).`
    throw new AppError('settings-file-unreadable', message, { file, system: systemCode(error) }, error)
  }
}

function exists(file: string): boolean {
  try {
    statSync(file)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

function open(file: string, openStore: OpenStore): JsonStore {
  return openStore({
    cwd: path.dirname(file),
    // The whole name, so that any --config FILE works, with an extension or without.
    configName: path.basename(file),
    fileExtension: '',
    // The person's file: it is theirs to mend, and conf would overwrite it with an empty one.
    clearInvalidConfig: false,
    configFileMode: 0o600,
    accessPropertiesByDotNotation: true,
    // conf names neither line nor column, and takes [1] for an empty object.
    deserialize: text => parseText(text, file)
  })
}
