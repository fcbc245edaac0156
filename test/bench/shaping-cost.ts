import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { defaultLogger } from '@libp2p/logger'
import type { Stream } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { Shaper } from '../../app/main/relay/budget/shaper.ts'
import type { Joinable } from '../../app/main/relay/circuit/frames.ts'
import { Held } from '../../app/main/relay/circuit/held.ts'
import { Splice } from '../../app/main/relay/circuit/splice.ts'
import { sideOf } from '../../app/main/relay/circuit/stock-side.ts'
import { createBus } from '../../app/main/observe/events.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { bareJoin } from './support/bare.ts'
import { cpuSeconds, median } from './support/cpu.ts'
import type { Job } from './support/clients-child.ts'

/**
 * What shaping and metering cost while no rate is set: `node test/bench/shaping-cost.ts [rounds]`.
 *
 * First the splice by itself, over streams in memory, beside the least that would join two streams: the
 * difference is all that counting, limits and shaping cost. Then the relay over TCP, in a process of its own,
 * beside one whose circuits are joined like that, and beside a node:net proxy as the yardstick. The issue
 * allows shaping 10 %.
 */

const GIB = 2 ** 30
const ROUNDS = Math.max(5, Number(process.argv[2] ?? 5))
const STREAMS = 8
const BYTES_EACH = 48 * 2 ** 20
const log = defaultLogger().forComponent('bench')

/** A stream whose other side is always ready, at no cost. */
class MemoryStream extends AbstractStream {
  sent = 0

  constructor(id: string) {
    super({ id, log })
  }

