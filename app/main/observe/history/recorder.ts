import type { Amounts, BothWays, NetworkAmounts } from '../../../shared/api.ts'
import type { History } from './history.ts'

/** The most that kill -9 loses. */
export const FLUSH_SECONDS = 10
const FLUSH_MS = FLUSH_SECONDS * 1000
const MINUTE_MS = 60_000

/** What was counted since some beginning, such as the process's start. Never falls; if it does, it began anew. */
export type Counted = Readonly<Omit<Amounts, 'uptimeSeconds'>>

export interface RecorderComponents {
  history: Pick<History, 'add' | 'peerSeen' | 'flush'>
  read: () => Counted
  /** Ids of the peers that are connected now. */
  connectedPeers: () => Iterable<string>
  /** Milliseconds on a clock that nobody sets (`() => performance.now()`): uptime. */
  clock: () => number
  /** Milliseconds since 1970. */
  now: () => number
}

interface Reading {
  counted: Counted
  clock: number
  now: number
}

/**
 * Carries what the counters grew by into the history. Its ticks are at full tens of seconds, so that none spans two
 * minutes; what a tick finds belongs to the ten seconds before it, and is counted there.
 */
export class Recorder {
  readonly #components: RecorderComponents
  #last: Reading
  #minute = NaN

  constructor(components: RecorderComponents) {
    this.#components = components
    this.#last = this.#reading()
  }

  /** Brings the history up to date, in memory: for exact totals between two ticks. */
  record(): void {
    const { history } = this.#components
    const last = this.#last
    this.#last = this.#reading()
    const elapsedMs = this.#last.now - last.now
    // After a sleep of the machine, or if its clock was set, the time before tells nothing.
    const at = elapsedMs >= 0 && elapsedMs < 2 * FLUSH_MS ? last.now : this.#last.now
    const uptimeSeconds = Math.max(0, this.#last.clock - last.clock) / 1000
    history.add({ ...growth(last.counted, this.#last.counted), uptimeSeconds }, at)
    this.#countPeers()
  }

  async tick(): Promise<void> {
    this.record()
    await this.#components.history.flush()
  }

  #reading(): Reading {
    const { read, clock, now } = this.#components
    // Whole milliseconds: parts of them would be rounded away at every reading.
    return { counted: snapshot(read()), clock: Math.floor(clock()), now: now() }
  }

  /** Those that come in between are told by their event (`history.peerSeen`). */
  #countPeers(): void {
    const { history, connectedPeers } = this.#components
    const minute = Math.floor(this.#last.now / MINUTE_MS)
    if (minute === this.#minute) return
    this.#minute = minute
    for (const peer of connectedPeers()) history.peerSeen(peer)
  }
}

/** Records every ten seconds until `stop`, which records a last time. Close the history after it. */
export function startRecorder(components: RecorderComponents): { record(): void; stop(): Promise<void> } {
  const recorder = new Recorder(components)
  let timer: NodeJS.Timeout
  const schedule = (): void => {
    timer = setTimeout(
      () => {
        schedule()
        void recorder.tick()
      },
      FLUSH_MS - (components.now() % FLUSH_MS)
    )
  }
  schedule()
  return {
    record: () => recorder.record(),
    stop: async () => {
      clearTimeout(timer)
      await recorder.tick()
    }
  }
}

/** Counters may be handed over as they are, and grow on. */
function snapshot({ bytes, traffic, circuits, refusals, networks, heldSeconds }: Counted): Counted {
  const copies = Object.entries(networks).map(([name, { bytes: both, circuits: made }]) => {
    return [name, { bytes: { ...both }, circuits: made }] as const
  })
  return {
    bytes: { ...bytes },
    traffic: { ...traffic },
    circuits,
    refusals: { ...refusals },
    networks: Object.fromEntries(copies),
    heldSeconds: { ...heldSeconds }
  }
}

function growth(before: Counted, after: Counted): Omit<Amounts, 'uptimeSeconds'> {
  return {
    bytes: grownWays(before.bytes, after.bytes),
    traffic: {
      received: grown(before.traffic.received, after.traffic.received),
      sent: grown(before.traffic.sent, after.traffic.sent)
    },
    circuits: grown(before.circuits, after.circuits),
    refusals: grownCounts(before.refusals, after.refusals),
    networks: grownNetworks(before.networks, after.networks),
    heldSeconds: grownCounts(before.heldSeconds, after.heldSeconds)
  }
}

function grownNetworks(before: Counted['networks'], after: Counted['networks']): Counted['networks'] {
  const all = Object.entries(after).map(([name, now]): [string, NetworkAmounts] => {
    // People name networks as they like, also as objects have names of their own.
    const then = Object.hasOwn(before, name) ? before[name] : undefined
    if (then === undefined) return [name, now]
    return [name, { bytes: grownWays(then.bytes, now.bytes), circuits: grown(then.circuits, now.circuits) }]
  })
  return Object.fromEntries(
    all.filter(([, { bytes, circuits }]) => bytes.toTarget + bytes.toSource + circuits > 0)
  )
}

function grownWays(before: BothWays, after: BothWays): BothWays {
  return {
    toTarget: grown(before.toTarget, after.toTarget),
    toSource: grown(before.toSource, after.toSource)
  }
}

type Counts = Readonly<Partial<Record<string, number>>>

function grownCounts(before: Counts, after: Counts): Record<string, number> {
  const counts = Object.entries(after).map(
    ([key, count = 0]) => [key, grown(before[key] ?? 0, count)] as const
  )
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

const grown = (before: number, after: number): number => (after >= before ? after - before : after)
