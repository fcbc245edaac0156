import { AppError } from '../../shared/errors.ts'
import { defaultOf, keys, type Entry, type Key, type Profile, type Settings } from '../../shared/settings.ts'
import { parseValue, validateSettings, type Problem } from '../../shared/values.ts'
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
  const { loaded, problems } = loadWithProblems(options)
  if (problems[0] !== undefined) throw problems[0]
  return loaded
}

/** The same, but with all of the settings that exclude each other, not only the first. */
export function loadWithProblems(options: LoadOptions): { loaded: Loaded; problems: AppError[] } {
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
  const all = keys.map(key => [key, given(key) ?? byDefault(key, profile, entry)] as const)
  const settings = Object.fromEntries(all.map(([key, { value }]) => [key, value])) as Settings

  const together = validateSettings(settings)
  const warnings = [
    ...environment.warnings,
    ...file.warnings,
    ...together.filter(({ severity }) => severity === 'warning').map(({ message }) => message)
  ]
  // A mistyped --config would otherwise look like a file that sets nothing.
  if (chosenFile !== undefined && !file.exists)
    warnings.unshift(`There is no settings file ${file.path} yet: it sets nothing.`)
  const loaded: Loaded = {
    settings,
    sources: Object.fromEntries(all.map(([key, { source }]) => [key, source])) as Record<Key, Source>,
    profile,
    warnings,
    dataDir,
    file: file.path,
    identity: flags.options.identity,
    listenerFlags: flags.listenerFlags
  }
  const problems = together.filter(({ severity }) => severity === 'error').map(excluding)
  return { loaded, problems }
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

function byDefault(key: Key, profile: Profile, entry: Entry): Given {
  const value = key === 'profile' ? profile : defaultOf(key, profile, entry)
  return { value, source: { from: 'default' } }
}

function excluding({ code, message, settings }: Problem): AppError {
  return new AppError(code, message, { setting: settings[0], settings: settings.join(', ') })
}
