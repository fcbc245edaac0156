import { execFile } from 'node:child_process'
import { systemCode } from '../../shared/errors.ts'

/** What a program printed; `absent` where it is not installed, `failed` where it failed or took too long. */
export type Ran = { stdout: string } | 'absent' | 'failed'
export type Run = (program: string, args: readonly string[]) => Promise<Ran>

/** PowerShell needs seconds where the disk is busy. */
const PATIENCE_MS = 10_000

export const runProgram: Run = (program, args) =>
  new Promise(resolve => {
    const options = { timeout: PATIENCE_MS, windowsHide: true, encoding: 'utf8' } as const
    execFile(program, args, options, (error, stdout) => {
      if (error === null) return resolve({ stdout })
      resolve(systemCode(error) === 'ENOENT' ? 'absent' : 'failed')
    })
  })

/** What it printed, or undefined. */
export async function outputOf(
  run: Run,
  program: string,
  args: readonly string[]
): Promise<string | undefined> {
  const ran = await run(program, args)
  return typeof ran === 'string' ? undefined : ran.stdout
}
