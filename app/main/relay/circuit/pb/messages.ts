import {
  BYTES,
  codec,
  readNested,
  tag,
  VARINT,
  writeNested,
  type Fields,
  type Write
} from '../../protobuf.ts'

/**
 * The messages of Circuit Relay v2 (libp2p/specs, relay/circuit-v2.md). Enumerations stay open numbers, so that a
 * message with an unknown type or status is answered by the protocol and not by the decoder.
 */

export const HopType = { RESERVE: 0, CONNECT: 1, STATUS: 2 } as const
export const StopType = { CONNECT: 0, STATUS: 1 } as const

export const Status = {
  OK: 100,
  RESERVATION_REFUSED: 200,
  RESOURCE_LIMIT_EXCEEDED: 201,
  PERMISSION_DENIED: 202,
  CONNECTION_FAILED: 203,
  NO_RESERVATION: 204,
  MALFORMED_MESSAGE: 400,
  UNEXPECTED_MESSAGE: 401
} as const
export type Status = (typeof Status)[keyof typeof Status]

export interface PeerMessage {
  id: Uint8Array
  addrs: Uint8Array[]
}

export interface ReservationMessage {
  /** Unix time in seconds. */
  expire: bigint
  addrs: Uint8Array[]
  /** A signed envelope of a {@link VoucherMessage}. */
  voucher?: Uint8Array
}

/** Zero or absent: no limit. */
export interface LimitMessage {
  /** Seconds. */
  duration?: number
  /** Bytes, in each direction. */
  data?: bigint
}

export interface HopMessage {
  type?: number
  peer?: PeerMessage
  reservation?: ReservationMessage
  limit?: LimitMessage
  status?: number
}

export interface StopMessage {
  type?: number
  peer?: PeerMessage
  limit?: LimitMessage
  status?: number
}

export interface VoucherMessage {
  relay: Uint8Array
  peer: Uint8Array
  /** Unix time in seconds. */
  expiration: bigint
}

const noPeer = (): PeerMessage => ({ id: new Uint8Array(), addrs: [] })
const writePeer: Write<PeerMessage> = (value, writer) => {
  tag(writer, 1, BYTES).bytes(value.id)
  for (const address of value.addrs) tag(writer, 2, BYTES).bytes(address)
}
const peerFields: Fields<PeerMessage> = {
  1: [BYTES, (into, reader) => (into.id = reader.bytes())],
  2: [BYTES, (into, reader) => into.addrs.push(reader.bytes())]
}

const noReservation = (): ReservationMessage => ({ expire: 0n, addrs: [] })
const writeReservation: Write<ReservationMessage> = (value, writer) => {
  tag(writer, 1, VARINT).uint64(value.expire)
  for (const address of value.addrs) tag(writer, 2, BYTES).bytes(address)
  if (value.voucher !== undefined) tag(writer, 3, BYTES).bytes(value.voucher)
}
const reservationFields: Fields<ReservationMessage> = {
  1: [VARINT, (into, reader) => (into.expire = reader.uint64())],
  2: [BYTES, (into, reader) => into.addrs.push(reader.bytes())],
  3: [BYTES, (into, reader) => (into.voucher = reader.bytes())]
}

const writeLimit: Write<LimitMessage> = (value, writer) => {
  if (value.duration !== undefined) tag(writer, 1, VARINT).uint32(value.duration)
  if (value.data !== undefined) tag(writer, 2, VARINT).uint64(value.data)
}
const limitFields: Fields<LimitMessage> = {
  1: [VARINT, (into, reader) => (into.duration = reader.uint32())],
  2: [VARINT, (into, reader) => (into.data = reader.uint64())]
}

export const HopMessage = codec<HopMessage>(
  (value, writer) => {
    if (value.type !== undefined) tag(writer, 1, VARINT).uint32(value.type)
    writeNested(writer, 2, value.peer, writePeer)
    writeNested(writer, 3, value.reservation, writeReservation)
    writeNested(writer, 4, value.limit, writeLimit)
    if (value.status !== undefined) tag(writer, 5, VARINT).uint32(value.status)
  },
  () => ({}),
  {
    1: [VARINT, (into, reader) => (into.type = reader.uint32())],
    2: [BYTES, (into, reader) => (into.peer = readNested(into.peer ?? noPeer(), reader, peerFields))],
    3: [
      BYTES,
      (into, reader) =>
        (into.reservation = readNested(into.reservation ?? noReservation(), reader, reservationFields))
    ],
    4: [BYTES, (into, reader) => (into.limit = readNested(into.limit ?? {}, reader, limitFields))],
    5: [VARINT, (into, reader) => (into.status = reader.uint32())]
  }
)

export const StopMessage = codec<StopMessage>(
  (value, writer) => {
    if (value.type !== undefined) tag(writer, 1, VARINT).uint32(value.type)
    writeNested(writer, 2, value.peer, writePeer)
    writeNested(writer, 3, value.limit, writeLimit)
    if (value.status !== undefined) tag(writer, 4, VARINT).uint32(value.status)
  },
  () => ({}),
  {
    1: [VARINT, (into, reader) => (into.type = reader.uint32())],
    2: [BYTES, (into, reader) => (into.peer = readNested(into.peer ?? noPeer(), reader, peerFields))],
    3: [BYTES, (into, reader) => (into.limit = readNested(into.limit ?? {}, reader, limitFields))],
    4: [VARINT, (into, reader) => (into.status = reader.uint32())]
  }
)

export const VoucherMessage = codec<VoucherMessage>(
  (value, writer) => {
    tag(writer, 1, BYTES).bytes(value.relay)
    tag(writer, 2, BYTES).bytes(value.peer)
    tag(writer, 3, VARINT).uint64(value.expiration)
  },
  () => ({ relay: new Uint8Array(), peer: new Uint8Array(), expiration: 0n }),
  {
    1: [BYTES, (into, reader) => (into.relay = reader.bytes())],
    2: [BYTES, (into, reader) => (into.peer = reader.bytes())],
    3: [VARINT, (into, reader) => (into.expiration = reader.uint64())]
  }
)
