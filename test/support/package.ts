import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import manifest from '../../package.json' with { type: 'json' }

const execute = promisify(execFile)

export const ROOT = path.resolve(import.meta.dirname, '../..')

/** What a fresh clone does not have. */
const NOT_IN_A_CLONE = ['.git', 'node_modules', 'out', 'dist', 'coverage']

/** A copy of the checkout as a clone has it. */
export async function copyCheckout(to: string): Promise<void> {
  const left = new Set(NOT_IN_A_CLONE.map(name => path.join(ROOT, name)))
  await cp(ROOT, to, { recursive: true, filter: source => !left.has(source) })
}

export interface Packed {
  /** The tarball. */
  file: string
  /** Bytes of the tarball. */
  size: number
  files: string[]
}

/** `npm pack` of a copy in `dir`, because it builds, and others may use what the checkout has built. */
export async function pack(dir: string): Promise<Packed> {
  const clone = path.join(dir, 'clone')
  await copyCheckout(clone)
  await symlink(path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules'))
  await mkdir(path.join(dir, 'packed'))
  // Else the build's own output stands before the JSON.
  const flags = ['--json', '--foreground-scripts=false', '--pack-destination', path.join(dir, 'packed')]
  const { stdout } = await npm(['pack', ...flags], clone)
  type Report = { filename: string; size: number; files: { path: string }[] }
  const reports = JSON.parse(stdout) as Report[] | Record<string, Report>
  const [report] = Object.values(reports)
  if (report === undefined) throw new Error('npm pack made nothing')
  const { filename, size, files } = report
  return { file: path.join(dir, 'packed', filename), size, files: files.map(file => file.path) }
}

/** npm on the Node of this process. */
export async function npm(args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`
  return execute('npm', args, { cwd, env: { ...process.env, PATH }, timeout: 300_000, maxBuffer: 2 ** 24 })
}

/** Whether packages can be had from the registry that npm uses here. */
export async function isOnline(): Promise<boolean> {
  return npm(['view', `pino@${manifest.dependencies.pino}`, 'version', '--fetch-retries=0'], ROOT).then(
    () => true,
    () => false
  )
}
