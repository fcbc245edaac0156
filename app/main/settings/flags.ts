import { AppError } from '../../shared/errors.ts'
import { fieldOf, type Key } from '../../shared/settings.ts'
import { isBooleanWord, parseValue } from '../../shared/values.ts'
import { textOf } from './at-file.ts'
import { flagsByName, type FlagOptions, type FlagSpec } from './flag-table.ts'
import { suggestion } from './nearest.ts'

export type Listener = 'tcp' | 'quic' | 'ws' | 'http' | 'control' | 'metrics' | 'tls' | 'webrtcDirect'

export interface Flags {
  /** The settings given, already read, and the flag that gave each. */
  given: ReadonlyMap<Key, { value: unknown; flag: string }>
  options: FlagOptions
  /** What the person asked for by flag: if one of these cannot listen, the start fails instead of going on without. */
  listenerFlags: ReadonlySet<Listener>
  /** Words that are no flags: `identity show`. */
  positionals: readonly string[]
  /** Collected rather than thrown, so that `--help` answers beside a mistyped flag. */
  errors: readonly AppError[]
}

/** Reads the command line. Throws nothing; see `errors`. */
export function parseFlags(argv: readonly string[]): Flags {
  const reader = new FlagReader(argv)
  reader.run()
  const { options, positionals, errors } = reader
  const given = new Map([...reader.general, ...reader.specific])
  return { given, options, positionals, errors, listenerFlags: listenersAskedFor(given) }
}

const LISTENERS = ['tcp', 'quic', 'ws', 'webrtcDirect', 'http', 'control'] as const

function listenersAskedFor(given: Flags['given']): Set<Listener> {
  const asked: Listener[] = LISTENERS.filter(name => {
    const enabled = given.get(`${name}.enabled`)?.value
    return enabled === true || (enabled === undefined && given.has(`${name}.port`))
  })
  if (given.has('metrics.listen')) asked.push('metrics')
  if (given.has('tls.port') || given.has('tls.cert')) asked.push('tls')
  return new Set(asked)
}

class FlagReader {
  readonly options: FlagOptions = {
    help: false,
    version: false,
    printSettings: false,
    json: false,
    noGui: false
  }
  readonly positionals: string[] = []
  readonly errors: AppError[] = []
  /** `--port 5 --tcp-port 6`: the setting's own flag wins, whichever comes first. */
  readonly general = new Map<Key, { value: unknown; flag: string }>()
  readonly specific = new Map<Key, { value: unknown; flag: string }>()
  readonly #rest: string[]

  constructor(argv: readonly string[]) {
    this.#rest = [...argv]
  }

  run(): void {
    for (let word = this.#rest.shift(); word !== undefined; word = this.#rest.shift()) {
      if (word === '--') {
        this.positionals.push(...this.#rest.splice(0))
      } else if (word.startsWith('-') && word !== '-') {
        this.#collect(() => this.#flag(word))
      } else {
        this.positionals.push(word)
      }
    }
  }

  #collect(action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.errors.push(error)
    }
  }

  #flag(word: string): void {
    const equals = word.indexOf('=')
    const name = equals === -1 ? word : word.slice(0, equals)
    const attached = equals === -1 ? undefined : word.slice(equals + 1)
    const spec = flagsByName.get(name)
    if (spec === undefined) {
      // What follows an unknown flag is most likely its value, not a command.
      if (attached === undefined) this.#nextValue()
      const known = [...flagsByName.keys()].filter(flag => flag.startsWith('--'))
      const message = `Unknown flag ${name}.${suggestion(name, known, '--')} See waystation --help.`
      throw new AppError('unknown-flag', message, { flag: name })
    }
    const value =
      spec.takes === undefined ? this.#switchValue(spec, name, attached) : this.#value(spec, name, attached)
    this.#apply(spec, name, value)
  }

  #switchValue(spec: FlagSpec, name: string, attached: string | undefined): string {
    if (spec.optionalValue === true) {
      const next = this.#rest[0]
      if (attached === undefined && next !== undefined && isBooleanWord(next)) return this.#rest.shift() ?? ''
      return attached ?? 'true'
    }
    if (attached === undefined) return spec.value ?? 'true'
    throw new AppError('bad-setting', `${name} takes no value, but "${attached}" was given.`, {
      flag: name,
      setting: spec.sets?.[0]
    })
  }

  #value(spec: FlagSpec, name: string, attached: string | undefined): string {
    const value = attached ?? this.#nextValue()
    if (value !== undefined && (spec.path === undefined || value !== '')) return value
    const key = spec.sets?.[0]
    const allowed = key === undefined ? '' : ` Allowed: ${fieldOf(key).allowed}.`
    throw new AppError('bad-setting', `${name} needs a value: ${name} ${spec.takes}.${allowed}`, {
      flag: name,
      setting: key
    })
  }

  /** The next word if it can be a value. "-5" can (and is refused later by what it is for), "--port" cannot. */
  #nextValue(): string | undefined {
    const next = this.#rest[0]
    if (next === undefined || next.startsWith('--') || flagsByName.has(next)) return undefined
    return this.#rest.shift()
  }

  #apply(spec: FlagSpec, name: string, value: string): void {
    if (spec.switches !== undefined) this.options[spec.switches] = true
    if (spec.path !== undefined) this.options[spec.path] = value
    const into = spec.general === true ? this.general : this.specific
    for (const key of spec.sets ?? []) {
      const parsed: unknown = parseValue(key, textOf(key, value), name)
      const before = into.get(key)?.value
      // A list's flag may be repeated instead of writing commas; any other flag's last use counts.
      const both =
        Array.isArray(before) && Array.isArray(parsed)
          ? parseValue(key, [...(before as unknown[]), ...(parsed as unknown[])], name)
          : parsed
      into.set(key, { value: both, flag: name })
    }
  }
}
