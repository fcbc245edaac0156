import type { Side } from '../../../../app/main/relay/circuit/side.ts'
import { cpuTimes, type CpuTimes } from '../../support/cpu.ts'
import type { Way } from '../nodes/node.ts'
import type { ClientKind } from '../options.ts'
import type { BenchClient } from './bench-client.ts'
import { libp2pClient } from './libp2p-client.ts'
import { listen, socketClient } from './socket-client.ts'
import { Pump, roundTrips, Sinks } from './traffic.ts'

export interface Sample {
  /** Seconds, on the process's own clock. */
  at: number
  /** What its sinks have got. */
  bytes: number
  relay: CpuTimes
  own: CpuTimes
}

/** The peers of one client process, sources or sinks; each method is called from the bench's own process. */
export class Peers {
  readonly #sinks = new Sinks()
  #clients: BenchClient[] = []
  #pumps: Pump[] = []

  /** The port that a proxy finds the sinks at. */
  async listen(): Promise<number> {
    return listen(side => this.#sinks.take(side))
  }

  async create(way: Way, count: number, clients: ClientKind): Promise<void> {
    const taker = (side: Side): void => this.#sinks.take(side)
    const one = async (): Promise<BenchClient> =>
      way.kind === 'sockets'
        ? socketClient(way.port)
        : libp2pClient({ relay: way.address, transport: way.transport, clients, taker })
    await eachOf(count, 8, async () => void this.#clients.push(await one()))
  }

  /** Connects all, some at once, and takes a reservation for each if wanted: their ids. */
  async connect(atOnce: number, reserving: boolean): Promise<string[]> {
    await eachOf(this.#clients.length, atOnce, async at => {
      const client = this.#client(at)
      await client.connect()
      if (reserving) await client.reserve()
    })
    return this.#clients.map(({ id }) => id)
  }

  async echo(echoes: boolean): Promise<void> {
    this.#sinks.echoes = echoes
  }

  /** Opens that many circuits from each of its peers to the target with the same index, and sends. */
  async pump(
    targets: readonly string[],
    circuitsEach: number,
    writeBytes: number,
    bytesPerSecond?: number
  ): Promise<void> {
    const opening = targets.flatMap((target, at) =>
      Array.from({ length: circuitsEach }, () => this.#client(at).open(target))
    )
    this.#pumps = (await Promise.all(opening)).map(side => new Pump(side, writeBytes, bytesPerSecond))
  }

  async stopPumps(): Promise<void> {
    const pumps = this.#pumps
    this.#pumps = []
    await Promise.all(pumps.map(pump => within(5, pump.finish())))
  }

  async sample(relay: number): Promise<Sample> {
    const at = performance.now() / 1000
    return { at, bytes: this.#sinks.bytes, relay: cpuTimes(relay), own: cpuTimes(process.pid) }
  }

  /** Milliseconds that each circuit took to be set up; each peer sets up one after another, and closes it at once. */
  async setUps(targets: readonly string[], seconds: number): Promise<number[]> {
    const took: number[] = []
    const until = performance.now() + seconds * 1000
    const repeat = async (target: string, at: number): Promise<void> => {
      for (let since = performance.now(); since < until; since = performance.now()) {
        const side = await this.#client(at).open(target)
        took.push(performance.now() - since)
        side.join({ onBytes: ignore, onEnd: ignore, onClose: ignore, onWritable: ignore })
        void side.finish().catch(ignore)
      }
    }
    await Promise.all(targets.map(repeat))
    return took
  }

  /** Milliseconds of each round trip, one after another on one circuit. */
  async roundTrips(target: string, bytes: number, seconds: number): Promise<number[]> {
    const side = await this.#client(0).open(target)
    const took = await roundTrips(side, bytes, seconds)
    void side.finish().catch(ignore)
    return took
  }

  async leave(): Promise<void> {
    await this.stopPumps()
    const clients = this.#clients
    this.#clients = []
    await Promise.all(clients.map(client => within(10, client.close())))
  }

  #client(at: number): BenchClient {
    const client = this.#clients[at]
    if (client === undefined) throw new Error(`there are ${this.#clients.length} peers only`)
    return client
  }
}

const ignore = (): void => {}

/** What fails or takes longer is given up: the process goes on to other peers. */
async function within(seconds: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, seconds * 1000)
  await Promise.race([work.catch(ignore), late.promise])
  clearTimeout(timer)
}

/** Does the work for each index, so many at once. */
async function eachOf(count: number, atOnce: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at)
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker))
}
