import { TokenBucket } from './bucket.ts'

/** The rates in force, in bytes a second and each direction; Infinity: none. */
export interface Rates {
  totalBytesPerSecond: number
  perPeerBytesPerSecond: number
  perCircuitBytesPerSecond: number
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

export interface FlowInit {
  from: string
  to: string
  direction: Direction
  /** Called when this many bytes may pass, after `take` returned 0. */
  granted(bytes: number): void
}

interface PeerBuckets {
  out: TokenBucket
  in: TokenBucket
  flows: number
}

/** One waiting chunk is at most what its slowest bucket passes in this time, so that turns stay short. */
const QUANTUM_SECONDS = 0.01
const SMALLEST_QUANTUM = 256
const LARGEST_QUANTUM = 64 * 1024

/**
 * Shares the rates among circuits: total, then peer, then circuit, each direction by itself. Circuits that
 * wait take turns, so that greedy ones get equal parts of what they share. A chunk passes when every bucket
 * on its way has a token.
 */
export class Shaper {
  readonly #timing: Timing
  #rates: Rates
  readonly #total: Record<Direction, TokenBucket>
  readonly #peers = new Map<string, PeerBuckets>()
  readonly #peerRates = new Map<string, number>()
  readonly #flows = new Set<Flow>()
  #queue: Flow[] = []
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
    const flow = new Flow(this, init, [this.#total[init.direction], from.out, to.in, own], own)
    this.#flows.add(flow)
    return flow
  }

  /** Applies new rates to running circuits. */
  setRates(rates: Rates): void {
    this.#rates = rates
    const now = this.#timing.now()
    for (const bucket of Object.values(this.#total)) bucket.setRate(rates.totalBytesPerSecond, now)
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
    if (flow.queued) return 0
    // Whoever comes while others wait stands behind them, or a busy circuit would take every token.
    if (this.#queue.length === 0 && !this.#serving && this.#waitMs(flow, this.#timing.now()) === 0) {
      return flow.spend(wanted)
    }
    flow.queued = true
    flow.wanted = wanted
    this.#queue.push(flow)
    if (!this.#serving) this.#schedule()
    return 0
  }

  release(flow: Flow): void {
    if (!this.#flows.delete(flow)) return
    if (flow.queued) this.#queue = this.#queue.filter(queued => queued !== flow)
    for (const peer of [flow.init.from, flow.init.to]) {
      const buckets = this.#peers.get(peer)
      if (buckets !== undefined && --buckets.flows === 0) this.#peers.delete(peer)
    }
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

  #waitMs(flow: Flow, now: number): number {
    let wait = 0
    for (const bucket of flow.buckets) wait = Math.max(wait, bucket.waitMs(now))
    return wait
  }

  /** Serves the queue in turns until nobody's buckets have tokens left. */
  #serve(): void {
    if (this.#serving) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#serving = true
    try {
      for (let progress = true; progress && this.#queue.length > 0; ) {
        progress = false
        const round = this.#queue
        this.#queue = []
        for (const flow of round) {
          if (!this.#flows.has(flow)) continue
          if (this.#waitMs(flow, this.#timing.now()) > 0) {
            this.#queue.push(flow)
            continue
          }
          progress = true
          flow.queued = false
          flow.init.granted(flow.spend(flow.wanted))
        }
      }
    } finally {
      this.#serving = false
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#queue.length === 0) return
    const now = this.#timing.now()
    let wait = Infinity
    for (const flow of this.#queue) wait = Math.min(wait, this.#waitMs(flow, now))
    if (this.#cancelTimer !== undefined && this.#timerAt <= now + wait) return
    this.#cancelTimer?.()
    this.#timerAt = now + wait
    this.#cancelTimer = this.#timing.after(wait, () => {
      this.#cancelTimer = undefined
      this.#serve()
    })
  }
}

/** One direction of a circuit on its way through the buckets. */
export class Flow {
  readonly init: FlowInit
  readonly buckets: readonly TokenBucket[]
  readonly own: TokenBucket
  queued = false
  /** Bytes it asked for when it was queued. */
  wanted = 0
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
    const turn = Math.min(LARGEST_QUANTUM, Math.max(SMALLEST_QUANTUM, Math.floor(slowest * QUANTUM_SECONDS)))
    const bytes = Math.min(wanted, turn)
    for (const bucket of this.buckets) bucket.take(bytes)
    return bytes
  }
}
