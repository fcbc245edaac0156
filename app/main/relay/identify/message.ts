import { BYTES, codec, tag } from '../protobuf.ts'

/** What peers tell each other of themselves (libp2p/specs, identify, "The Identify Message"). */
export interface IdentifyMessage {
  publicKey?: Uint8Array
  listenAddrs: Uint8Array[]
  protocols: string[]
  /** The receiver's address, as the sender sees it. */
  observedAddr?: Uint8Array
  protocolVersion?: string
  agentVersion?: string
  signedPeerRecord?: Uint8Array
}

export const IdentifyMessage = codec<IdentifyMessage>(
  (value, writer) => {
    if (value.publicKey !== undefined) tag(writer, 1, BYTES).bytes(value.publicKey)
    for (const address of value.listenAddrs) tag(writer, 2, BYTES).bytes(address)
    for (const protocol of value.protocols) tag(writer, 3, BYTES).string(protocol)
    if (value.observedAddr !== undefined) tag(writer, 4, BYTES).bytes(value.observedAddr)
    if (value.protocolVersion !== undefined) tag(writer, 5, BYTES).string(value.protocolVersion)
    if (value.agentVersion !== undefined) tag(writer, 6, BYTES).string(value.agentVersion)
    if (value.signedPeerRecord !== undefined) tag(writer, 8, BYTES).bytes(value.signedPeerRecord)
  },
  () => ({ listenAddrs: [], protocols: [] }),
  {
    1: [BYTES, (into, reader) => (into.publicKey = reader.bytes())],
    2: [BYTES, (into, reader) => into.listenAddrs.push(reader.bytes())],
    3: [BYTES, (into, reader) => into.protocols.push(reader.string())],
    4: [BYTES, (into, reader) => (into.observedAddr = reader.bytes())],
    5: [BYTES, (into, reader) => (into.protocolVersion = reader.string())],
    6: [BYTES, (into, reader) => (into.agentVersion = reader.string())],
    8: [BYTES, (into, reader) => (into.signedPeerRecord = reader.bytes())]
  }
)

/** The most one message may be long, and the most messages of one answer: go-libp2p's bounds, and js-libp2p's. */
export const MAX_MESSAGE_BYTES = 8192
export const MAX_MESSAGES = 10

/** A message, or what its parts come to, behind its length. */
export function framedMessage(...parts: Uint8Array[]): Uint8Array {
  let length = parts.reduce((sum, part) => sum + part.byteLength, 0)
  const prefix: number[] = []
  for (; length > 0x7f; length >>>= 7) prefix.push((length & 0x7f) | 0x80)
  return Buffer.concat([Uint8Array.from([...prefix, length]), ...parts])
}

/** Takes messages out of bytes as they arrive. */
export class MessageReader {
  readonly messages: IdentifyMessage[] = []
  #left = Buffer.alloc(0)

  get full(): boolean {
    return this.messages.length >= MAX_MESSAGES
  }

  /** Keeps what it needs of the bytes. @throws RangeError for a message that is too long or malformed */
  push(bytes: Uint8Array): void {
    this.#left = Buffer.concat([this.#left, bytes])
    while (!this.full) {
      const frame = nextFrame(this.#left)
      if (frame === undefined) return
      this.#left = this.#left.subarray(frame.end)
      this.messages.push(IdentifyMessage.decode(frame.bytes))
    }
  }
}

/** The first frame, if it is all there. Its length takes two bytes at most. */
function nextFrame(bytes: Buffer): { bytes: Buffer; end: number } | undefined {
  const [first, second] = bytes
  if (first === undefined) return undefined
  let length = first
  let start = 1
  if (first >= 0x80) {
    if (second === undefined) return undefined
    length = (second << 7) | (first & 0x7f)
    start = 2
  }
  if (length > MAX_MESSAGE_BYTES) throw new RangeError('an identify message is too long')
  const end = start + length
  return bytes.byteLength < end ? undefined : { bytes: bytes.subarray(start, end), end }
}

/** One message of several, as go-libp2p sends it: the newest of each field, and all addresses and protocols. */
export function merged(messages: readonly IdentifyMessage[]): IdentifyMessage {
  const [first = { listenAddrs: [], protocols: [] }] = messages
  if (messages.length < 2) return first
  return {
    ...Object.assign({}, ...messages),
    listenAddrs: messages.flatMap(({ listenAddrs }) => listenAddrs),
    protocols: [...new Set(messages.flatMap(({ protocols }) => protocols))]
  } as IdentifyMessage
}
