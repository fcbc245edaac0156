import { errorOf } from '../../shared/api-error.ts'
import type {
  SettingInfo,
  SettingsChanged,
  SettingsCheck,
  SettingsInfo,
  WorstCase
} from '../../shared/api.ts'
import { AppError, messageOf } from '../../shared/errors.ts'
import {
  defaultOf,
  fieldOf,
  flagOf,
  keys,
  PROFILES,
  type Entry,
  type Key,
  type Profile,
  type Restart,
  type Settings
} from '../../shared/settings.ts'
import { formatValue, parseValue } from '../../shared/values.ts'
import { saveSettings, type OpenStore, type SettingsPatch } from './file.ts'
import { loadSettings, loadWithProblems, type Loaded, type LoadOptions } from './load.ts'
import { suggestion } from './nearest.ts'

export interface KeeperComponents {
  /** Applies valid settings to the running node, and says which it could. */
  apply: (settings: Settings) => { applied: Key[]; needsRestart: Key[] }
  /** What `apply` would say, and what they would allow in a month. */
  preview: (settings: Settings) => { needsRestart: Key[]; worstCase?: WorstCase }
  /** What the node runs with. */
  running: () => Settings
}

export interface KeeperOptions {
  loaded: Loaded
  /** How they were loaded, to load them again. */
  load: Omit<LoadOptions, 'patch'>
  openStore?: OpenStore
}

const KEYS: ReadonlySet<string> = new Set(keys)

/** Changes settings while the node runs: verify all, then apply, then write the file; on an error nothing happened. */
export class SettingsKeeper {
  readonly #components: KeeperComponents
  readonly #options: KeeperOptions
  #loaded: Loaded

  constructor(components: KeeperComponents, options: KeeperOptions) {
    this.#components = components
    this.#options = options
    this.#loaded = options.loaded
  }

  /** As flags, environment and file give them now: what a restart would run with. */
  get loaded(): Loaded {
    return this.#loaded
  }

  describe(): SettingsInfo {
    return { file: this.#loaded.file, settings: keys.map(key => this.#describe(key)) }
  }

  /**
   * Values by key, as JSON or text; null takes the key out of the file, so that its default applies.
   * @throws AppError unknown-setting, bad-setting, setting-locked, nothing-to-listen-on, settings-file-*
   */
  change(values: Readonly<Record<string, unknown>>): SettingsChanged {
    const patch: Partial<Record<Key, unknown>> = {}
    for (const [name, value] of Object.entries(values)) patch[this.#keyToChange(name)] = value ?? undefined
    const next = this.#load(patch)
    const change = this.#commit(next)
    try {
      saveSettings(next.file, patch, this.#options.openStore)
      return { ...change, saved: true }
    } catch (error) {
      const warning = `${messageOf(error)} Until the node stops the change is in force all the same.`
      return { ...change, saved: false, warnings: [...change.warnings, warning] }
    }
  }

  /** What `change` would come to, with every reason for which it would be refused. Never throws for the values. */
  check(values: Readonly<Record<string, unknown>>): SettingsCheck {
    const problems: AppError[] = []
    const collect = <T>(action: () => T): T | undefined => {
      try {
        return action()
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        problems.push(error)
        return undefined
      }
    }
    const patch: Partial<Record<Key, unknown>> = {}
    for (const [name, value] of Object.entries(values)) {
      collect(() => {
        const key = this.#keyToChange(name)
        patch[key] = value === null ? undefined : parseValue(key, value)
      })
    }
    const next = collect(() => loadWithProblems({ ...this.#options.load, patch }))
    problems.push(...(next?.problems ?? []))
    const preview = next && this.#components.preview(next.loaded.settings)
    return {
      problems: problems.map(errorOf),
      warnings: [...(next?.loaded.warnings ?? [])],
      needsRestart: preview?.needsRestart ?? [],
      ...(preview?.worstCase !== undefined && { worstCase: preview.worstCase })
    }
  }

  /** Reads the file anew. @throws AppError; the settings stay as they were then */
  reload(): SettingsChanged {
    return { ...this.#commit(this.#load()), saved: true }
  }

  #load(patch?: SettingsPatch): Loaded {
    return loadSettings({ ...this.#options.load, ...(patch !== undefined && { patch }) })
  }

  #commit(next: Loaded): Omit<SettingsChanged, 'saved'> {
    const { applied, needsRestart } = this.#components.apply(next.settings)
    this.#loaded = next
    return { applied, needsRestart, ...restartFor(needsRestart), warnings: [...next.warnings] }
  }

  #keyToChange(name: string): Key {
    const key = requireKey(name)
    this.#refuseLocked(key)
    return key
  }

  #refuseLocked(key: Key): void {
    const { from, name } = this.#loaded.sources[key]
    if (from !== 'flag' && from !== 'environment') return
    const what = from === 'flag' ? `the flag ${name}` : `the environment variable ${name}`
    const message = `${key} was set by ${what}, which goes before the settings file. Start the node without it to change it here.`
    throw new AppError('setting-locked', message, { setting: key })
  }

  #describe(key: Key): SettingInfo {
    const { settings, sources, profile } = this.#loaded
    const { group, help, kind, allowed, zeroIsUnlimited, choices, applies, restart } = fieldOf(key)
    const profileDefaults = defaultsByProfile(key, this.#options.load.entry)
    const { from, name } = sources[key]
    const value = settings[key]
    return {
      key,
      value,
      text: formatValue(key, value),
      default: key === 'profile' ? profile : defaultOf(key, profile, this.#options.load.entry),
      ...(profileDefaults !== undefined && { profileDefaults }),
      from,
      ...(name !== undefined && { name }),
      group,
      help,
      kind,
      allowed,
      ...(zeroIsUnlimited && { zeroIsUnlimited }),
      ...(choices !== undefined && { choices }),
      applies,
      ...(restart !== undefined && { restart }),
      pending: JSON.stringify(value) !== JSON.stringify(this.#components.running()[key]),
      locked: from === 'flag' || from === 'environment'
    }
  }
}

/** What each profile gives a setting; undefined if they all give the same. */
function defaultsByProfile(key: Key, entry: Entry): Record<Profile, unknown> | undefined {
  const defaults = PROFILES.map(profile => [profile, defaultOf(key, profile, entry)] as const)
  const differ = new Set(defaults.map(([, value]) => JSON.stringify(value))).size > 1
  return differ ? (Object.fromEntries(defaults) as Record<Profile, unknown>) : undefined
}

/** What it takes to apply these. */
export function restartFor(needsRestart: readonly Key[]): { restart?: Restart } {
  if (needsRestart.length === 0) return {}
  return { restart: needsRestart.some(key => fieldOf(key).restart === 'program') ? 'program' : 'node' }
}

/** A setting by its key; its flag's name is understood too. */
function requireKey(name: string): Key {
  if (KEYS.has(name)) return name as Key
  const byFlag = keys.find(key => flagOf(key) === name || flagOf(key) === `--${name}`)
  if (byFlag !== undefined) return byFlag
  const message = `There is no setting "${name}".${suggestion(name, keys)} \`waystation settings\` lists them.`
  throw new AppError('unknown-setting', message, { setting: name })
}
