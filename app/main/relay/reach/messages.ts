import type { Reader } from 'protons-runtime'
import {
  BYTES,
  codec,
  FIXED64,
  readNested,
  tag,
  VARINT,
  writeNested,
  type Fields,
  type Write
} from '../protobuf.ts'

/**
 * The messages of AutoNAT v1 and v2 (libp2p/specs, autonat/autonat-v1.md and autonat-v2.md) that a client needs.
 * Enumerations stay open numbers: an answer that is not known is no answer.
 */

/** protons reads it as a signed number (test/upstream/autonat.test.ts). */
const fixed64 = (reader: Reader): bigint => BigInt.asUintN(64, reader.fixed64())

export const V1Type = { DIAL: 0, DIAL_RESPONSE: 1 } as const
export const V1Status = { OK: 0, DIAL_ERROR: 100 } as const
export const V2Status = { OK: 200 } as const
export const V2DialStatus = { DIAL_ERROR: 100, OK: 200 } as const

export interface V1Dial {
  /** A peer id's multihash. */
  id: Uint8Array
  addrs: Uint8Array[]
}

export interface V1Response {
  status?: number
  text?: string
}

export interface V1Message {
  type?: number
  dial?: V1Dial
  response?: V1Response
}

export interface DialRequest {
  addrs: Uint8Array[]
  nonce: bigint
}

export interface DialResponse {
  status: number
  addressIndex: number
  dialStatus: number
}

export interface DataRequest {
  addressIndex: number
  bytes: bigint
}

export interface V2Message {
  dialRequest?: DialRequest
  dialResponse?: DialResponse
  dataRequest?: DataRequest
  data?: Uint8Array
}

const writeDial: Write<V1Dial> = (value, writer) =>
  writeNested(writer, 1, value, ({ id, addrs }, peer) => {
    tag(peer, 1, BYTES).bytes(id)
    for (const address of addrs) tag(peer, 2, BYTES).bytes(address)
  })
const v1PeerFields: Fields<V1Dial> = {
  1: [BYTES, (into, reader) => (into.id = reader.bytes())],
  2: [BYTES, (into, reader) => into.addrs.push(reader.bytes())]
}
const dialFields: Fields<V1Dial> = { 1: [BYTES, (into, reader) => readNested(into, reader, v1PeerFields)] }
const noDial = (): V1Dial => ({ id: new Uint8Array(), addrs: [] })

const writeV1Response: Write<V1Response> = ({ status, text }, writer) => {
  if (status !== undefined) tag(writer, 1, VARINT).uint32(status)
  if (text !== undefined) tag(writer, 2, BYTES).string(text)
}
const v1ResponseFields: Fields<V1Response> = {
  1: [VARINT, (into, reader) => (into.status = reader.uint32())],
  2: [BYTES, (into, reader) => (into.text = reader.string())]
}

export const V1Message = codec<V1Message>(
  (value, writer) => {
    if (value.type !== undefined) tag(writer, 1, VARINT).uint32(value.type)
    writeNested(writer, 2, value.dial, writeDial)
    writeNested(writer, 3, value.response, writeV1Response)
  },
  () => ({}),
  {
    1: [VARINT, (into, reader) => (into.type = reader.uint32())],
    2: [BYTES, (into, reader) => (into.dial = readNested(into.dial ?? noDial(), reader, dialFields))],
    3: [BYTES, (into, reader) => (into.response = readNested(into.response ?? {}, reader, v1ResponseFields))]
  }
)

const writeRequest: Write<DialRequest> = ({ addrs, nonce }, writer) => {
  for (const address of addrs) tag(writer, 1, BYTES).bytes(address)
  tag(writer, 2, FIXED64).fixed64(nonce)
}
const requestFields: Fields<DialRequest> = {
  1: [BYTES, (into, reader) => into.addrs.push(reader.bytes())],
  2: [FIXED64, (into, reader) => (into.nonce = fixed64(reader))]
}

const writeResponse: Write<DialResponse> = ({ status, addressIndex, dialStatus }, writer) => {
  tag(writer, 1, VARINT).uint32(status)
  tag(writer, 2, VARINT).uint32(addressIndex)
  tag(writer, 3, VARINT).uint32(dialStatus)
}
const responseFields: Fields<DialResponse> = {
  1: [VARINT, (into, reader) => (into.status = reader.uint32())],
  2: [VARINT, (into, reader) => (into.addressIndex = reader.uint32())],
  3: [VARINT, (into, reader) => (into.dialStatus = reader.uint32())]
}

const writeDataRequest: Write<DataRequest> = ({ addressIndex, bytes }, writer) => {
  tag(writer, 1, VARINT).uint32(addressIndex)
  tag(writer, 2, VARINT).uint64(bytes)
}
const dataRequestFields: Fields<DataRequest> = {
  1: [VARINT, (into, reader) => (into.addressIndex = reader.uint32())],
  2: [VARINT, (into, reader) => (into.bytes = reader.uint64())]
}

const writeData: Write<Uint8Array> = (value, writer) => tag(writer, 1, BYTES).bytes(value)
const noRequest = (): DialRequest => ({ addrs: [], nonce: 0n })
const noResponse = (): DialResponse => ({ status: 0, addressIndex: 0, dialStatus: 0 })
const noDataRequest = (): DataRequest => ({ addressIndex: 0, bytes: 0n })

export const V2Message = codec<V2Message>(
  (value, writer) => {
    writeNested(writer, 1, value.dialRequest, writeRequest)
    writeNested(writer, 2, value.dialResponse, writeResponse)
    writeNested(writer, 3, value.dataRequest, writeDataRequest)
    writeNested(writer, 4, value.data, writeData)
  },
  () => ({}),
  {
    1: [
      BYTES,
      (into, reader) =>
        (into.dialRequest = readNested(into.dialRequest ?? noRequest(), reader, requestFields))
    ],
    2: [
      BYTES,
      (into, reader) =>
        (into.dialResponse = readNested(into.dialResponse ?? noResponse(), reader, responseFields))
    ],
    3: [
      BYTES,
      (into, reader) =>
        (into.dataRequest = readNested(into.dataRequest ?? noDataRequest(), reader, dataRequestFields))
    ]
  }
)

/** What a v2 server says over the connection that it dialled. */
export const DialBack = codec<{ nonce: bigint }>(
  ({ nonce }, writer) => tag(writer, 1, FIXED64).fixed64(nonce),
  () => ({ nonce: 0n }),
  { 1: [FIXED64, (into, reader) => (into.nonce = fixed64(reader))] }
)

/** OK, the only answer there is to a {@link DialBack}. */
export const DIAL_BACK_OK = new Uint8Array([0x08, 0x00])