  sendData(data: Uint8ArrayList): SendResult {
    this.sent += data.byteLength
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
  sendPause(): void {}
  sendResume(): void {}
}

type Join = (source: Joinable, target: Joinable) => void

/** As circuits.ts joins them, with listeners as the node has on its bus. */
const shaped: Join = (source, target) => {
  const bus = createBus()
  let total = 0
  bus.on('bytes-relayed', ({ bytes }) => (total += bytes))
  const traffic = { sent: 0, received: 0 }
  const none = Infinity
  const shaper = new Shaper({
    totalBytesPerSecond: none,
    perPeerBytesPerSecond: none,
    perCircuitBytesPerSecond: none
  })
  new Splice({
    source,
    target,
    sourcePeer: 'a',
    targetPeer: 'b',
    shaper,
    bytesEachWay: () => none,
    relayed: (direction, bytes) => {
      traffic.sent += bytes
      traffic.received += bytes
      bus.emit('bytes-relayed', { direction, bytes })
    },
    ended: () => {}
  }).start()
}

/** CPU seconds for a GiB through such a join, in messages of that size. */
async function joinCost(join: Join, messageBytes: number): Promise<number> {
  const [source, target] = [new MemoryStream('source'), new MemoryStream('target')]
  join(joinable(source), joinable(target))
  await turn()
  const message = new Uint8Array(messageBytes)
  const bytes = messageBytes >= 16_384 ? 8 * GIB : GIB / 4
  const before = process.cpuUsage()
  for (let sent = 0; sent < bytes; sent += messageBytes) source.onData(message)
  const { user, system } = process.cpuUsage(before)
  if (target.sent < bytes) throw new Error('not all was passed on')
  return ((user + system) / 1e6 / bytes) * GIB
}

class Clients {
  readonly #child: ChildProcess = fork(new URL('./support/clients-child.ts', import.meta.url), {
    execArgv: ['--no-warnings']
  })

  /** The port of its sink. */
  async ready(): Promise<number> {
    return ((await once(this.#child, 'message')) as [number])[0]
  }

  /** Seconds that the job took. */
  async run(job: Job): Promise<number> {
    this.#child.send(job)
    return ((await once(this.#child, 'message')) as [number])[0]
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

interface Run {
  cpuPerGiB: number
  mibPerSecond: number
}

async function measure(clients: Clients, pid: number, job: Job): Promise<Run> {
  const bytes = job.streams * job.bytesEach
  const before = cpuSeconds(pid)
  const seconds = await clients.run(job)
  return {
    cpuPerGiB: ((cpuSeconds(pid) - before) / bytes) * GIB,
    mibPerSecond: bytes / 2 ** 20 / seconds
  }
}

async function isolated(): Promise<{ messageBytes: number; bare: number; shaped: number }[]> {
  const results = []
  for (const messageBytes of [65_536, 16_384, 1024]) {
    const runs: { bare: number[]; shaped: number[] } = { bare: [], shaped: [] }
    for (let round = -1; round < ROUNDS; round++) {
      const [without, with_] = [await joinCost(bareJoin, messageBytes), await joinCost(shaped, messageBytes)]
      if (round < 0) continue
      runs.bare.push(without)
      runs.shaped.push(with_)
    }
    results.push({ messageBytes, bare: median(runs.bare), shaped: median(runs.shaped) })
  }
  return results
}

type Side = 'shaped' | 'bare' | 'yardstick'

async function endToEnd(): Promise<Record<Side, Run>> {
  await using shaped = await RelayProcess.start()
  await using bare = await RelayProcess.start({}, new URL('./support/bare-relay-child.ts', import.meta.url))
  using clients = new Clients()
  const port = await clients.ready()
  const pipe = fork(new URL('./support/pipe-child.ts', import.meta.url), [String(port)], {
    execArgv: ['--no-warnings']
  })
  try {
    const [pipePort] = (await once(pipe, 'message')) as [number]
    const circuits = (relay: RelayProcess): Promise<Run> =>
      measure(clients, relay.child.pid ?? 0, {
        kind: 'circuits',
        to: relay.address('tcp'),
        streams: STREAMS,
        bytesEach: BYTES_EACH
      })
    // The proxy is so much faster that as few bytes would be too short to measure.
    const sockets: Job = {
      kind: 'sockets',
      to: String(pipePort),
      streams: STREAMS,
      bytesEach: 6 * BYTES_EACH
    }
    const runs: Record<Side, Run[]> = { shaped: [], bare: [], yardstick: [] }
    for (let round = -1; round < ROUNDS; round++) {
      // Whoever is first has the colder machine: they take turns.
      const first = round % 2 === 0 ? await circuits(shaped) : undefined
      const ofBare = await circuits(bare)
      const ofShaped = first ?? (await circuits(shaped))
      const ofPipe = await measure(clients, pipe.pid ?? 0, sockets)
      if (round < 0) continue
      runs.bare.push(ofBare)
      runs.shaped.push(ofShaped)
      runs.yardstick.push(ofPipe)
    }
    const medians = (all: Run[]): Run => ({
      cpuPerGiB: median(all.map(run => run.cpuPerGiB)),
      mibPerSecond: median(all.map(run => run.mibPerSecond))
    })
    return { shaped: medians(runs.shaped), bare: medians(runs.bare), yardstick: medians(runs.yardstick) }
  } finally {
    pipe.kill()
  }
}

const joins = await isolated()
const ends = await endToEnd()
const { shaped: relay, bare: without, yardstick } = ends
console.table(
  joins.map(({ messageBytes, bare, shaped }) => ({
    'message bytes': messageBytes,
    'bare join, CPU s/GiB': bare.toFixed(4),
    'splice, CPU s/GiB': shaped.toFixed(4),
    'more, CPU s/GiB': (shaped - bare).toFixed(4),
    // Short messages cost the rest of the relay more, too: this is the most that it can be.
    'part of the relay': `${((100 * (shaped - bare)) / relay.cpuPerGiB).toFixed(2)} %`
  }))
)
const row = ({ cpuPerGiB, mibPerSecond }: Run): object => ({
  'CPU s/GiB': cpuPerGiB.toFixed(2),
  'MiB/s': mibPerSecond.toFixed(0),
  'CPU, times the pipe': (cpuPerGiB / yardstick.cpuPerGiB).toFixed(2),
  'speed, of the pipe': (mibPerSecond / yardstick.mibPerSecond).toFixed(3)
})
console.table({ relay: row(relay), 'without shaping': row(without), 'node:net pipe': row(yardstick) })
const cost = relay.cpuPerGiB / without.cpuPerGiB - 1
const slower = 1 - relay.mibPerSecond / without.mibPerSecond
console.log(
  `shaping and metering: ${(100 * cost).toFixed(1)} % more CPU, ${(100 * slower).toFixed(1)} % slower`
)
console.log(
  JSON.stringify({
    bench: 'shaping-cost',
    node: process.version,
    rounds: ROUNDS,
    joins,
    ...ends,
    cost,
    slower
  })
)

function joinable(stream: Stream): Joinable {
  return { side: sideOf(stream), early: new Held(), ended: false }
}
