import { AppError } from '../../shared/errors.ts'
import { findCommand } from '../cli/operate/command-table.ts'
import { flagsByName } from '../settings/flag-table.ts'
import { parseFlags, type Flags } from '../settings/flags.ts'
import { CHROMIUM_SWITCHES } from './chromium-switches.ts'

export interface CommandLine {
  /** What the person wrote for us: without the binary, the app's folder and the switches of Electron and Chromium. */
  words: readonly string[]
  flags: Flags
  /** `--hidden`: started at login, so no window is shown. */
  hidden: boolean
  /** The link of a network (`waystation://…`) that the system started the app for. Not checked yet. */
  link?: string
  /** `--no-gui` or a command: what the `waystation` command does on plain Node. */
  isCommand: boolean
}

export interface CommandLineOptions {
  /** Started as `electron FOLDER`: the folder is among the words. */
  fromClone: boolean
}

const HIDDEN = '--hidden'
const LINK = /^waystation:/i

/** Reads `process.argv` of the desktop binary. Throws nothing: what is wrong is in `flags.errors`. */
export function readCommandLine(argv: readonly string[], { fromClone }: CommandLineOptions): CommandLine {
  const given = argv.slice(1)
  if (fromClone) {
    // `electron --inspect=0 FOLDER --data-dir …`: Electron's own switches may stand before the folder.
    const folder = given.findIndex(word => !word.startsWith('-'))
    given.splice(0, folder + 1)
  }
  const split = given.indexOf('--')
  const flagged = split === -1 ? given : given.slice(0, split)
  const behind = split === -1 ? [] : given.slice(split)
  const words = [...flagged.filter(word => word !== HIDDEN && !isOthers(word)), ...behind]
  const flags = parseFlags(words)
  const link = flags.positionals.find(word => LINK.test(word))
  return {
    words,
    flags,
    hidden: flagged.includes(HIDDEN),
    ...(link !== undefined && { link }),
    isCommand: asksForCommand(flags, words)
  }
}

/**
 * Chromium hands the arguments of a second start to the first in one message of at most 32 KiB, with the current folder,
 * and with the link once more. A longer one is lost, or waits in vain until Chromium takes the first for hung and kills it.
 */
const MOST_BYTES = 12 * 1024

/** @throws AppError bad-usage: any web page can offer a link of whatever length */
export function checkLength(argv: readonly string[]): void {
  if (Buffer.byteLength(argv.join(' ')) <= MOST_BYTES) return
  const most = `${MOST_BYTES / 1024} KiB`
  const message = `What Waystation was started with is longer than ${most}. Give a network that needs so long a link as a file.`
  throw new AppError('bad-usage', message)
}

/** A switch of Electron or Chromium, which they have read already. Ours go first where names are the same. */
function isOthers(word: string): boolean {
  const [name = ''] = word.split('=', 1)
  // macOS gives `-psn_0_12345`, `-NSDocumentRevisionsDebugMode` and `-Apple…` to what it starts.
  if (/^-(psn_|NS[A-Z]|Apple)/.test(word)) return true
  return !flagsByName.has(name) && CHROMIUM_SWITCHES.has(name)
}

function asksForCommand({ options, positionals, errors }: Flags, words: readonly string[]): boolean {
  const { noGui, help, version, printSettings } = options
  if (noGui || help || version || printSettings) return true
  const [first] = positionals
  if (first !== undefined) return !LINK.test(first)
  // `--full status`: a flag of the command behind it.
  return errors.some(({ code }) => code === 'unknown-flag') && words.some(word => findCommand(word))
}
