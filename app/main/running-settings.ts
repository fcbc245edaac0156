import { fieldOf, keys, type Key, type Settings } from '../shared/settings.ts'

/** What a change of settings came to. */
export interface Applied {
  applied: Key[]
  needsRestart: Key[]
}

export interface RunningSettingsComponents {
  /** Whether there is a libp2p node: what it was made with cannot be changed. */
  hasNode: () => boolean
}

/** The settings that are in force, and those that wait for a restart of the node or the program. */
export class RunningSettings {
  readonly #components: RunningSettingsComponents
  #current: Settings
  #wanted: Settings

  constructor(components: RunningSettingsComponents, settings: Settings) {
    this.#components = components
    this.#current = settings
    this.#wanted = settings
  }

  get current(): Settings {
    return this.#current
  }

  /** What applying these would come to. */
  preview(settings: Settings): Applied {
    const changed = keys.filter(key => JSON.stringify(settings[key]) !== JSON.stringify(this.#current[key]))
    const appliesNow = (key: Key): boolean => {
      const { applies, restart } = fieldOf(key)
      return applies === 'live' || (restart === 'node' && !this.#components.hasNode())
    }
    return { applied: changed.filter(appliesNow), needsRestart: changed.filter(key => !appliesNow(key)) }
  }

  /** Puts in force what can be now; the rest waits. The settings must be valid. */
  apply(settings: Settings): Applied {
    const result = this.preview(settings)
    const taken = Object.fromEntries(result.applied.map(key => [key, settings[key]]))
    this.#wanted = settings
    this.#current = { ...this.#current, ...taken }
    return result
  }

  /** Puts in force what waited, where that is possible now. */
  applyWaiting(): Applied {
    return this.apply(this.#wanted)
  }
}
