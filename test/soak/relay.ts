import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { createClient, type ControlClient } from '../../app/main/api/client.ts'
import { temporaryFolder } from '../support/command.ts'
import { addressOf } from '../support/relay.ts'
import { processFigures, type ProcessFigures } from './process-figures.ts'
import type { Way } from './protocol.ts'

/**
 * What costs nothing; memory after a garbage collection, so that what is counted is what is held; or the objects as
 * well, for which the node stands still for seconds.
 */
export type Question = 'cheap' | 'memory' | 'objects'

/** What the node's process says of itself (relay-child.ts). */
export interface Inside {
  /** What keeps Node's event loop alive, by type. */
  resources: Record<string, number>
  timers: number
  /** Bytes. */
  memory?: Record<'heapUsed' | 'external' | 'arrayBuffers', number>
  /** In memory, open or not. `streams`: libp2p's connections as well. */
  objects?: Record<'sockets' | 'streams', number>
}

/** What the node says of itself, over its control API. */
export interface Slots {
  reservations: number
  circuits: number
  connections: number
  peers: number
}

export interface Figures extends Inside {
  process: ProcessFigures
  slots: Slots
}

const ROOT = path.resolve(import.meta.dirname, '../..')
const PROBE = new URL('./relay-child.ts', import.meta.url).href
/** As pino numbers its levels. */
const [WARNING, ERROR] = [40, 50]
const ANSWER_TIMEOUT_MS = 60_000

/** Every limit lifted, on loopback and free ports. */
const FLAGS = [
  ...['--listen-ip4', '127.0.0.1', '--listen-ip6', 'off', '--profile', 'server', '--no-relay-self-test'],
  ...['tcp', 'quic', 'ws', 'http', 'control'].flatMap(name => [`--${name}-port`, '0']),
  ...[
    'connections-total',
    'relay-reservations-total',
    'relay-reservations-per-ip',
    'relay-circuits-total',
    'relay-circuits-per-peer',
    'relay-circuits-duration-seconds',
    'relay-circuits-bytes-each-way',
    'relay-attempts-per-peer-per-minute',
    'relay-attempts-per-ip-per-minute',
    'overload-event-loop-delay-ms',
    'overload-memory-bytes'
  ].flatMap(name => [`--${name}`, '0'])
]

/** The headless node in a process of its own, watched from outside and inside. */
export class SoakRelay {
  readonly pid: number
  readonly addresses: Record<Way, string>
  /** Errors that it has logged: whatever clients do, there should be none. */
  readonly faults: string[]
  readonly #child: ChildProcess
  readonly #control: ControlClient
  readonly #removeFolder: () => Promise<void>

  private constructor(
    child: ChildProcess,
    control: ControlClient,
    addresses: readonly string[],
    faults: string[],
    removeFolder: () => Promise<void>
  ) {
    this.#child = child
    this.faults = faults
    this.#control = control
    this.#removeFolder = removeFolder
    this.pid = child.pid ?? -1
    const [tcp, ws, quic] = (['tcp', 'ws', 'quic'] as const).map(kind => addressOf(addresses, kind))
    this.addresses = { tcp, tls: tcp, ws, quic } as Record<Way, string>
  }

  /** `entry`: what Node runs; `flags` come on top of those that lift the limits. */
  static async start(entry: string, flags: readonly string[] = []): Promise<SoakRelay> {
    const folder = await temporaryFolder()
    const args = ['--no-warnings', '--import', PROBE, entry, '--no-gui', '--data-dir', folder.dir, ...FLAGS]
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith('WAYSTATION_'))
    const child = spawn(process.execPath, [...args, '--log-format', 'json', ...flags], {
      cwd: ROOT,
      env: Object.fromEntries(env),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // A group of its own: Ctrl-C is not for the node, which would begin to drain.
      detached: true
    })
    const faults: string[] = []
    const removeFolder = (): Promise<void> => folder[Symbol.asyncDispose]()
    try {
      const control = await controlOf(child, folder.dir, faults)
      const { addresses } = await control.call('status')
      const listening = addresses.map(({ address }) => address)
      return new SoakRelay(child, control, listening, faults, removeFolder)
    } catch (error) {
      child.kill('SIGKILL')
      await removeFolder()
      throw error
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** From outside first: the questions after that open sockets of their own. */
  async figures(question: Question): Promise<Figures> {
    const outside = processFigures(this.pid)
    const { reservations, circuits, connections } = await this.#control.call('status')
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    this.#child.send(question)
    const [inside] = (await answer) as [Inside]
    const slots = {
      reservations: reservations.held,
      circuits: circuits.running,
      peers: connections.peers,
      connections: Object.values(connections.byTransport).reduce((sum, count) => sum + count, 0)
    }
    return { ...inside, process: outside, slots }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) {
      const gone = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await gone
    }
    await this.#removeFolder()
  }
}

/** Waits until the node listens; what it warns of goes on to stderr. */
async function controlOf(child: ChildProcess, dataDir: string, faults: string[]): Promise<ControlClient> {
  const up = Promise.withResolvers<void>()
  createInterface({ input: child.stdout! }).on('line', line => {
    const { msg, level } = parse(line)
    if (msg === 'listening') up.resolve()
    if (level >= WARNING) console.error(line)
    if (level >= ERROR) faults.push(line)
  })
  child.once('exit', code => up.reject(new Error(`the node ended: ${code}`)))
  await up.promise
  const file = JSON.parse(await readFile(path.join(dataDir, 'control.json'), 'utf8')) as Record<
    string,
    string
  >
  const token = (await readFile(path.join(dataDir, 'control.token'), 'utf8')).trim()
  const access = { url: file['url'] ?? '', pid: child.pid ?? -1, version: file['version'] ?? '', token }
  return createClient({ access, stillRuns: async () => Promise.resolve(child.exitCode === null) })
}

function parse(line: string): { msg: string; level: number } {
  try {
    return JSON.parse(line) as { msg: string; level: number }
  } catch {
    return { msg: line, level: WARNING }
  }
}
