import type { CpuTimes } from '../../support/cpu.ts'
import type { Way } from '../nodes/node.ts'
import type { ClientKind } from '../options.ts'
import { forked } from '../processes.ts'
import type { Peers, Sample } from './peers.ts'
import { Remote } from './rpc.ts'

/** What happened between two moments. */
export interface Window {
  seconds: number
  /** Bytes that reached the sinks. */
  bytes: number
  relay: CpuTimes
  /** How busy the busiest source and sink process was: CPU seconds a second. 1 is a bottleneck. */
  sourceBusy: number
  sinkBusy: number
}

interface Samples {
  sources: Sample[]
  sinks: Sample[]
}

/** The client processes of a bench: sources and sinks, as many of each. */
export class Crew {
  readonly sinkPort: number
  readonly #sources: Remote<Peers>[]
  readonly #sinks: Remote<Peers>[]
  readonly #clients: ClientKind
  /** For each source process the peers that it opens circuits to, one for each of its own. */
  #targets: string[][] = []

  private constructor(sources: Remote<Peers>[], sinks: Remote<Peers>[], clients: ClientKind, port: number) {
    this.#sources = sources
    this.#sinks = sinks
    this.#clients = clients
    this.sinkPort = port
  }

  static async start(processes: number, clients: ClientKind): Promise<Crew> {
    const start = async (): Promise<Remote<Peers>> =>
      new Remote<Peers>((await forked(new URL('./peers-child.ts', import.meta.url))).child)
    const starting = async (): Promise<Remote<Peers>[]> =>
      Promise.all(Array.from({ length: processes }, start))
    const [sources, sinks] = await Promise.all([starting(), starting()])
    const [first] = sinks
    if (first === undefined) throw new Error('no client processes')
    return new Crew(sources, sinks, clients, await first.call('listen'))
  }

  /** So many pairs of a source and a sink, spread over the processes, connected; the sinks have reserved. */
  async pairUp(way: Way, pairs: number, { echo = false } = {}): Promise<void> {
    const shares = this.#shares(pairs)
    const join = async (peers: Remote<Peers>, at: number, reserving: boolean): Promise<string[]> => {
      await peers.call('echo', reserving && echo)
      await peers.call('create', way, shares[at] ?? 0, this.#clients)
      return peers.call('connect', 8, reserving)
    }
    this.#targets = await Promise.all(this.#sinks.map((peers, at) => join(peers, at, true)))
    await Promise.all(this.#sources.map((peers, at) => join(peers, at, false)))
  }

  /** Opens circuits, and sends through each until the peers leave: as fast as it takes it, or so fast. */
  async pump(circuitsPerPair: number, writeBytes: number, bytesPerSecond?: number): Promise<void> {
    await Promise.all(
      this.#sources.map((peers, at) =>
        peers.call('pump', this.#targets[at] ?? [], circuitsPerPair, writeBytes, bytesPerSecond)
      )
    )
  }

  /** Sets up circuits for so long, each pair by itself: what each took, in milliseconds. */
  async setUps(seconds: number): Promise<number[]> {
    const all = this.#sources.map((peers, at) => peers.call('setUps', this.#targets[at] ?? [], seconds))
    return (await Promise.all(all)).flat()
  }

  /** Between the first pair. */
  async roundTrips(bytes: number, seconds: number): Promise<number[]> {
    const [source] = this.#sources
    return (await source?.call('roundTrips', this.#targets[0]?.[0] ?? '', bytes, seconds)) ?? []
  }

  /** Peers for reservations, in all processes, not connected yet. */
  async create(way: Way, count: number): Promise<void> {
    const shares = this.#shares(count, this.#all.length)
    await Promise.all(this.#all.map((peers, at) => peers.call('create', way, shares[at] ?? 0, this.#clients)))
  }

  async reserve(atOnce: number): Promise<void> {
    const shares = this.#shares(atOnce, this.#all.length)
    await Promise.all(this.#all.map((peers, at) => peers.call('connect', Math.max(1, shares[at] ?? 0), true)))
  }

  async leave(): Promise<void> {
    // Sources first: a circuit that its source closes ends in order.
    await Promise.all(this.#sources.map(peers => peers.call('leave')))
    await Promise.all(this.#sinks.map(peers => peers.call('leave')))
    this.#targets = []
  }

  /** What the relay and the clients used while that was done. */
  async during<T>(relay: number, work: () => Promise<T>): Promise<{ window: Window; result: T }> {
    const before = await this.#sample(relay)
    const result = await work()
    return { window: between(before, await this.#sample(relay)), result }
  }

  /** A window that goes on until it is found long enough. */
  async until(relay: number, enough: (window: Window) => boolean): Promise<Window> {
    const before = await this.#sample(relay)
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 200))
      const window = between(before, await this.#sample(relay))
      if (enough(window)) return window
    }
  }

  get #all(): Remote<Peers>[] {
    return [...this.#sources, ...this.#sinks]
  }

  #shares(count: number, among = this.#sources.length): number[] {
    return Array.from({ length: among }, (_, at) => Math.floor((count + at) / among)).reverse()
  }

  async #sample(relay: number): Promise<Samples> {
    const sample = async (peers: Remote<Peers>): Promise<Sample> => peers.call('sample', relay)
    const [sources, sinks] = await Promise.all([
      Promise.all(this.#sources.map(sample)),
      Promise.all(this.#sinks.map(sample))
    ])
    return { sources, sinks }
  }
}

function between(before: Samples, after: Samples): Window {
  const [first, last] = [before.sinks[0], after.sinks[0]]
  if (first === undefined || last === undefined) throw new Error('no sinks')
  const bytesOf = ({ sinks }: Samples): number => sinks.reduce((sum, { bytes }) => sum + bytes, 0)
  const busiest = (from: Sample[], to: Sample[]): number =>
    Math.max(
      ...to.map(({ own, at }, index) => {
        const since = from[index] ?? first
        return (own.user + own.system - since.own.user - since.own.system) / (at - since.at)
      })
    )
  return {
    seconds: last.at - first.at,
    bytes: bytesOf(after) - bytesOf(before),
    relay: { user: last.relay.user - first.relay.user, system: last.relay.system - first.relay.system },
    sourceBusy: busiest(before.sources, after.sources),
    sinkBusy: busiest(before.sinks, after.sinks)
  }
}
