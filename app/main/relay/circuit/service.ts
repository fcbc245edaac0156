import type {
  Connection,
  Libp2pEvents,
  PeerId,
  PrivateKey,
  Startable,
  Stream,
  TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NodeBus, ReservationEnd } from '../../observe/events.ts'
import { Shaper, systemTiming, type Timing } from '../budget/shaper.ts'
import type { DirectStreams } from '../direct-streams.ts'
import type { RelayLimits } from '../limits.ts'
import type { Mode } from './admission.ts'
import { Circuits } from './circuits.ts'
import { Handover } from './handover.ts'
import { Gate, type Access, type BudgetGate, type MemberOf } from './gate.ts'
import { Hop } from './hop.ts'
import { Reservations } from './reservations.ts'
import { Trial, type TrialComponents } from './trial.ts'

const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
/** How often durations and expiries are looked at: limits apply within a second. */
const SWEEP_MS = 500

export interface CircuitRelayComponents {
  peerId: PeerId
  privateKey: PrivateKey
  registrar: Registrar
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
}

export interface CircuitRelayInit {
  bus: NodeBus
  /** Where streams come from that libp2p need not see. */
  streams?: DirectStreams
  limits: RelayLimits
  access: Access
  /** Rates of single peers, in bytes a second. */
  peerRates?: ReadonlyMap<string, number>
  /** What it says of new work; without one, nothing. */
  budget?: BudgetGate | undefined
  /** Without it no peer is of any network. */
  memberOf?: MemberOf
  /** What a reservation tells its peer to announce: complete, the best first. */
  addressesFor: (connection: Connection) => Multiaddr[]
  /** Numbers of circuits, for a node that makes a new relay after another: 1, 2, 3 unless given. */
  nextCircuitId?: () => number
  timing?: Timing
}

/** 1, 2, 3, … */
export function counter(): () => number {
  let last = 0
  return () => ++last
}

/**
 * A Circuit Relay v2 server (libp2p/specs, relay/circuit-v2.md): takes reservations, joins circuits, and keeps
 * both inside limits that can change while it runs.
 */
export class CircuitRelay implements Startable {
  readonly circuits: Circuits
  readonly reservations = new Reservations()
  readonly #components: CircuitRelayComponents
  readonly #bus: NodeBus
  readonly #timing: Timing
  readonly #shaper: Shaper
  readonly #gate: Gate
  readonly #hop: Hop
  readonly #streams: DirectStreams | undefined
  readonly #trialParts: TrialComponents
  #trial: Trial | undefined
  #peerRates: ReadonlyMap<string, number> = new Map()
  /** Each ends the wait of a drain that is under way. */
  readonly #drains = new Set<() => void>()
  readonly #handover: Handover
  #ceiling = Infinity
  /** Only while there is something to look at: an idle node need not wake up twice a second. */
  #sweep: ReturnType<typeof setInterval> | undefined
  #unlisten: (() => void)[] | undefined

