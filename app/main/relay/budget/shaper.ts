import { TokenBucket } from './bucket.ts'

/** The rates in force, in bytes a second and each direction; Infinity: none. */
export interface Rates {
  totalBytesPerSecond: number
  perPeerBytesPerSecond: number
  perCircuitBytesPerSecond: number
  /** What the circuits of a network may have together; those without an entry have no rate of their own. */
  networks?: ReadonlyMap<string, number>
}

/** Time, passed in so that tests need not sleep. `now` is monotonic and in milliseconds. */
export interface Timing {
  now(): number
  after(milliseconds: number, run: () => void): () => void
}

export const systemTiming: Timing = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  }
}

/** Both directions of a circuit: from the dialer to the listener, and back. */
export type Direction = 'to-target' | 'to-source'

const WAYS: readonly Direction[] = ['to-target', 'to-source']

export interface FlowInit {
  from: string
  to: string
  direction: Direction
  /** The network that the circuit belongs to. */
  network?: string
  /** Called when this many bytes may pass, after `take` returned 0. */
  granted(bytes: number): void
}

interface PeerBuckets {
  out: TokenBucket
  in: TokenBucket
  flows: number
}

interface NetworkBuckets extends Record<Direction, TokenBucket> {
  flows: number
}

/** A turn is at most what its slowest bucket passes in this time: short enough to wait for, long enough to pay. */
const TURN_SECONDS = 0.02
const SMALLEST_TURN_BYTES = 1024
const LARGEST_TURN_BYTES = 64 * 1024
/** After the process was kept from running, so much of what could have passed meanwhile passes at once. */
const LONGEST_CATCH_UP_MS = 500
/** Timers cannot wait longer than 2^31 ms; whoever wakes early waits again. */
const LONGEST_WAIT_MS = 60_000

/**
 * Shares the rates among circuits: total, then network, then peer, then circuit, each direction by itself. A turn passes
 * when every bucket on its way has a token. Of those that could pass, the one that has had least is next
 * (start-time fair queueing), so that greedy ones get equal parts of what they share, whatever the length
 * of their turns, and one that waits for its own bucket loses nothing to the others.
 */
export class Shaper {
  readonly #timing: Timing
  #rates: Rates
  readonly #total: Record<Direction, TokenBucket>
  readonly #networks = new Map<string, NetworkBuckets>()
  readonly #peers = new Map<string, PeerBuckets>()
  readonly #peerRates = new Map<string, number>()
  readonly #flows = new Set<Flow>()
  /** Those that wait, the longest first. */
  readonly #queue = new Set<Flow>()
  /** The latest start of a turn, on the clock of bytes that a direction's flows share. */
  readonly #turn: Record<Direction, number> = { 'to-target': 0, 'to-source': 0 }
  #serving = false
  #cancelTimer: (() => void) | undefined
  #timerAt = 0

