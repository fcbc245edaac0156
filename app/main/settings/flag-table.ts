import { fieldOf, flagOf, keys, type Key, type Kind } from '../../shared/settings.ts'

/** What flags say beside settings. */
export interface FlagOptions {
  help: boolean
  version: boolean
  printSettings: boolean
  json: boolean
  /** Accepted for symmetry with the desktop app; `waystation` has no window anyway. */
  noGui: boolean
  /** Paths as given; the settings, the key file and the data folder that the person chose. */
  config?: string
  identity?: string
  dataDir?: string
}

type Switch = 'help' | 'version' | 'printSettings' | 'json' | 'noGui'
type PathOption = 'config' | 'identity' | 'dataDir'

export interface FlagSpec {
  flag: string
  short?: string
  help: string
  /** What stands for the value in `--help`. None: the flag is a switch. */
  takes?: string
  /** A switch that may still be followed by true or false. */
  optionalValue?: boolean
  switches?: Switch
  path?: PathOption
  sets?: readonly Key[]
  /** What a switch sets its settings to. */
  value?: string
  /** Moves several settings or stands for one: the setting's own flag wins over it. */
  general?: boolean
}

const PLACEHOLDERS: Record<Kind, string | undefined> = {
  limit: 'N',
  bytes: 'SIZE',
  rate: 'RATE',
  seconds: 'TIME',
  port: 'PORT',
  boolean: undefined,
  text: 'TEXT',
  list: 'LIST',
  choice: 'NAME',
  path: 'FILE',
  networks: 'NETWORKS'
}

const own = (key: Key, help: string): FlagSpec => ({ ...derived(key), help })

/** What most people need, in the order of `--help`. */
export const peopleFlags: readonly FlagSpec[] = [
  { flag: '--no-gui', switches: 'noGui', help: 'Run without a window (this command never opens one)' },
  {
    flag: '--port',
    takes: 'PORT',
    sets: ['tcp.port', 'quic.port'],
    general: true,
    help: 'Port of TCP and QUIC together'
  },
  own('ws.port', 'Port of WebSocket'),
  own('http.port', 'Port of the public HTTP pages'),
  own('control.port', 'Port of the dashboard and the control API'),
  own('profile', 'Defaults to start from: home, server or introducer'),
  {
    flag: '--identity',
    takes: 'FILE',
    path: 'identity',
    help: 'Key file of this node, instead of the one in the data folder'
  },
  {
    flag: '--data-dir',
    takes: 'DIR',
    path: 'dataDir',
    help: 'Folder for the key, the settings and the history'
  },
  {
    flag: '--config',
    takes: 'FILE',
    path: 'config',
    help: 'Settings file, instead of settings.json in the data folder'
  },
  {
    flag: '--verbose',
    short: '-v',
    sets: ['log.level'],
    value: 'debug',
    general: true,
    help: 'Log more (--log-level debug)'
  },
  {
    flag: '--print-settings',
    switches: 'printSettings',
    help: 'Print every setting and where it came from, then stop'
  },
  { flag: '--json', switches: 'json', help: 'With --print-settings: as JSON' },
  { flag: '--help', short: '-h', switches: 'help', help: 'Print this help' },
  { flag: '--version', short: '-V', switches: 'version', help: 'Print the version' }
]

/** The flag derived from a setting's key. */
export function derived(key: Key): FlagSpec {
  const { kind, help } = fieldOf(key)
  const common = { flag: flagOf(key), help, sets: [key] }
  return kind === 'boolean'
    ? { ...common, value: 'true', optionalValue: true }
    : { ...common, takes: PLACEHOLDERS[kind] ?? 'VALUE' }
}

function negated(key: Key): FlagSpec {
  return { flag: `--no-${flagOf(key).slice(2)}`, help: fieldOf(key).help, sets: [key], value: 'false' }
}

function* specs(): Generator<FlagSpec> {
  for (const key of keys) {
    yield derived(key)
    if (fieldOf(key).kind === 'boolean') yield negated(key)
  }
  yield* peopleFlags
}

/** Every flag by its long and its short name. */
export const flagsByName: ReadonlyMap<string, FlagSpec> = new Map(
  [...specs()].flatMap(spec =>
    [spec.flag, ...(spec.short === undefined ? [] : [spec.short])].map(name => [name, spec] as const)
  )
)
