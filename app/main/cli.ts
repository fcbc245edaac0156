#!/usr/bin/env node
import { AppError, messageOf } from '../shared/errors.ts'
import manifest from '../../package.json' with { type: 'json' }
import { parseFlags } from './settings/flags.ts'

/** The `waystation` command on plain Node. Exit codes: 0 done, 1 failed, 2 not understood. */
async function main(argv: string[]): Promise<number> {
  const { version } = manifest
  const flags = parseFlags(argv)
  const [command] = flags.positionals
  if (command === 'identity') {
    const { runIdentity } = await import('./cli/identity.ts')
    return runIdentity(argv)
  }
  if (flags.options.help) {
    const { helpText } = await import('./settings/help.ts')
    return print(helpText())
  }
  if (flags.options.version) return print(version)
  if (command !== undefined) {
    throw new AppError(
      'unknown-command',
      `There is no command "${command}". \`waystation --help\` lists them.`
    )
  }
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
