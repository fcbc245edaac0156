#!/usr/bin/env node
import { AppError, messageOf } from '../shared/errors.ts'
import manifest from '../../package.json' with { type: 'json' }
import { COMMANDS, findCommand } from './cli/operate/command-table.ts'
import { parseFlags, type Flags } from './settings/flags.ts'
import { suggestion } from './settings/nearest.ts'

/** The `waystation` command on plain Node. Exit codes: cli/operate/exit-codes.ts. */
async function main(argv: string[]): Promise<number> {
  const { version } = manifest
  const flags = parseFlags(argv)
  const [command] = flags.positionals
  if (command === 'identity') {
    const { runIdentity } = await import('./cli/identity.ts')
    return runIdentity(argv)
  }
  if (command === 'help') return help(flags.positionals[1])
  const operate = findCommand(command ?? wordAfterUnknownFlag(flags, argv) ?? '')
  if (operate !== undefined) return runCommand(operate, argv)
  if (flags.options.help) return help(undefined)
  if (flags.options.version) return print(version)
  if (command !== undefined) throw unknownCommand(command)
  const { loadSettings } = await import('./settings/load.ts')
  const load = { flags, env: process.env, entry: 'headless' } as const
  const loaded = loadSettings(load)
  if (flags.options.printSettings) {
    const { printSettings } = await import('./settings/print.ts')
    return print(printSettings(loaded, { json: flags.options.json }))
  }
  const { runHeadless } = await import('./headless.ts')
  return runHeadless({ loaded, load, version, debug: process.env['DEBUG'] })
}

/** `--full status`: what the node's flags do not know may be a flag of the command behind it. */
function wordAfterUnknownFlag({ errors }: Flags, argv: readonly string[]): string | undefined {
  return errors.some(({ code }) => code === 'unknown-flag') ? argv.find(word => findCommand(word)) : undefined
}

async function runCommand(
  command: NonNullable<ReturnType<typeof findCommand>>,
  argv: string[]
): Promise<number> {
  const { runOperate } = await import('./cli/operate/run.ts')
  const { INTERRUPTED } = await import('./cli/operate/exit-codes.ts')
  process.on('SIGINT', () => process.exit(INTERRUPTED))
  // What is written there fails by itself, with the same error.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const { stdout, stderr, env } = process
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise(resolve => setTimeout(resolve, milliseconds))
  return runOperate(command, argv, { stdout, stderr, env }, { now: Date.now, sleep })
}

/** `waystation help [COMMAND]` */
async function help(name: string | undefined): Promise<number> {
  if (name === 'identity') {
    const { runIdentity } = await import('./cli/identity.ts')
    return runIdentity(['identity', '--help'])
  }
  const { commandHelp, commandList, EXIT_CODES } = await import('./cli/operate/command-help.ts')
  if (name !== undefined && name !== 'help') {
    const command = findCommand(name)
    if (command === undefined) throw unknownCommand(name)
    return print(commandHelp(command))
  }
  const { helpText } = await import('./settings/help.ts')
  return print(helpText({ commands: commandList(), exitCodes: EXIT_CODES }))
}

function unknownCommand(name: string): AppError {
  const known = [...COMMANDS.map(command => command.name), 'identity', 'help']
  const message = `There is no command "${name}".${suggestion(name, known)} \`waystation --help\` lists them.`
  return new AppError('unknown-command', message, { command: name })
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

const NOT_UNDERSTOOD = new Set(['unknown-flag', 'unknown-command', 'unknown-setting', 'bad-setting'])

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    const known = error instanceof AppError
    process.stderr.write(
      `waystation: ${known ? error.message : (error instanceof Error && error.stack) || messageOf(error)}\n`
    )
    process.exit(known && NOT_UNDERSTOOD.has(error.code) ? 2 : 1)
  }
)
