import { readCommandLine } from './command-line.ts'

/**
 * Whether what was written asks for a command rather than a window: exit code 0 if so, else 1. The `waystation` command
 * of an installed app (resources/command) asks before it starts Electron; the rule itself is command-line.ts's.
 */
const [binary = '', , ...words] = process.argv
process.exitCode = readCommandLine([binary, ...words], { fromClone: false }).isCommand ? 0 : 1
