import type { CircuitEnd, NodeBus } from '../../observe/events.ts'
import type { Direction, Shaper } from '../budget/shaper.ts'
import type { RelayLimits } from '../limits.ts'
import type { Joinable } from './frames.ts'
import { Splice } from './splice.ts'

/** A running circuit. Times are milliseconds of the node's clock. */
export interface Circuit {
  readonly id: number
  readonly source: string
  readonly target: string
  /** The network it belongs to, if it does. */
  readonly network: string | undefined
  readonly since: number
  readonly splice: Splice
}

/** A circuit's place, held from its admission until it ends. */
export interface Slot {
  readonly source: string
  readonly target: string
  readonly network: string | undefined
  release(): void
}

/** Bytes a peer sent and received through this relay, as source or target, while it was connected. */
export interface PeerTraffic {
  sent: number
  received: number
}

export interface CircuitsComponents {
  bus: NodeBus
  shaper: Shaper
  clock: () => number
  limits: () => RelayLimits
  /** Numbers that no other circuit of this process has. */
  nextId: () => number
}

/** The circuits of a relay: their places, their bytes, their ends. */
export class Circuits {
  readonly #components: CircuitsComponents
  readonly #running = new Map<number, Circuit>()
  readonly #perPeer = new Map<string, number>()
  readonly #traffic = new Map<string, PeerTraffic>()
  #slots = 0
  #idle: (() => void)[] = []

  constructor(components: CircuitsComponents) {
    this.#components = components
  }

  /** Places taken: by running circuits and by those that still ask their target. */
  get size(): number {
    return this.#slots
  }

  get running(): Iterable<Circuit> {
    return this.#running.values()
  }

  /** What each that runs has carried, both directions together. */
  carried(): { id: number; source: string; target: string; bytes: number }[] {
    return [...this.#running.values()].map(({ id, source, target, splice }) => {
      return { id, source, target, bytes: splice.bytesToTarget + splice.bytesToSource }
    })
  }

  countOf(peer: string): number {
    return this.#perPeer.get(peer) ?? 0
  }

  trafficOf(peer: string): PeerTraffic {
    return { ...(this.#traffic.get(peer) ?? { sent: 0, received: 0 }) }
  }

  /** Forgets a peer's bytes: it has left. */
  forget(peer: string): void {
    this.#traffic.delete(peer)
  }

  claim(source: string, target: string, network?: string): Slot {
    this.#slots++
    this.#count(source, 1)
    this.#count(target, 1)
    let held = true
    return {
      source,
      target,
      network,
      release: () => {
        if (!held) return
        held = false
        this.#slots--
        this.#count(source, -1)
        this.#count(target, -1)
        if (this.#slots === 0) for (const done of this.#idle.splice(0)) done()
      }
    }
  }

  /** Joins the streams of an admitted circuit. */
  run(slot: Slot, sourceSide: Joinable, targetSide: Joinable): Circuit {
    const { bus, shaper, clock, limits } = this.#components
    const { source, target, network } = slot
    const ofNetwork = network === undefined ? {} : { network }
    const id = this.#components.nextId()
    const since = clock()
    const splice = new Splice({
      source: sourceSide,
      target: targetSide,
      sourcePeer: source,
      targetPeer: target,
      network,
      shaper,
      bytesEachWay: () => limits().circuits.bytesEachWay,
      relayed: (direction, bytes) => this.#meter(slot, direction, bytes),
      ended: reason => {
        this.#running.delete(id)
        slot.release()
        const { bytesToTarget, bytesToSource } = splice
        const seconds = Math.round(clock() - since) / 1000
        bus.emit('circuit-closed', {
          id,
          source,
          target,
          ...ofNetwork,
          reason,
          bytesToTarget,
          bytesToSource,
          seconds
        })
      }
    })
    for (const peer of [source, target]) {
      if (!this.#traffic.has(peer)) this.#traffic.set(peer, { sent: 0, received: 0 })
    }
    const circuit = { id, source, target, network, since, splice }
    this.#running.set(id, circuit)
    bus.emit('circuit-accepted', { id, source, target, ...ofNetwork })
    splice.start()
    return circuit
  }

  /** Ends the circuits that `reasonFor` gives a reason for. */
  endWhere(reasonFor: (circuit: Circuit) => CircuitEnd | undefined): void {
    for (const circuit of [...this.#running.values()]) {
      const reason = reasonFor(circuit)
      if (reason !== undefined) circuit.splice.end(reason)
    }
  }

  /** Ends one circuit for its operator; false if there is none of that number. */
  close(id: number): boolean {
    const circuit = this.#running.get(id)
    circuit?.splice.end('operator')
    return circuit !== undefined
  }

  /** Ends what lasts or carries more than the limits, as they are now, allow. */
  enforce(): void {
    const { durationSeconds, bytesEachWay } = this.#components.limits().circuits
    const now = this.#components.clock()
    this.endWhere(({ since, splice }) => {
      if (now - since >= durationSeconds * 1000) return 'duration'
      return Math.max(splice.bytesToTarget, splice.bytesToSource) > bytesEachWay ? 'bytes' : undefined
    })
  }

  /** Resolves when no circuit runs or waits. */
  async untilIdle(): Promise<void> {
    if (this.#slots > 0) await new Promise<void>(done => this.#idle.push(done))
  }

  #count(peer: string, change: number): void {
    const count = this.countOf(peer) + change
    if (count > 0) this.#perPeer.set(peer, count)
    else this.#perPeer.delete(peer)
  }

  #meter({ source, target, network }: Slot, direction: Direction, bytes: number): void {
    const [from, to] = direction === 'to-target' ? [source, target] : [target, source]
    // A peer that was forgotten meanwhile stays so: what is still in flight must not bring it back for good.
    const sender = this.#traffic.get(from)
    const receiver = this.#traffic.get(to)
    if (sender !== undefined) sender.sent += bytes
    if (receiver !== undefined) receiver.received += bytes
    this.#components.bus.emit('bytes-relayed', { direction, bytes, network })
  }
}
