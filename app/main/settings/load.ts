import { AppError } from '../../shared/errors.ts'
import { defaultOf, keys, type Key, type Profile, type Settings } from '../../shared/settings.ts'
import { parseValue, validateSettings } from '../../shared/values.ts'
import { readEnvironment, type Environment } from './environment.ts'
import {
  readSettingsFile,
  settingsFilePath,
  type FileSettings,
  type OpenStore,
  type SettingsPatch
} from './file.ts'
import { parseFlags, type Flags, type Listener } from './flags.ts'
import { resolveDataDir } from './paths.ts'

/** Which program was started; it decides the profile unless one is set. */
export type Entry = 'headless' | 'desktop'

interface Source {
  from: 'flag' | 'environment' | 'file' | 'default'
  /** The flag, the variable or the file. Defaults have none. */
  name?: string
}

export interface LoadOptions {
  /** The command line, or what `parseFlags` made of it. */
  argv?: readonly string[]
  flags?: Flags
  env: Environment
  /** Where the data lies; `resolveDataDir` finds it if it is left out. */
  dataDir?: string
  entry: Entry
  openStore?: OpenStore
  /** Changes to the settings file that are not made yet: to see what they would come to. */
  patch?: SettingsPatch
}

export interface Loaded {
  settings: Settings
  sources: Readonly<Record<Key, Source>>
  profile: Profile
  /** Sentences for the log. */
  warnings: readonly string[]
  dataDir: string
  /** The settings file; it need not exist. */
  file: string
  /** `--identity FILE`, as given. */
  identity?: string
  listenerFlags: ReadonlySet<Listener>
}

interface Given {
  value: unknown
  source: Source
}

const ENTRY_PROFILE: Record<Entry, Profile> = { headless: 'server', desktop: 'home' }

/**
 * All settings and where each came from: flag > environment > file > default. Writes nothing. Throws the
 * first AppError among the flags', the environment's, the file's and, last, those of settings that exclude
 * each other.
 */
export function loadSettings(options: LoadOptions): Loaded {
  const { env, entry } = options
  const flags = options.flags ?? parseFlags(options.argv ?? [])
  const [firstError] = flags.errors
  if (firstError !== undefined) throw firstError

  const environment = readEnvironment(env)
  const dataDir = options.dataDir ?? resolveDataDir(flags.options.dataDir, env)
  const chosenFile = flags.options.config ?? (env['WAYSTATION_CONFIG'] || undefined)
  const file = readSettingsFile(settingsFilePath(dataDir, chosenFile), options.openStore)
  const inFile = patched(file, options.patch ?? {})

  const given = (key: Key): Given | undefined => {
    const flag = flags.given.get(key)
    if (flag !== undefined) return { value: flag.value, source: { from: 'flag', name: flag.flag } }
    const variable = environment.given.get(key)
    if (variable !== undefined)
      return { value: variable.value, source: { from: 'environment', name: variable.name } }
    const stored = inFile.get(key)
    return stored === undefined
      ? undefined
      : { value: stored.value, source: { from: 'file', name: stored.name } }
  }
  const profile = (given('profile')?.value as Profile | undefined) ?? ENTRY_PROFILE[entry]
  const all = keys.map(key => [key, given(key) ?? byDefault(key, profile)] as const)
  const settings = Object.fromEntries(all.map(([key, { value }]) => [key, value])) as Settings

  const warnings = [...environment.warnings, ...checkTogether(settings)]
  // A mistyped --config would otherwise look like a file that sets nothing.
  if (chosenFile !== undefined && !file.exists)
    warnings.unshift(`There is no settings file ${file.path} yet: it sets nothing.`)
  return {
    settings,
    sources: Object.fromEntries(all.map(([key, { source }]) => [key, source])) as Record<Key, Source>,
    profile,
    warnings,
    dataDir,
    file: file.path,
    identity: flags.options.identity,
    listenerFlags: flags.listenerFlags
  }
}

function patched(file: FileSettings, patch: SettingsPatch): FileSettings['given'] {
  const given = new Map(file.given)
  for (const [name, value] of Object.entries(patch)) {
    const key = name as Key
    if (value === undefined) given.delete(key)
    else given.set(key, { value: parseValue(key, value), name: file.path })
  }
  return given
}

function byDefault(key: Key, profile: Profile): Given {
  const value = key === 'profile' ? profile : defaultOf(key, profile)
  return { value, source: { from: 'default' } }
}

/** Throws the first error; returns the warnings' sentences. */
function checkTogether(settings: Settings): string[] {
  const problems = validateSettings(settings)
  const error = problems.find(({ severity }) => severity === 'error')
  if (error === undefined) return problems.map(({ message }) => message)
  throw new AppError(error.code, error.message, {
    setting: error.settings[0],
    settings: error.settings.join(', ')
  })
}
