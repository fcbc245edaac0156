import { describe, expect, it } from 'vitest'
import { commandHelp, commandList, EXIT_CODES } from '../../../app/main/cli/operate/command-help.ts'
import { COMMANDS } from '../../../app/main/cli/operate/command-table.ts'
import { exitCodeOf } from '../../../app/main/cli/operate/exit-codes.ts'
import { helpText } from '../../../app/main/settings/help.ts'

describe('the help of commands', () => {
  const all = helpText({ commands: commandList(), exitCodes: EXIT_CODES })

  it.each(COMMANDS)('$name: is in the list of all, with what it takes', ({ name, takes, summary }) => {
    const line = all.split('\n').find(each => each.startsWith(`  ${`${name} ${takes}`.trim()}  `))
    expect(line).toContain(summary)
  })

  it.each(COMMANDS)('$name: its own fits 100 columns and names every flag', command => {
    const help = commandHelp(command)

    expect(Math.max(...help.split('\n').map(line => line.length))).toBeLessThanOrEqual(100)
    for (const name of [...command.flags.map(flag => flag.name), '--data-dir', '--json']) {
      expect(help).toContain(name)
    }
  })

  it('says in --help what the exit codes mean', () => {
    for (const code of EXIT_CODES) expect(all).toContain(`\n  ${code}\n`)
  })
})

describe('exit codes', () => {
  it.each([
    ['bad-usage', 2],
    ['unknown-flag', 2],
    ['not-running', 3],
    ['bad-setting', 4],
    ['setting-locked', 4],
    ['unknown-circuit', 4],
    ['unknown-peer', 4],
    ['ambiguous-peer', 4],
    ['control-unreachable', 1],
    ['not-authorised', 1],
    ['internal', 1]
  ] as const)('%s is %i', (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit)
  })
})
