import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { processTree } from '../../e2e/support/processes.ts'

/** Everything the bench started and made: gone when it ends, however it ends (but by SIGKILL). */

const running = new Set<ChildProcess>()
const folders = new Set<string>()

/** Call once, before anything is started. */
export function cleanUpAtExit(): void {
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL')
    // What those started, and what the tests' helpers did (a display, a bus).
    for (const pid of processTree(process.pid).slice(1)) endNow(pid)
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15]
  ] as const)
    process.once(signal, () => process.exit(128 + number))
}

/** Takes care that the process does not outlive this one. */
export function owned<C extends ChildProcess>(child: C): C {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'waystation-bench-'))
  folders.add(folder)
  return folder
}

/** A folder that someone else made, and may not get to remove. */
export function removedAtExit(folder: string): void {
  folders.add(folder)
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

/** A module of the bench in a process of its own, and the first message it sends. */
export async function forked<M>(
  module: URL,
  args: readonly string[] = []
): Promise<{ child: ChildProcess; first: M }> {
  const child = owned(fork(module, args, { execArgv: ['--no-warnings'], serialization: 'advanced' }))
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${path.basename(module.pathname)} ended: ${code}`)
  })
  const [first] = (await Promise.race([once(child, 'message'), ended])) as [M]
  ended.catch(() => {})
  return { child, first }
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended with its parent.
  }
}
