import { defaultOf, environmentNameOf, fieldOf, keys, type Key } from '../../shared/settings.ts'
import { formatValue } from '../../shared/values.ts'
import { derived, peopleFlags, type FlagSpec } from './flag-table.ts'

const WIDTH = 100
const FLAG_COLUMN = 2
const TEXT_COLUMN = 34

const USAGE = `Waystation: a relay that lends some of this machine's connection to peer-to-peer apps.

Usage
  waystation [FLAGS]                   run the node, without a window, until it is stopped (Ctrl-C)
  waystation identity show             print this node's peer id
  waystation identity export FILE      write an encrypted backup of its key (asks for a passphrase)
  waystation identity import FILE      take the key from such a backup
  waystation COMMAND                   see or change the node that runs (on the same --data-dir)
  waystation help COMMAND              what a command takes, with an example
`

const FORMS = `Values
  SIZE   bytes, or 100MiB, 128KiB, 1GB       RATE   bytes a second, or 1.25MB/s, 50kB/s, 10Mbit/s
  TIME   seconds, or 90s, 2min, 1h, 7d       LIST   commas between, or none; or repeat the flag
  N      0 or unlimited lifts a limit        NAME   one of those named

A flag wins over the environment, that over the settings file, that over the default.
Every setting below has an environment variable: ${flagExample('tcp.port')}.
In brackets: the default of the server profile. Which value applies, and why: --print-settings
`

function flagExample(key: Key): string {
  return `${derived(key).flag} is ${environmentNameOf(key)}`
}

export interface CommandHelp {
  /** Every command for the running node, in a line. */
  commands: readonly string[]
  /** What each exit code means. */
  exitCodes: readonly string[]
}

/** The text of `--help`, at most 100 columns wide. */
export function helpText({ commands, exitCodes }: CommandHelp): string {
  const people = peopleFlags.flatMap(spec => entry(title(spec), spec.help + defaultNote(peopleDefault(spec))))
  const parts = [
    USAGE,
    section('Commands', commands),
    section(
      'Exit codes',
      exitCodes.map(line => `${' '.repeat(FLAG_COLUMN)}${line}`)
    ),
    section('Flags', people),
    FORMS
  ]
  for (const group of groups()) {
    const members = keys.filter(key => fieldOf(key).group === group)
    parts.push(section(group, members.flatMap(settingEntry)))
  }
  return parts.join('\n')
}

function groups(): string[] {
  return [...new Set(keys.map(key => fieldOf(key).group))]
}

function section(name: string, lines: readonly string[]): string {
  return `${[name, ...lines].join('\n')}\n`
}

function settingEntry(key: Key): string[] {
  const { kind, help, choices } = fieldOf(key)
  const spec = derived(key)
  const flag = kind === 'boolean' ? `--[no-]${spec.flag.slice(2)}` : title(spec)
  // Helps that explain their choices name them already.
  const unnamed = (choices ?? []).some(choice => !help.includes(choice))
  const names = unnamed ? ` (${choices?.join(', ')})` : ''
  return entry(flag, help + names + defaultNote(defaultText(key)))
}

function title({ flag, short, takes }: FlagSpec): string {
  const both = short === undefined ? flag : `${short}, ${flag}`
  return takes === undefined ? both : `${both} ${takes}`
}

function peopleDefault({ sets, value }: FlagSpec): string {
  const [key] = sets ?? []
  return key === undefined || value !== undefined ? '' : defaultText(key)
}

function defaultText(key: Key): string {
  const { kind } = fieldOf(key)
  const value = defaultOf(key, 'server')
  return kind === 'boolean' ? (value === true ? 'on' : 'off') : formatValue(key, value)
}

const defaultNote = (text: string): string => (text === '' ? '' : ` [${text}]`)

/** Flag to the left, text to the right; a long flag has the line to itself. */
function entry(flag: string, text: string): string[] {
  const left = ' '.repeat(FLAG_COLUMN) + flag
  const [first = '', ...more] = wrap(text, WIDTH - TEXT_COLUMN)
  const indent = ' '.repeat(TEXT_COLUMN)
  const rest = more.map(line => indent + line)
  return left.length <= TEXT_COLUMN - 2
    ? [left.padEnd(TEXT_COLUMN) + first, ...rest]
    : [left, indent + first, ...rest]
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
