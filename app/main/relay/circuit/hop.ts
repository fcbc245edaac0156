import type { Connection, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import type { NodeBus, RequestKind } from '../../observe/events.ts'
import { admitConnect, admitReserve, statusOf, type Refusal } from './admission.ts'
import type { Circuits } from './circuits.ts'
import type { Caller, Gate } from './gate.ts'
import { Frames, type Joinable } from './frames.ts'
import { Patience, type Ending } from './patience.ts'
import { HopMessage, HopType, Status } from './pb/messages.ts'
import type { Reservation, Reservations } from './reservations.ts'
import { sideOf } from './stock-side.ts'
import { openStop } from './stop.ts'
import { sealVoucher } from './voucher.ts'

/** How long a request may take to arrive, and its answer to be taken. */
const REQUEST_TIMEOUT_MS = 10_000
/** How long the other side has to close its end after our answer, before the stream is reset. */
const LINGER_MS = 5_000
/** How long a circuit may take to be set up, all in all. */
const CONNECT_TIMEOUT_MS = 30_000
/** Bytes of addresses in a reservation: what fits, beside the voucher, into the 4 KiB that go and rust take. */
const MAX_ADDRESS_BYTES = 3072
/** A field's tag and length. */
const FIELD_BYTES = 3
/** Ids of targets that are remembered, and how long one may be: those of all kinds of keys are shorter. */
const MOST_TARGETS = 1024
const MOST_ID_BYTES = 64
/** Requests of one connection under way at once; circuits that run do not count. */
const MAX_PENDING_PER_CONNECTION = 256

export interface HopComponents {
  peerId: PeerId
  privateKey: PrivateKey
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  bus: NodeBus
  gate: Gate
  circuits: Circuits
  reservations: Reservations
  clock: () => number
  /** What a reservation tells its peer to announce: complete, the best first. */
  addressesFor: (connection: Connection) => Multiaddr[]
}

interface Request {
  frames: Frames
  connection: Connection
}

/** Answers the requests of the hop protocol: RESERVE and CONNECT (circuit v2, "Hop Protocol"). */
export class Hop {
  readonly #parts: HopComponents
  readonly #pending = new WeakMap<Connection, number>()
  /** By the bytes of their ids: to read one costs a tenth of a circuit. */
  readonly #targets = new Map<string, PeerId>()

  constructor(components: HopComponents) {
    this.#parts = components
  }

  /** Takes one hop stream. Whatever comes over it, it is closed, reset or part of a circuit in the end. */
  readonly onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const pending = this.#pending.get(connection) ?? 0
    if (pending >= MAX_PENDING_PER_CONNECTION) return stream.abort(new Error('too many requests at once'))
    this.#pending.set(connection, pending + 1)
    try {
      await this.#answer({ frames: new Frames(sideOf(stream)), connection })
    } catch (error) {
      stream.abort(error as Error)
    } finally {
      this.#pending.set(connection, (this.#pending.get(connection) ?? 1) - 1)
    }
  }

  async #answer(request: Request): Promise<void> {
    const patience = new Patience(REQUEST_TIMEOUT_MS)
    let message: HopMessage
    try {
      message = HopMessage.decode(await request.frames.read(patience))
    } catch {
      return await this.#refuse(request, 'connect', patience.ranOut ? 'too-slow' : 'malformed')
    } finally {
      patience.done()
    }
    if (message.type === HopType.RESERVE) return this.#reserve(request)
    if (message.type === HopType.CONNECT) return this.#connect(request, message)
    return this.#refuse(request, 'connect', message.type === undefined ? 'malformed' : 'unexpected')
  }

  async #reserve(request: Request): Promise<void> {
    const { gate, reservations, bus, clock } = this.#parts
    const caller = gate.callerOf(request.connection)
    const { peer, ip, ipGroup } = caller
    const held = reservations.get(peer)
    const verdict = admitReserve(
      {
        ...gate.askerOf(caller),
        holds: held === undefined ? 'none' : held.ipGroup === ipGroup ? 'same-ip' : 'other-ip',
        reservations: reservations.size,
        reservationsFromIp: reservations.countFrom(ipGroup)
      },
      gate.limits
    )
    if (held === undefined) gate.countAttempt(verdict, caller)
    if (verdict !== 'ok') return this.#refuse(request, 'reserve', verdict)
    if (request.connection.status !== 'open') throw new Error('the connection closed')

    const seconds = gate.limits.reservations.ttlSeconds
    const now = clock()
    const reservation = {
      peer,
      ipGroup,
      since: held?.since ?? now,
      expiresAt: now + seconds * 1000,
      granted: held?.granted ?? false
    }
    reservations.put(reservation)
    try {
      await this.#sendReservation(request, seconds)
    } catch (error) {
      this.#takeBack(reservation, held)
      throw error
    }
    // The peer may have left meanwhile, then nothing has happened; or asked again, then it has the newer one.
    const current = reservations.get(peer)
    if (current === undefined) return
    const event = current.granted ? 'reservation-renewed' : 'reservation-accepted'
    current.granted = true
    const network = gate.networkOf(caller)
    bus.emit(event, { peer, ip, seconds, ...(network !== undefined && { network }) })
  }

  async #sendReservation({ frames, connection }: Request, seconds: number): Promise<void> {
    const { privateKey, peerId, gate, addressesFor } = this.#parts
    const expire = BigInt(Math.floor(Date.now() / 1000) + seconds)
    const voucher = await sealVoucher(privateKey, peerId, connection.remotePeer, expire)
    const reservation = { expire, addrs: fitting(addressesFor(connection)), voucher }
    const answer = { ...statusMessage(Status.OK), reservation, limit: gate.limitMessage() }
    await answerAndClose(frames, answer)
  }

  /** A failed request costs no slot: the earlier reservation, if there was one, holds again. */
  #takeBack(reservation: Reservation, held: Reservation | undefined): void {
    const { reservations } = this.#parts
    if (reservations.get(reservation.peer) !== reservation) return
    reservations.delete(reservation.peer)
    if (held === undefined) return
    held.granted = reservation.granted
    reservations.put(held)
  }

  async #connect(request: Request, message: HopMessage): Promise<void> {
    const { gate, reservations, circuits } = this.#parts
    const caller = gate.callerOf(request.connection)
    const target = this.#targetOf(message)
    if (target === undefined) return this.#refuse(request, 'connect', 'malformed')
    const targetPeer = target.toString()
    const verdict = admitConnect(
      {
        ...gate.askerOf(caller),
        targetReserved: reservations.get(targetPeer) !== undefined,
        circuits: circuits.size,
        circuitsOfSource: circuits.countOf(caller.peer),
        circuitsOfTarget: circuits.countOf(targetPeer),
        overShare: gate.budget.isOverShare(caller.peer, targetPeer)
      },
      gate.limits
    )
    gate.countAttempt(verdict, caller)
    if (verdict !== 'ok') return this.#refuse(request, 'connect', verdict)
    // Its message may have come with its reset.
    if (!request.frames.isOpen) throw new Error('the stream closed')

    const slot = circuits.claim(caller.peer, targetPeer, this.#networkOf(caller, target))
    const patience = new Patience(CONNECT_TIMEOUT_MS)
    request.frames.onClosed = () => patience.end(new Error('the source has gone'))
    let opened: Joinable | Refusal | undefined
    try {
      opened = await this.#open(request, target, patience)
      if (typeof opened === 'string') {
        slot.release()
        return await this.#refuse(request, 'connect', opened)
      }
      circuits.run(slot, request.frames.unwrap(), opened)
    } catch (error) {
      slot.release()
      // The source may have gone meanwhile.
      if (typeof opened === 'object') opened.side.abort(error as Error)
      throw error
    } finally {
      patience.done()
    }
  }

  /** Asks the target, then tells the source: the target's side, or why there is none. */
  async #open(request: Request, target: PeerId, ending: Ending): Promise<Joinable | Refusal> {
    const { connectionManager, gate } = this.#parts
    const limit = gate.limitMessage()
    const opened = await openStop(
      connectionManager.getConnections(target),
      request.connection.remotePeer,
      limit,
      ending
    )
    if (typeof opened === 'string') return opened
    const overtaken = this.#overtaken(request.connection, target)
    if (overtaken !== undefined) {
      opened.abort(new Error(`refused: ${overtaken}`))
      return overtaken
    }
    try {
      await request.frames.write(HopMessage.encode({ ...statusMessage(Status.OK), limit }), ending)
      // A target lost meanwhile may have left data behind, which must not look like all it had to send.
      return opened.unwrap()
    } catch (error) {
      opened.abort(error as Error)
      throw error
    }
  }

  /** Why an admitted circuit may not run after all: lists can change, and the target leave, while it is asked. */
  #overtaken(connection: Connection, target: PeerId): Refusal | undefined {
    const { gate, reservations } = this.#parts
    const access = gate.accessOf(gate.callerOf(connection))
    if (access !== 'ok') return access
    return reservations.get(target.toString()) === undefined ? 'no-reservation' : undefined
  }

  /** That of the target, which this node serves; else that of the source. */
  #networkOf(source: Caller, target: PeerId): string | undefined {
    const { connectionManager, gate } = this.#parts
    const [connection] = connectionManager.getConnections(target)
    const ofTarget = connection && gate.networkOf(gate.callerOf(connection))
    return ofTarget ?? gate.networkOf(source)
  }

  #targetOf({ peer }: HopMessage): PeerId | undefined {
    if (peer === undefined) return undefined
    try {
      for (const address of peer.addrs) multiaddr(address)
      const key = peer.id.byteLength > MOST_ID_BYTES ? undefined : latin1(peer.id)
      const known = key === undefined ? undefined : this.#targets.get(key)
      if (known !== undefined) return known
      const target = peerIdFromMultihash(Digest.decode(peer.id))
      if (this.#targets.size >= MOST_TARGETS) this.#targets.clear()
      if (key !== undefined) this.#targets.set(key, target)
      return target
    } catch {
      return undefined
    }
  }

  async #refuse({ frames, connection }: Request, request: RequestKind, reason: Refusal): Promise<void> {
    const status = statusOf(reason, request)
    const { peer, ip } = this.#parts.gate.callerOf(connection)
    this.#parts.bus.emit('request-denied', { request, reason, status, peer, ip })
    await answerAndClose(frames, statusMessage(status))
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

/** As many of the first addresses as one message holds. */
function fitting(addresses: Multiaddr[]): Uint8Array[] {
  let bytes = 0
  const all = addresses.map(address => address.bytes)
  const end = all.findIndex(address => (bytes += address.byteLength + FIELD_BYTES) > MAX_ADDRESS_BYTES)
  return end === -1 ? all : all.slice(0, end)
}

function statusMessage(status: Status): HopMessage {
  return { type: HopType.STATUS, status }
}

/** Sends the last message of a hop stream and closes it, at latest by a reset: no stream is left behind. */
async function answerAndClose(frames: Frames, answer: HopMessage): Promise<void> {
  const patience = new Patience(REQUEST_TIMEOUT_MS)
  try {
    await frames.write(HopMessage.encode(answer), patience)
    await frames.close(LINGER_MS)
  } finally {
    patience.done()
  }
}