  constructor(rates: Rates, timing: Timing = systemTiming) {
    this.#rates = rates
    this.#timing = timing
    const now = timing.now()
    this.#total = {
      'to-target': new TokenBucket(rates.totalBytesPerSecond, now),
      'to-source': new TokenBucket(rates.totalBytesPerSecond, now)
    }
  }

  /** One direction of a circuit. Close it with `release()`. */
  open(init: FlowInit): Flow {
    const now = this.#timing.now()
    const own = new TokenBucket(this.#rates.perCircuitBytesPerSecond, now)
    const from = this.#peerBuckets(init.from)
    const to = this.#peerBuckets(init.to)
    const shared = [this.#total[init.direction], ...this.#networkBucket(init)]
    const flow = new Flow(this, init, [...shared, from.out, to.in, own], own)
    this.#flows.add(flow)
    return flow
  }

  /** Applies new rates to running circuits. */
  setRates(rates: Rates): void {
    this.#rates = rates
    const now = this.#timing.now()
    for (const bucket of Object.values(this.#total)) bucket.setRate(rates.totalBytesPerSecond, now)
    for (const [network, buckets] of this.#networks) {
      for (const way of WAYS) buckets[way].setRate(this.#rateOfNetwork(network), now)
    }
    for (const [peer, buckets] of this.#peers) this.#setPeerBuckets(peer, buckets, now)
    for (const flow of this.#flows) flow.own.setRate(rates.perCircuitBytesPerSecond, now)
    this.#serve()
  }

  /** Gives one peer a rate of its own in bytes a second, each direction; undefined: that of all peers. */
  setPeerRate(peer: string, bytesPerSecond: number | undefined): void {
    if (bytesPerSecond === undefined) this.#peerRates.delete(peer)
    else this.#peerRates.set(peer, bytesPerSecond)
    const buckets = this.#peers.get(peer)
    if (buckets !== undefined) this.#setPeerBuckets(peer, buckets, this.#timing.now())
    this.#serve()
  }

  /** Bytes that may pass now, at most `wanted`; 0: `granted` will be called. */
  take(flow: Flow, wanted: number): number {
    if (!flow.limited) return wanted
    if (this.#queue.has(flow)) return 0
    // Its next turn begins after its last, and who rested saves up nothing.
    flow.start = Math.max(flow.start, this.#turn[flow.init.direction])
    const wait = this.#serving ? Infinity : this.#waitMs(flow, this.#timing.now())
    // Whoever comes while others wait stands behind them, or a busy circuit would take every token.
    if (this.#queue.size === 0 && wait === 0) return this.#spend(flow, wanted)
    flow.wanted = wanted
    this.#queue.add(flow)
    this.#wakeIn(wait)
    return 0
  }

  release(flow: Flow): void {
    if (!this.#flows.delete(flow)) return
    this.#queue.delete(flow)
    if (this.#queue.size === 0) this.#cancel()
    const { network } = flow.init
    const ofNetwork = network === undefined ? undefined : this.#networks.get(network)
    if (network !== undefined && ofNetwork !== undefined && --ofNetwork.flows === 0)
      this.#networks.delete(network)
    for (const peer of [flow.init.from, flow.init.to]) {
      const buckets = this.#peers.get(peer)
      if (buckets !== undefined && --buckets.flows === 0) this.#peers.delete(peer)
    }
  }

  /** None where the circuit is of no network. A rate may come later, so that there is one without a rate, too. */
  #networkBucket({ network, direction }: FlowInit): TokenBucket[] {
    if (network === undefined) return []
    const now = this.#timing.now()
    const rate = this.#rateOfNetwork(network)
    const buckets = this.#networks.get(network) ?? {
      'to-target': new TokenBucket(rate, now),
      'to-source': new TokenBucket(rate, now),
      flows: 0
    }
    buckets.flows++
    this.#networks.set(network, buckets)
    return [buckets[direction]]
  }

  #rateOfNetwork(network: string): number {
    return this.#rates.networks?.get(network) ?? Infinity
  }

  #peerBuckets(peer: string): PeerBuckets {
    const now = this.#timing.now()
    const rate = this.#rateOf(peer)
    const buckets = this.#peers.get(peer) ?? {
      out: new TokenBucket(rate, now),
      in: new TokenBucket(rate, now),
      flows: 0
    }
    buckets.flows++
    this.#peers.set(peer, buckets)
    return buckets
  }

  #rateOf(peer: string): number {
    return this.#peerRates.get(peer) ?? this.#rates.perPeerBytesPerSecond
  }

  #setPeerBuckets(peer: string, buckets: PeerBuckets, now: number): void {
    buckets.out.setRate(this.#rateOf(peer), now)
    buckets.in.setRate(this.#rateOf(peer), now)
  }

  #waitMs(flow: Flow, now: number, late = 0): number {
    let wait = 0
    for (const bucket of flow.buckets) wait = Math.max(wait, bucket.waitMs(now, late))
    return wait
  }

  /** Gives turns until nobody's buckets have tokens left; `late` milliseconds after it should have. */
  #serve(late = 0): void {
    if (this.#serving) return
    this.#cancel()
    this.#serving = true
    // One moment for all turns: a fast rate would otherwise refill while it is served, and never end.
    const now = this.#timing.now()
    try {
      for (let flow = this.#next(now, late); flow !== undefined; flow = this.#next(now, late)) {
        this.#queue.delete(flow)
        flow.init.granted(this.#spend(flow, flow.wanted))
      }
    } finally {
      this.#serving = false
      let wait = Infinity
      for (const flow of this.#queue) wait = Math.min(wait, this.#waitMs(flow, now))
      this.#wakeIn(wait)
    }
  }

  /** Of those whose buckets have tokens, the one that has had least. */
  #next(now: number, late: number): Flow | undefined {
    let next: Flow | undefined
    let least = Infinity
    for (const flow of this.#queue) {
      if (flow.start >= least || this.#waitMs(flow, now, late) > 0) continue
      next = flow
      least = flow.start
    }
    return next
  }

  #spend(flow: Flow, wanted: number): number {
    const bytes = flow.spend(wanted)
    this.#turn[flow.init.direction] = Math.max(flow.start, this.#turn[flow.init.direction])
    flow.start += bytes
    return bytes
  }

  /** Serves the queue after that many milliseconds, if nothing does so earlier. */
  #wakeIn(wait: number): void {
    const at = this.#timing.now() + wait
    if (wait === Infinity || (this.#cancelTimer !== undefined && this.#timerAt <= at)) return
    this.#cancel()
    this.#timerAt = at
    this.#cancelTimer = this.#timing.after(Math.min(wait, LONGEST_WAIT_MS), () => {
      this.#cancelTimer = undefined
      this.#serve(Math.min(LONGEST_CATCH_UP_MS, Math.max(0, this.#timing.now() - at)))
    })
  }

  #cancel(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}

/** One direction of a circuit on its way through the buckets. */
export class Flow {
  readonly init: FlowInit
  readonly buckets: readonly TokenBucket[]
  readonly own: TokenBucket
  /** Bytes it asked for when it was queued. */
  wanted = 0
  /** Where its next turn begins, on its direction's clock of bytes. */
  start = 0
  readonly #shaper: Shaper

  constructor(shaper: Shaper, init: FlowInit, buckets: readonly TokenBucket[], own: TokenBucket) {
    this.#shaper = shaper
    this.init = init
    this.buckets = buckets
    this.own = own
  }

  get limited(): boolean {
    for (const bucket of this.buckets) if (bucket.limited) return true
    return false
  }

  /** Bytes that may pass now, at most `wanted`; 0: `granted` will be called. */
  take(wanted: number): number {
    return this.#shaper.take(this, wanted)
  }

  release(): void {
    this.#shaper.release(this)
  }

  /** Takes one turn's bytes, at most `wanted`, from every bucket. */
  spend(wanted: number): number {
    let slowest = Infinity
    for (const bucket of this.buckets) slowest = Math.min(slowest, bucket.bytesPerSecond)
    const turn = Math.max(
      SMALLEST_TURN_BYTES,
      Math.min(LARGEST_TURN_BYTES, Math.floor(slowest * TURN_SECONDS))
    )
    const bytes = Math.min(wanted, turn)
    for (const bucket of this.buckets) bucket.take(bytes)
    return bytes
  }
}
