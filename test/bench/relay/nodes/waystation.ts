import { readdirSync } from 'node:fs'
import path from 'node:path'
import { startNode } from '../../../support/command.ts'
import { Inspected } from '../../support/inspected.ts'
import { end, owned, removeFolder, temporaryFolder } from '../processes.ts'
import { circuitsBy, type NodeUnderTest, type Subject } from './node.ts'

/** No limit on what a bench does; everything else as it ships. */
export const LIFTED = [
  '--connections-total',
  '--relay-reservations-total',
  '--relay-reservations-per-ip',
  '--relay-circuits-total',
  '--relay-circuits-per-peer',
  '--relay-circuits-duration-seconds',
  '--relay-circuits-bytes-each-way',
  '--relay-rate-total-bytes-per-second',
  '--relay-rate-per-peer-bytes-per-second',
  '--relay-rate-per-circuit-bytes-per-second',
  '--relay-attempts-per-peer-per-minute',
  '--relay-attempts-per-ip-per-minute'
]
  .flatMap(name => [name, 'unlimited'])
  .concat('--overload-event-loop-delay-ms', '0', '--overload-memory-bytes', 'unlimited')

export interface WaystationOptions {
  /** What Node runs. */
  entry: string
  flags: readonly string[]
  /** A folder for its CPU profile. */
  profile?: string | undefined
  /** Lets scripts be evaluated in it. */
  inspected?: boolean
  /** Without libsodium, as on a platform that it has no binary for. */
  hideSodium?: boolean
}

/** For NODE_OPTIONS: what keeps libsodium from being loaded. */
export const HIDE_SODIUM = `--require=${path.resolve(import.meta.dirname, '../../support/hide-sodium.cjs')}`

/** The headless node in a process of its own, on loopback and free ports, with a new data folder. */
export function waystation(options: WaystationOptions): Subject {
  const { entry, flags, profile } = options
  const start = async (): Promise<NodeUnderTest> => {
    const folder = temporaryFolder()
    const env = { NODE_OPTIONS: nodeOptions(options).join(' ') }
    const from = performance.now()
    const command = startNode(folder, [...LIFTED, '--no-upnp', ...flags], { entry, env })
    owned(command.child)
    const inspector = options.inspected === true ? { inspected: await Inspected.of(command.child) } : {}
    const { addresses } = await command.listening()
    const startMs = performance.now() - from
    const stop = async (): Promise<void> => {
      // A profile is written by a process that ends in order.
      await end(command.child, profile === undefined ? 'SIGKILL' : 'SIGTERM')
      removeFolder(folder)
      if (profile !== undefined) console.error(`profiles in ${profile}: ${readdirSync(profile).join(', ')}`)
    }
    return { pid: command.pid, startMs, way: circuitsBy(addresses), ...inspector, stop }
  }
  return { name: 'waystation', start }
}

function nodeOptions({ profile, inspected = false, hideSodium = false }: WaystationOptions): string[] {
  return [
    ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    ...(inspected ? ['--inspect=0'] : []),
    ...(hideSodium ? [HIDE_SODIUM] : [])
  ]
}
