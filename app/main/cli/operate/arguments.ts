import { AppError } from '../../../shared/errors.ts'
import { flagsByName } from '../../settings/flag-table.ts'
import { suggestion } from '../../settings/nearest.ts'
import type { CommandDoc, CommandFlag } from './command-table.ts'

/** One command line, taken apart. */
export interface Arguments {
  operands: readonly string[]
  /** By name without its dashes; `true` for a switch. */
  flags: ReadonlyMap<string, string | true>
}

/** Flags of every command. */
export const COMMON_FLAGS: readonly CommandFlag[] = [
  { name: '--data-dir', takes: 'DIR', help: "The node's data folder (or WAYSTATION_DATA_DIR)" },
  { name: '--json', help: 'For programs: what the node answers, as JSON' },
  { name: '--help', short: '-h', help: 'Print this help' }
]

/**
 * Reads the words of a command line, wherever among its flags the command's own word stands.
 * @throws AppError unknown-flag, bad-usage
 */
export function parseArguments(command: CommandDoc, argv: readonly string[]): Arguments {
  const rest = [...argv]
  const operands: string[] = []
  const flags = new Map<string, string | true>()
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') operands.push(...rest.splice(0))
    else if (word.startsWith('-') && word !== '-') readFlag(command, word, rest, flags)
    else operands.push(word)
  }
  operands.splice(operands.indexOf(command.name), 1)
  if (!flags.has('help')) checkOperands(command, operands)
  return { operands, flags }
}

function readFlag(
  command: CommandDoc,
  word: string,
  rest: string[],
  flags: Map<string, string | true>
): void {
  const equals = word.indexOf('=')
  const given = equals === -1 ? word : word.slice(0, equals)
  const attached = equals === -1 ? undefined : word.slice(equals + 1)
  const flag = [...command.flags, ...COMMON_FLAGS].find(
    ({ name, short }) => given === name || given === short
  )
  if (flag === undefined) throw unknownFlag(command, given, attached ?? rest[0])
  const { name, takes } = flag
  if (takes === undefined) {
    if (attached !== undefined) throw usage(command, `${given} takes no value, but "${attached}" was given.`)
    flags.set(name.slice(2), true)
    return
  }
  const next = attached ?? (rest[0]?.startsWith('--') === true ? undefined : rest.shift())
  if (next === undefined || next === '') throw usage(command, `${given} needs a value: ${given} ${takes}.`)
  flags.set(name.slice(2), next)
}

function unknownFlag(command: CommandDoc, flag: string, value: string | undefined): AppError {
  const ofNode = flagsByName.get(flag)
  if (ofNode === undefined) {
    const known = [...command.flags, ...COMMON_FLAGS].map(({ name }) => name)
    const message = `${command.name} has no flag ${flag}.${suggestion(flag, known, '--')} ${seeHelp(command)}`
    return new AppError('unknown-flag', message, { flag })
  }
  const key = ofNode.sets?.[0]
  const set = `waystation set ${key}=${ofNode.value ?? value ?? 'VALUE'}`
  const hint = key === undefined ? '' : ` The running node's settings are changed by \`${set}\`.`
  const message = `${flag} is for starting a node; ${command.name} does not take it.${hint} ${seeHelp(command)}`
  return new AppError('unknown-flag', message, { flag })
}

function checkOperands(command: CommandDoc, operands: readonly string[]): void {
  const { least, most, takes } = command
  const empty = operands.includes('')
  if (operands.length < least || empty) throw usage(command, `${command.name} needs ${takes}.`)
  const extra = operands[most]
  if (extra !== undefined) throw usage(command, `${command.name} does not take "${extra}".`)
}

/** A command line that cannot be carried out, and where to read how. */
export function usage(command: CommandDoc, problem: string): AppError {
  return new AppError('bad-usage', `${problem} ${seeHelp(command)}`, { command: command.name })
}

const seeHelp = ({ name }: CommandDoc): string => `See \`waystation help ${name}\`.`
