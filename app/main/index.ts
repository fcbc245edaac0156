import { fileURLToPath } from 'node:url'
import { readCommandLine } from './desktop/command-line.ts'
import { lacksDisplay, NO_DISPLAY } from './desktop/display.ts'
import { runCommand } from './desktop/run-command.ts'

/**
 * Electron's entry. `--no-gui` and the commands never get further than this: what is awaited here keeps Electron from
 * looking for a display (desktop/run-command.ts).
 */
const line = readCommandLine(process.argv, { fromClone: process.defaultApp === true })
if (line.isCommand) await runCommand(fileURLToPath(new URL('cli.js', import.meta.url)), line.words)
if (lacksDisplay(process.platform, process.env, process.argv)) {
  process.stderr.write(`waystation: ${NO_DISPLAY}\n`)
  process.exit(1)
}
const { startDesktop } = await import('./desktop/main.ts')
startDesktop(line)
