import type { ModeInfo } from '../shared/api.ts'
import type { FirewallInfo, LadderInfo, LadderSummary, SelfTestInfo, ViaInfo } from '../shared/api/ladder.ts'
import { AppError } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import { findFirewalls } from './firewall/find.ts'
import { thisSystem } from './firewall/system.ts'
import type { Log } from './observe/log.ts'
import type { RelayNode } from './relay/node.ts'
import type { LadderFacts } from './relay/reachability/facts.ts'
import { Ladder } from './relay/reachability/ladder.ts'
import { namesMean, trialTargets } from './relay/reachability/targets.ts'
import { SelfTest } from './self-test/self-test.ts'

export interface ReachabilityComponents {
  log: Log
  settings: () => Settings
  /** Absent while it sleeps. */
  node: () => RelayNode | undefined
  mode: () => ModeInfo
  /** Circuits since the start. */
  circuitsEver: () => number
  findFirewalls?: () => Promise<FirewallInfo[]>
}

export interface ReachabilityOptions {
  /** How long a node has been open before it tests itself. */
  selfTestAfterMs?: number
}

/** By then its first addresses are announced, and the start has other things behind it. */
const SELF_TEST_AFTER_MS = 10_000
/** Firewalls are looked for where something failed that they could explain, and not more often. */
const FIREWALLS_MS = 60_000

/** Whether others get to this node: the ladder, made from what the parts tell when someone asks, and the self-test. */
export class Reachability {
  readonly #components: ReachabilityComponents
  readonly #selfTestAfterMs: number
  readonly #ladder = new Ladder({ now })
  readonly #selfTest: SelfTest
  /** The node that the newest self-test was of, and when it was seen first. */
  #tested: WeakRef<RelayNode> | undefined
  #seen: { node: WeakRef<RelayNode>; atMs: number } | undefined
  #firewalls: { found: readonly FirewallInfo[]; atMs: number } = { found: [], atMs: -Infinity }
  #isStopped = false

  constructor(
    components: ReachabilityComponents,
    { selfTestAfterMs = SELF_TEST_AFTER_MS }: ReachabilityOptions = {}
  ) {
    this.#components = components
    this.#selfTestAfterMs = selfTestAfterMs
    this.#selfTest = new SelfTest({ now, changed: info => this.#onSelfTest(info) })
  }

  /** As it is now, by what is known: nobody is asked for it. */
  get summary(): LadderSummary {
    return this.#ladder.summary(this.#facts())
  }

  async ladder(): Promise<LadderInfo> {
    const ladder = this.#ladder.look(this.#facts())
    const isHindered = ladder.rows.some(({ rungs }) =>
      rungs.some(({ rung, state }) => state === 'failed' && (rung === 'mapped' || rung === 'verified'))
    )
    if (!isHindered || performance.now() - this.#firewalls.atMs < FIREWALLS_MS) return ladder
    const found = await (this.#components.findFirewalls ?? (() => findFirewalls(thisSystem)))()
    this.#firewalls = { found, atMs: performance.now() }
    return this.#ladder.look(this.#facts())
  }

  /** Tests the node; one at a time. @throws AppError not-running */
  async selfTest(): Promise<SelfTestInfo> {
    const node = this.#node()
    // Of a node that is no more.
    if (this.#selfTest.info.state === 'running' && this.#tested?.deref() !== node) await this.#selfTest.stop()
    const facts = this.#facts()
    this.#tested = new WeakRef(node)
    return this.#selfTest.run(node.relay, {
      peerId: node.peerId,
      settings: this.#components.settings(),
      targets: trialTargets(facts),
      names: namesMean(facts)
    })
  }

  /** Has a peer of someone's choice dial this node. @throws AppError not-running, bad-request, peer-unreachable */
  async verifyVia(address: string): Promise<ViaInfo> {
    return this.#node().verifyVia(address)
  }

  /** Once a second: a node that has been open for a while, and announces something, is tested once. */
  tick(): void {
    const node = this.#components.node()
    if (node === undefined || this.#isStopped || this.#tested?.deref() === node) return
    if (!this.#components.settings()['relay.selfTest']) return
    if (this.#seen?.node.deref() !== node) this.#seen = { node: new WeakRef(node), atMs: performance.now() }
    if (performance.now() - this.#seen.atMs < this.#selfTestAfterMs) return
    if (this.#components.mode().mode !== 'open' || node.addresses.announced.length === 0) return
    void this.selfTest()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#selfTest.stop()
  }

  #node(): RelayNode {
    const node = this.#components.node()
    if (node !== undefined && !this.#isStopped) return node
    throw new AppError(
      'not-running',
      'The node is asleep, so nobody can reach it. `waystation status` says why.'
    )
  }

  #onSelfTest({ state, cause, results }: SelfTestInfo): void {
    if (state === 'running') return
    const failed = results.filter(({ reservation, circuit }) => !reservation.ok || circuit?.ok !== true)
    const ways = failed.map(({ transport, family }) => `${transport}/${family}`)
    const isGood = state === 'done' && failed.length === 0
    const said = { tested: results.length, failed: ways, ...(cause !== undefined && { cause }) }
    this.#components.log[isGood ? 'info' : 'warn'](said, `self-test ${isGood ? 'passed' : 'failed'}`)
  }

  #facts(): LadderFacts {
    const { settings, mode, circuitsEver } = this.#components
    const now = settings()
    const node = this.#components.node()
    const { wanted, failures } = node?.ways ?? { wanted: [], failures: [] }
    return {
      mode: mode(),
      ways: wanted,
      failures,
      addresses: node?.addressStates() ?? [],
      announced: node?.addresses.announced ?? [],
      mapping: node?.mapping ?? { state: 'off', since: new Date(0).toISOString(), ports: [] },
      dht: {
        enabled: now['dht.enabled'],
        servers: node?.dhtSize ?? 0,
        joins: now['dht.bootstrap'].length + now.networks.length
      },
      // Of a node that is no more it says nothing.
      selfTest:
        node === undefined || this.#tested?.deref() === node
          ? this.#selfTest.info
          : { state: 'never', results: [] },
      firewalls: this.#firewalls.found,
      demand: {
        reservations: node?.relay.reservations.size ?? 0,
        circuits: node?.relay.circuits.size ?? 0,
        ever: circuitsEver()
      }
    }
  }
}

const now = (): string => new Date().toISOString()
