import { setTimeout as delay } from 'node:timers/promises'
import type { BothWays, BudgetInfo, Rule, Traffic } from '../../shared/api.ts'
import type { Settings } from '../../shared/settings.ts'
import type { NodeBus } from '../observe/events.ts'
import type { PowerFact, PowerSource } from '../power/power-source.ts'
import { CpuGovernor } from './cpu.ts'
import { BudgetEngine, type Hold, type QuotaHolds, type Verdict } from './engine.ts'
import { FairShare, type Carried } from './fair-share.ts'
import { factsNeeded, isUntold } from './power-rules.ts'
import { usedPerRelayedByte } from './quota.ts'
import { RULE_WORDS } from './rule-words.ts'

export interface BudgetComponents {
  bus: NodeBus
  settings: () => Settings
  power: PowerSource
  /** Wall clock, milliseconds since 1970, and one that nobody sets. */
  now: () => number
  clock: () => number
  /** CPU time of this process so far, in seconds. */
  cpuSeconds: () => number
  /** What the quotas go by. */
  trafficSince: (day: string) => Traffic
  /** All traffic since the start, and relayed bytes. */
  traffic: () => Traffic
  relayed: () => BothWays
  /** Circuits that run, with what they carried. */
  circuits: () => Iterable<Carried>
  /** Whether it is the budget that holds the node now. */
  isHeld: () => boolean
  /** Keeps, over a restart, which quotas hold. */
  remember: { rememberHolds(holds: QuotaHolds): void; readonly rememberedHolds: QuotaHolds | undefined }
  /** The rules are to be asked anew: `hold`, `spent`. */
  changed: () => void
}

const RATE_SECONDS = 10
/** Headers and what is not relayed, so that the rules are looked at rather too early. */
const MARGIN = 1.1
/** What a sender may have on its way: Yamux' first window. */
const WINDOW_BYTES = 256 * 1024
/** But not for every small piece. */
const SMALLEST_STEP_BYTES = 16 * 1024
/** The machine slept, or was too busy: nobody knows what was in between. */
const LONGEST_TICK_MS = 60_000
/** So long a start waits for what the system tells of battery and connection. */
const POWER_PATIENCE_MS = 3_000

/**
 * The budget of a running node: asks the engine every second, at every change of power or settings, and, as a quota
 * comes to its end, after as many relayed bytes as are left.
 */
export class Budget {
  readonly #components: BudgetComponents
  readonly #cpu: CpuGovernor
  readonly #shares = new FairShare()
  readonly #heldMs = noSeconds()
  readonly #undo: (() => void)[] = []
  #engine = new BudgetEngine()
  #peerId: string | undefined
  #verdict: Verdict | undefined
  #remembered = ''
  /** Relayed bytes until the rules are looked at again. */
  #bytesLeft = Infinity
  readonly #readings: { at: number; traffic: Traffic }[] = []
  #tickedAt = 0
  /** What the system is asked for, and when it was for the first time. */
  #needed: ReadonlySet<PowerFact> = new Set()
  #powerAsked = Promise.resolve()

  constructor(components: BudgetComponents) {
    this.#components = components
    this.#cpu = new CpuGovernor()
  }

