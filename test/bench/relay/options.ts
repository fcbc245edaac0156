import { parseArgs } from 'node:util'
import { chosen, type Case } from './cases.ts'

export const CLIENTS = ['fast', 'stock'] as const
/** Whose transports the clients have: ours, or those of js-libp2p, which cost several times as much. */
export type ClientKind = (typeof CLIENTS)[number]

export interface Options {
  cases: Case[]
  rounds: number
  warmUpSeconds: number
  /** So many have reserved and left before a node is measured. */
  warmUpPeers: number
  /** Each run takes at least so long, and a transfer moves at least so many bytes. */
  seconds: number
  leastBytes: number
  /** When after the last run the memory is looked at again. */
  afterSeconds: number
  reservations: number
  holdSeconds: number
  starts: number
  idleSeconds: number
  clients: ClientKind
  /** Source processes, and as many sink processes. */
  processes: number
  /** Circuits between the same two peers, over the same two connections. */
  circuitsPerPair: number
  stock: boolean
  /** Whether the desktop cases' nodes have libsodium. */
  sodium: boolean
  /** Another relay instead of ours: its addresses and its process. */
  relay: { name: string; addresses: string[]; pid: number } | undefined
  /** What Node runs as our node. */
  entry: string
  /** Flags of our node, beside those that lift its limits. */
  flags: string[]
  build: boolean
  /** A folder for a CPU profile of our node, of the first case alone. */
  profile: string | undefined
  json: string
  markdown: boolean
  /** A JSON file of an earlier run to show instead of measuring. */
  from: string | undefined
}

const MiB = 2 ** 20
const FULL = {
  rounds: 3,
  warmUp: 1,
  warmUpPeers: 300,
  seconds: 3,
  mib: 256,
  after: 10,
  reservations: 1000,
  hold: 30,
  starts: 5
}
const QUICK = {
  rounds: 1,
  warmUp: 0.5,
  warmUpPeers: 40,
  seconds: 1,
  mib: 64,
  after: 1,
  reservations: 200,
  hold: 3,
  starts: 1
}

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const
const OPTIONS = {
  quick: flag,
  only: { type: 'string', default: '' },
  rounds: text,
  seconds: text,
  mib: text,
  after: text,
  reservations: text,
  hold: text,
  starts: text,
  clients: { type: 'string', default: 'fast' },
  processes: { type: 'string', default: '1' },
  'per-pair': { type: 'string', default: '1' },
  stock: { type: 'boolean', default: true },
  sodium: { type: 'boolean', default: true },
  relay: { type: 'string', multiple: true },
  pid: text,
  pace: text,
  name: { type: 'string', default: 'relay' },
  entry: { type: 'string', default: 'out/main/cli.js' },
  flag: { type: 'string', multiple: true, default: [] as string[] },
  build: { type: 'boolean', default: true },
  profile: text,
  json: { type: 'string', default: 'out/bench/relay.json' },
  markdown: flag,
  from: text
} as const

/** Throws on what it does not understand, with a message for the person. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, allowNegative: true })
  const base = values.quick ? QUICK : FULL
  const clients = CLIENTS.find(each => each === values.clients)
  if (clients === undefined) throw new Error(`--clients: ${CLIENTS.join(' or ')}`)
  const patterns = values.only.split(',').filter(pattern => pattern !== '')
  const cases = chosen(patterns, values.quick)
  const hold = number('hold', values.hold, base.hold)
  const profiling = values.profile !== undefined
  return {
    cases: (profiling ? cases.slice(0, 1) : cases).map(each =>
      'bytesPerSecond' in each && values.pace !== undefined
        ? { ...each, bytesPerSecond: number('pace', values.pace, 0) * MiB }
        : each
    ),
    rounds: number('rounds', values.rounds, profiling ? 1 : base.rounds),
    warmUpSeconds: base.warmUp,
    warmUpPeers: base.warmUpPeers,
    seconds: number('seconds', values.seconds, base.seconds),
    leastBytes: number('mib', values.mib, base.mib) * MiB,
    afterSeconds: number('after', values.after, base.after),
    reservations: number('reservations', values.reservations, base.reservations),
    holdSeconds: hold,
    starts: number('starts', values.starts, base.starts),
    idleSeconds: hold,
    clients,
    processes: number('processes', values.processes, 1),
    circuitsPerPair: number('per-pair', values['per-pair'], 1),
    stock: values.stock && !profiling,
    sodium: values.sodium,
    relay: otherRelay(values.relay, values.pid, values.name),
    entry: values.entry,
    flags: values.flag.flatMap(each => each.split(' ')),
    build: values.build && values.entry === OPTIONS.entry.default && values.relay === undefined,
    profile: values.profile,
    json: values.json,
    markdown: values.markdown,
    from: values.from
  }
}

function number(name: string, value: string | undefined, otherwise: number): number {
  const result = value === undefined ? otherwise : Number(value)
  if (!(result > 0)) throw new Error(`--${name}: a number above 0`)
  return result
}

function otherRelay(
  addresses: string[] | undefined,
  pid: string | undefined,
  name: string
): Options['relay'] {
  if (addresses === undefined) return undefined
  if (pid === undefined) throw new Error('--relay MULTIADDR needs --pid PID: its CPU and memory are measured')
  return { name, addresses, pid: number('pid', pid, 0) }
}