  constructor(components: CircuitRelayComponents, init: CircuitRelayInit) {
    const { bus, limits, access, addressesFor, timing = systemTiming } = init
    const clock = (): number => timing.now()
    this.#components = components
    this.#streams = init.streams
    this.#bus = bus
    this.#timing = timing
    this.#shaper = new Shaper(limits.rate, timing)
    this.#gate = new Gate(limits, access, clock, { budget: init.budget, memberOf: init.memberOf })
    this.setPeerRates(init.peerRates ?? new Map())
    const { nextCircuitId = counter() } = init
    const limitsNow = (): RelayLimits => this.#gate.limits
    this.circuits = new Circuits({
      bus,
      shaper: this.#shaper,
      clock,
      limits: limitsNow,
      nextId: nextCircuitId
    })
    const { peerId, privateKey, connectionManager } = components
    const { circuits, reservations } = this
    const gate = this.#gate
    this.#handover = new Handover({
      timing,
      clients: () => [...reservations.values()].map(({ peer }) => peer),
      isBusy: peer => circuits.countOf(peer) > 0,
      letGo: peer => this.#letGo(peer)
    })
    this.#trialParts = { peerId, privateKey, connectionManager, addressesFor }
    this.#hop = new Hop({
      peerId,
      privateKey,
      connectionManager,
      bus,
      gate,
      circuits,
      reservations,
      clock,
      addressesFor
    })
  }

  async start(): Promise<void> {
    this.#components.events.addEventListener('peer:disconnect', this.#onPeerGone)
    await this.#components.registrar.handle(HOP_PROTOCOL, this.#onHop, {
      // Circuits are hop streams too: their number is admission's to limit, with a status.
      maxInboundStreams: Infinity,
      runOnLimitedConnection: true
    })
    this.#streams?.handle(HOP_PROTOCOL, (stream, connection) => void this.#onHop(stream, connection))
    const sweep = (): void => {
      this.#sweep ??= setInterval(() => this.#onSweep(), SWEEP_MS)
    }
    this.#unlisten = (['reservation-accepted', 'circuit-accepted'] as const).map(name =>
      this.#bus.on(name, sweep)
    )
  }

  /** Before the connections are closed, or circuits would end because their peers have gone. */
  async beforeStop(): Promise<void> {
    if (this.#unlisten === undefined) return
    for (const unlisten of this.#unlisten) unlisten()
    this.#unlisten = undefined
    this.#stopSweeping()
    this.#handover.stop()
    this.#components.events.removeEventListener('peer:disconnect', this.#onPeerGone)
    this.#streams?.unhandle(HOP_PROTOCOL)
    this.endTrial()
    await this.#components.registrar.unhandle(HOP_PROTOCOL)
    this.circuits.endWhere(() => 'stopped')
    for (const { peer } of [...this.reservations.values()]) this.#endReservation(peer, 'stopped')
  }

  stop(): void {}

  get mode(): Mode {
    return this.#gate.mode
  }

  /** Whether new work is taken; what runs goes on. */
  setMode(mode: Mode): void {
    this.#gate.mode = mode
    if (mode !== 'draining') this.#handover.stop()
    if (mode === 'open' || mode === 'paused') for (const takeBack of this.#drains) takeBack()
  }

  /**
   * Takes no new work, waits for circuits to end, and after that many milliseconds ends those left. `why`: the node
   * is to stop, then reserved clients are sent away one by one meanwhile; or its budget holds it, which may change to
   * another hold.
   * False where it was resumed before its end, or drains for another reason.
   */
  async drain(milliseconds: number, why: Exclude<Mode, 'open' | 'paused'> = 'draining'): Promise<boolean> {
    this.setMode(why)
    const end = Promise.withResolvers<boolean>()
    const takeBack = (): void => end.resolve(false)
    this.#drains.add(takeBack)
    const cancel = this.#timing.after(milliseconds, () => end.resolve(true))
    const drained = await Promise.race([this.#finished(why, milliseconds).then(() => true), end.promise])
    cancel()
    this.#drains.delete(takeBack)
    // Whoever stops the node says for how long circuits may go on, also where the budget held it before.
    if (!drained || (why === 'draining') !== (this.mode === 'draining')) return false
    this.endCircuits()
    return true
  }

  async #finished(why: Mode, milliseconds: number): Promise<void> {
    const handedOver = why === 'draining' ? this.#handover.by(this.#timing.now() + milliseconds) : undefined
    await Promise.all([this.circuits.untilIdle(), handedOver])
  }

  #letGo(peer: string): void {
    this.#endReservation(peer, 'drained')
    for (const connection of this.#components.connectionManager.getConnections()) {
      if (connection.remotePeer.toString() !== peer) continue
      connection.close().catch((error: unknown) => connection.abort(error as Error))
    }
  }

  /** Ends all circuits, for the reason for which no new work is taken. */
  endCircuits(): void {
    const { mode } = this
    this.circuits.endWhere(() =>
      mode === 'open' || mode === 'paused' || mode === 'draining' ? 'drained' : mode
    )
  }

  /** Applies other limits, to running circuits too: those that are still inside them go on. */
  setLimits(limits: RelayLimits): void {
    this.#gate.setLimits(limits)
    this.#setRates()
    this.circuits.enforce()
  }

  /** Narrows the rate of all circuits, whatever the limits allow; Infinity: no more. In bytes a second, each direction. */
  setRateCeiling(bytesPerSecond: number): void {
    if (bytesPerSecond === this.#ceiling) return
    this.#ceiling = bytesPerSecond
    this.#setRates()
  }

  #setRates(): void {
    const { rate } = this.#gate.limits
    const totalBytesPerSecond = Math.min(rate.totalBytesPerSecond, this.#ceiling)
    this.#shaper.setRates({ ...rate, totalBytesPerSecond })
  }

  /** Applies other lists. Peers they shut out lose their reservations and circuits. */
  setAccess(access: Access): void {
    this.#gate.setAccess(access)
    this.#shutOut(this.#components.connectionManager.getConnections())
  }

  /** To be called when a peer turns out to be of a network, which may not let it in. */
  recheckAccess(peer: string): void {
    if (this.reservations.get(peer) === undefined && this.circuits.countOf(peer) === 0) return
    const connections = this.#components.connectionManager.getConnections()
    this.#shutOut(connections.filter(({ remotePeer }) => remotePeer.toString() === peer))
  }

  #shutOut(connections: readonly Connection[]): void {
    const shutOut = new Set<string>()
    for (const connection of connections) {
      const caller = this.#gate.callerOf(connection)
      if (this.#gate.accessOf(caller) !== 'ok') shutOut.add(caller.peer)
    }
    for (const peer of shutOut) this.#endReservation(peer, 'denied')
    this.circuits.endWhere(({ source, target }) =>
      shutOut.has(source) || shutOut.has(target) ? 'denied' : undefined
    )
  }

  /** Rates of single peers, in bytes a second and each direction; all others have that of all peers. */
  setPeerRates(rates: ReadonlyMap<string, number>): void {
    for (const peer of this.#peerRates.keys()) if (!rates.has(peer)) this.#shaper.setPeerRate(peer, undefined)
    for (const [peer, rate] of rates) this.#shaper.setPeerRate(peer, rate)
    this.#peerRates = rates
  }

  get peerRates(): ReadonlyMap<string, number> {
    return this.#peerRates
  }

  /** Serves those peers apart from all others, until `endTrial`: they are the node's own, and test it. */
  beginTrial(peers: Iterable<string>): void {
    this.endTrial()
    this.#trial = new Trial(this.#trialParts, peers, this.#timing)
  }

  endTrial(): void {
    this.#trial?.end()
    this.#trial = undefined
  }

  /** Whether that peer tests this node just now. */
  isTrying(peer: string): boolean {
    return this.#trial?.has(peer) === true
  }

  readonly #onHop = (stream: Stream, connection: Connection): Promise<void> => {
    const trial = this.#trial
    const isTrial = trial?.has(connection.remotePeer.toString()) === true
    return isTrial ? trial.onStream(stream, connection) : this.#hop.onStream(stream, connection)
  }

  readonly #onPeerGone = (event: CustomEvent<PeerId>): void => {
    const peer = event.detail.toString()
    this.#endReservation(peer, 'peer-gone')
    this.circuits.forget(peer)
  }

  #endReservation(peer: string, reason: ReservationEnd): void {
    if (this.reservations.delete(peer)?.granted === true)
      this.#bus.emit('reservation-ended', { peer, reason })
    this.#handover.check()
  }

  #onSweep(): void {
    const now = this.#timing.now()
    for (const { peer, expiresAt, granted } of [...this.reservations.values()]) {
      if (now < expiresAt) continue
      this.reservations.delete(peer)
      if (granted) this.#bus.emit('reservation-expired', { peer })
    }
    this.#handover.check()
    this.circuits.enforce()
    if (this.reservations.size === 0 && this.circuits.size === 0) this.#stopSweeping()
  }

  #stopSweeping(): void {
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}
