import { COMMON_FLAGS } from './arguments.ts'
import { COMMANDS, type CommandDoc, type CommandFlag } from './command-table.ts'
import { wrap } from './text.ts'

const INDENT = '  '
const WIDTH = 100

/** For `waystation --help`: every command in a line. */
export function commandList(): string[] {
  const rows = COMMANDS.map(
    ({ name, takes, summary }: CommandDoc) => [`${name} ${takes}`.trim(), summary] as const
  )
  const width = Math.max(...rows.map(([form]) => form.length)) + 2
  return rows.map(([form, summary]) => `${INDENT}${form.padEnd(width)}${summary}`)
}

export const EXIT_CODES = [
  '0  done',
  '1  failed',
  '2  the command line was not understood',
  '3  no node runs on this data folder',
  '4  the node refused: a setting that cannot be, a circuit or peer it does not know',
  '5  doctor: it is not known yet whether others reach the node'
] as const

/** What `waystation help COMMAND` prints. */
export function commandHelp({ name, takes, summary, details, flags, examples }: CommandDoc): string {
  const all = [...flags, ...COMMON_FLAGS]
  const width = Math.max(...all.map(flag => title(flag).length)) + 2
  const parts = [
    [`waystation ${name} ${takes}`.trimEnd(), `${INDENT}${capital(summary)}.`],
    details.length === 0 ? [] : wrap(details.join(' '), WIDTH),
    ['Flags', ...all.map(flag => `${INDENT}${title(flag).padEnd(width)}${flag.help}`)],
    examples.length === 0
      ? []
      : [examples.length === 1 ? 'Example' : 'Examples', ...examples.map(line => INDENT + line)]
  ]
  return `${parts
    .filter(part => part.length > 0)
    .map(part => part.join('\n'))
    .join('\n\n')}\n`
}

function title({ name, short, takes }: CommandFlag): string {
  const both = short === undefined ? name : `${short}, ${name}`
  return takes === undefined ? both : `${both} ${takes}`
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
