import { spawn } from 'node:child_process'
import { messageOf } from '../../shared/errors.ts'

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Starts this same binary as plain Node with the `waystation` command, and ends as that ends. Electron waits for its
 * entry to be loaded before it looks for a display and starts a GPU process; whoever awaits this at the top
 * level of the entry keeps it from both.
 *
 * A Ctrl-C reaches both processes, so the command gets it twice; it takes signals that come together for one.
 */
export async function runCommand(cli: string, words: readonly string[]): Promise<never> {
  const child = spawn(process.execPath, [cli, ...words], {
    stdio: 'inherit',
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    windowsHide: true
  })
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal))
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>()
  child.on('exit', (code, signal) => resolve({ code, signal }))
  child.on('error', error => {
    process.stderr.write(`waystation: This app could not start itself as a command: ${messageOf(error)}\n`)
    resolve({ code: 1, signal: null })
  })
  const { code, signal } = await promise
  if (signal !== null) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // A signal is delivered a moment later.
    await new Promise(wake => setTimeout(wake, 1000))
  }
  return process.exit(code ?? 1)
}