  /** What was used is known from now on; the returned function ends it. */
  start(peerId: string): () => void {
    const { bus, power, remember, clock } = this.#components
    const holds = remember.rememberedHolds
    this.#remembered = JSON.stringify(holds ?? {})
    this.#engine = new BudgetEngine(holds)
    this.#peerId = peerId
    this.#tickedAt = clock()
    this.#readings.push({ at: clock(), traffic: { ...this.#components.traffic() } })
    this.#undo.push(
      power.onChange(() => this.#components.changed()),
      bus.on('bytes-relayed', ({ bytes }) => {
        this.#bytesLeft -= bytes
        if (this.#bytesLeft > 0) return
        this.#bytesLeft = Infinity
        // Not while a circuit is passing them on: it may be about to be ended.
        queueMicrotask(() => this.#components.changed())
      }),
      bus.on('circuit-accepted', circuit => {
        if (this.#isSoft) this.#shares.began(circuit)
      }),
      bus.on('circuit-closed', ({ bytesToTarget, bytesToSource, ...circuit }) => {
        if (this.#isSoft) this.#shares.ended({ ...circuit, bytes: bytesToTarget + bytesToSource })
      })
    )
    return () => {
      for (const undo of this.#undo.splice(0)) undo()
      this.#bytesLeft = Infinity
      this.#peerId = undefined
      this.#need(new Set())
    }
  }

  /** So that a node that its battery or its connection holds does not begin to work first. */
  async powerKnown(): Promise<void> {
    this.#need(factsNeeded(this.#components.settings()))
    const patience = new AbortController()
    const late = delay(POWER_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([this.#powerAsked, late])
    patience.abort()
  }

  /** Asks all rules anew. `spent`: what still runs is to end now. */
  look(): { hold: Hold | undefined; spent: boolean } {
    const { settings, power, now, trafficSince, circuits } = this.#components
    const peerId = this.#peerId
    // A change of settings may come before anything is known.
    if (peerId === undefined) return { hold: undefined, spent: false }
    this.#need(factsNeeded(settings()))
    const facts = { settings: settings(), power: power.state(), now: now(), peerId, trafficSince }
    const inFlightBytes = [...circuits()].length * WINDOW_BYTES
    const verdict = this.#engine.judge({ ...facts, trafficRate: this.#trafficRate(), inFlightBytes })
    this.#verdict = verdict
    this.#remember()
    if (verdict.bytesToShare === undefined) this.#shares.clear()
    const perByte = usedPerRelayedByte(facts.settings['quota.counts']) * MARGIN
    this.#bytesLeft = Math.max(SMALLEST_STEP_BYTES, verdict.bytesLeft / perByte)
    const { hold, spent } = verdict
    return { hold, spent }
  }

  /** Once a second. */
  tick(): void {
    const { clock, traffic, circuits, isHeld, settings, relayed, cpuSeconds } = this.#components
    const at = clock()
    const elapsedMs = at - this.#tickedAt
    this.#tickedAt = at
    const rule = this.#verdict?.hold?.rule
    if (rule !== undefined && isHeld()) this.#heldMs[rule] += Math.min(elapsedMs, LONGEST_TICK_MS)
    this.#readings.push({ at, traffic: { ...traffic() } })
    if (this.#readings.length > RATE_SECONDS + 1) this.#readings.shift()
    if (this.#isSoft) this.#shares.sample(circuits())
    const { toTarget, toSource } = relayed()
    const limitPercent = settings()['cpu.sharePercent']
    this.#cpu.sample({ at, cpuSeconds: cpuSeconds(), toTarget, toSource, limitPercent })
  }

  /** New work is refused until the node uses less of the processor. */
  get overloaded(): boolean {
    return this.#cpu.info.overloaded
  }

  /** To what the rate of all circuits is narrowed; Infinity: it is not. Bytes a second, each direction. */
  get rateCeiling(): number {
    return this.#cpu.ceiling
  }

  /** Whether one of the two has had more than its fair share of the last part of a quota. */
  isOverShare(source: string, target: string): boolean {
    const toShare = this.#verdict?.bytesToShare
    if (toShare === undefined) return false
    const counts = this.#components.settings()['quota.counts']
    return this.#shares.isOver([source, target], toShare / usedPerRelayedByte(counts))
  }

  /** How long each rule has held the node since the start. */
  get heldSeconds(): Record<Rule, number> {
    const entries = Object.entries(this.#heldMs).map(([rule, ms]) => [rule, Math.round(ms / 1000)] as const)
    return Object.fromEntries(entries) as Record<Rule, number>
  }

  get info(): BudgetInfo {
    const { power } = this.#components
    const hold = this.#verdict?.hold
    const untold = power.untold()
    const rules = this.#verdict?.rules ?? []
    return {
      rules: rules.map(state => (isUntold(state.rule, untold) ? { ...state, untold: true } : state)),
      ...(hold !== undefined && { holding: hold.rule }),
      power: power.state(),
      cpu: this.#cpu.info,
      heldSeconds: this.heldSeconds
    }
  }

  get #isSoft(): boolean {
    return this.#verdict?.bytesToShare !== undefined
  }

  #need(facts: ReadonlySet<PowerFact>): void {
    if (facts.size === this.#needed.size && [...facts].every(fact => this.#needed.has(fact))) return
    this.#needed = facts
    this.#powerAsked = this.#components.power.need(facts)
  }

  #remember(): void {
    const { holds } = this.#engine
    const text = JSON.stringify(holds)
    if (text === this.#remembered) return
    this.#remembered = text
    this.#components.remember.rememberHolds(holds)
  }

  #trafficRate(): Traffic {
    const [first] = this.#readings
    const seconds = first === undefined ? 0 : (this.#components.clock() - first.at) / 1000
    if (first === undefined || seconds < 1) return { received: 0, sent: 0 }
    const { received, sent } = this.#components.traffic()
    const rate = (now: number, then: number): number => Math.max(0, now - then) / seconds
    return { received: rate(received, first.traffic.received), sent: rate(sent, first.traffic.sent) }
  }
}

function noSeconds(): Record<Rule, number> {
  const rules = Object.keys(RULE_WORDS).map(rule => [rule, 0] as const)
  return Object.fromEntries(rules) as Record<Rule, number>
}
