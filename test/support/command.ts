import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const SOURCE = 'app/main/cli.ts'

/** Loopback and free ports, whatever else a test gives. */
export const LOOPBACK = ['--listen-ip4', '127.0.0.1', '--listen-ip6', 'none']
const FREE_PORTS = [
  ...['--port', '0', '--ws-port', '0', '--http-port', '0', '--control-port', '0'],
  '--no-webrtc-direct-enabled',
  '--no-relay-self-test'
]

export type LogLine = Record<string, unknown> & { msg: string }

export interface Listening {
  peerId: string
  addresses: string[]
  identity: string[]
  dataDir: string
  profile: string
}

export interface Finished {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv
  /** What Node runs; the sources of the command unless given. */
  entry?: string
  /** Started instead of Node and its entry: an installed app's command. */
  program?: string
  /** A program that is to start Node, with its arguments. */
  under?: readonly string[]
}

/** The command in a process of its own, by its arguments, until it ends. */
export class Command {
  readonly lines: LogLine[] = []
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  #stdout = ''
  #stderr = ''

  constructor(
    args: readonly string[],
    { env = {}, entry = SOURCE, program, under = [] }: CommandOptions = {}
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WAYSTATION_'))
    const started = program === undefined ? [process.execPath, entry] : [program]
    const [first = '', ...rest] = [...under, ...started, ...args]
    this.child = spawn(first, rest, {
      cwd: ROOT,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.child.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()))
    createInterface({ input: this.child.stdout! }).on('line', line => {
      this.#stdout += `${line}\n`
      if (line.startsWith('{"level"')) this.lines.push(JSON.parse(line) as LogLine)
    })
    this.finished = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout,
      stderr: this.#stderr
    }))
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Log lines with that message. */
  logged(message: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  /** What the node says when it is up. */
  async listening(): Promise<Listening> {
    await until('the node listens', () => this.logged('listening').length > 0 || !this.running, 30)
    const [line] = this.logged('listening')
    if (line === undefined) throw new Error(`the node ended: ${(await this.finished).stderr}`)
    return line as unknown as Listening
  }

  async kill(signal: NodeJS.Signals): Promise<Finished> {
    if (this.running) this.child.kill(signal)
    return this.finished
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL')
  }
}

/** A data folder of a test's own. */
export async function temporaryFolder(): Promise<{ dir: string; [Symbol.asyncDispose](): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'waystation-test-'))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

/** A node from source on loopback and free ports; the test's own flags win. */
export function startNode(
  dataDir: string,
  flags: readonly string[] = [],
  options: CommandOptions = {}
): Command {
  return new Command(['--no-gui', '--data-dir', dataDir, ...LOOPBACK, ...FREE_PORTS, ...flags], options)
}
