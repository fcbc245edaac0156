import { environmentNameOf, keys, type Key } from '../../shared/settings.ts'
import { parseValue } from '../../shared/values.ts'
import { textOf } from './at-file.ts'
import { suggestion } from './nearest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentSettings {
  given: ReadonlyMap<Key, { value: unknown; name: string }>
  /** Sentences for the log: variables that look like ours and mean nothing. */
  warnings: readonly string[]
}

const PREFIX = 'WAYSTATION_'

/** The environment forms of `--data-dir` and `--config`, and the passphrase of `identity export`. */
const OTHERS = ['WAYSTATION_DATA_DIR', 'WAYSTATION_CONFIG', 'WAYSTATION_PASSPHRASE']

const keysByName = new Map<string, readonly Key[]>([
  // First, so that WAYSTATION_TCP_PORT wins over it.
  ['WAYSTATION_PORT', ['tcp.port', 'quic.port']],
  ...keys.map(key => [environmentNameOf(key), [key]] as const)
])

/**
 * Reads the `WAYSTATION_…` variables. An empty one counts as not set (that is what compose files and shells
 * make of a missing value); an empty list is written `none`. Throws `bad-setting`.
 */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const given = new Map<Key, { value: unknown; name: string }>()
  for (const [name, settings] of keysByName) {
    const text = env[name]
    if (text === undefined || text === '' || isServiceLink(name, text)) continue
    for (const key of settings) given.set(key, { value: parseValue(key, textOf(key, text), name), name })
  }
  return { given, warnings: unknownNames(env).map(warning) }
}

function unknownNames(env: Environment): string[] {
  return Object.keys(env)
    .filter(name => name.startsWith(PREFIX) && !keysByName.has(name) && !OTHERS.includes(name))
    .filter(name => !isServiceLink(name, env[name] ?? ''))
    .sort()
}

function warning(name: string): string {
  return `The environment variable ${name} means nothing here.${suggestion(name, [...keysByName.keys(), ...OTHERS], PREFIX)}`
}

/**
 * Kubernetes gives every pod variables about each service beside it: one called "waystation" makes
 * WAYSTATION_PORT=tcp://10.0.0.1:4001 and WAYSTATION_SERVICE_HOST. None of them is meant for us.
 */
function isServiceLink(name: string, text: string): boolean {
  return /_PORT$/.test(name)
    ? /^(tcp|udp|sctp):\/\//.test(text)
    : /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name)
}
