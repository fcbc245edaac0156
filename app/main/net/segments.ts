/**
 * How many segments the bytes of a connection came in. A read says little of it: it takes all that has arrived. But
 * peers write message by message, and what is written at once is a segment of its own, so the messages are told
 * apart by their lengths: those of multistream-select, then of Noise or TLS, or of WebSocket.
 */

/** What a message begins with: bytes that say its length, and the length; undefined while the header is not whole. */
type Framing = (head: readonly number[]) => { header: number; body: number } | undefined

/** multistream-select: a varint; no name of a protocol is so long that it takes three bytes. */
const multistream: Framing = ([first = 0, second]) => {
  if (first < 0x80) return { header: 1, body: first }
  return second === undefined ? undefined : { header: 2, body: (first & 0x7f) + second * 128 }
}

/** Noise as libp2p frames it (specs/noise, "Wire format"). */
const noise: Framing = ([high = 0, low]) =>
  low === undefined ? undefined : { header: 2, body: high * 256 + low }

/** A record: type, version, length (RFC 8446, 5.1). */
const tls: Framing = ([, , , high = 0, low]) =>
  low === undefined ? undefined : { header: 5, body: high * 256 + low }

/** RFC 6455, 5.2. */
const webSocket: Framing = head => {
  const [, second] = head
  if (second === undefined) return undefined
  const short = second & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const header = 2 + lengthBytes + (second < 0x80 ? 0 : 4)
  if (head.length < header) return undefined
  if (lengthBytes === 0) return { header, body: short }
  return { header, body: head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0) }
}

const AFTER: Record<string, Framing> = { '/noise\n': noise, '/tls/1.0.0\n': tls }
const LONGEST_NAME = '/tls/1.0.0\n'.length

/** The length of `/multistream/1.0.0`, which every connection begins with, and its line's end. */
const MULTISTREAM_BEGINS = 19
/** GET, which asks for a WebSocket; its frames come after. */
const UPGRADE_BEGINS = 'G'.charCodeAt(0)
/** The first byte of a WebSocket frame: the last or only one of a message, of any kind. */
const isWebSocketFrame = (byte: number): boolean => byte >= 0x80 && byte <= 0x8f

/**
 * Bytes to a segment that are believed, on average, so that nobody makes a lot of traffic of little by messages
 * without content. The shortest that honest peers send are Noise's, with their length apart, of 15.
 */
const FEWEST_BYTES = 14

/** Counts the segments of what one connection receives. */
export class Segments {
  readonly #maxSegment: number
  #framing: Framing | undefined
  #began = false
  /** Of the header under way. */
  #head: number[] = []
  /** What is missing of the message under way. */
  #left = 0
  /** Nothing has come of it but its header. */
  #isHeaderOnly = false
  /** The message under way, while names of protocols are exchanged. */
  #name: string | undefined
  #messages = 0
  /** Whether the peer writes the header of a message by itself, as js-libp2p does. */
  #headersApart = false

  constructor(maxSegment: number) {
    this.#maxSegment = maxSegment
  }

  /** The peer writes headers by themselves: how many more segments that makes of what came so far. */
  headersApart(): number {
    if (this.#headersApart || this.#framing === webSocket) return 0
    this.#headersApart = true
    return this.#messages
  }

  /** How many more segments these bytes are; `undefined` for bytes that were not seen. */
  take(bytes: number, chunk: Uint8Array | undefined): number {
    const atLeast = Math.ceil(bytes / this.#maxSegment)
    if (chunk === undefined) {
      // Whatever is read next is no beginning of a message.
      this.#began ||= this.#framing !== undefined
      this.#framing = undefined
      return atLeast
    }
    if (!this.#began) this.#begin(chunk[0] ?? 0)
    if (this.#framing === undefined) return atLeast
    const most = Math.ceil(bytes / FEWEST_BYTES) + 1
    const messages = this.#messages
    let segments = 0
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) at += this.#body(chunk, at)
      else segments += this.#header(chunk[at++] ?? 0)
    }
    this.#messages = Math.min(this.#messages, messages + most)
    return Math.min(segments, most) + this.#apart(chunk)
  }

  #begin(first: number): void {
    this.#began = first !== UPGRADE_BEGINS
    if (first === MULTISTREAM_BEGINS) {
      this.#framing = multistream
      this.#name = ''
    } else if (isWebSocketFrame(first)) this.#framing = webSocket
  }

  /** Takes one byte of a header: the segments of the message, once they are known. */
  #header(byte: number): number {
    this.#head.push(byte)
    const found = this.#framing?.(this.#head)
    if (found === undefined) return 0
    const { header, body } = found
    this.#head = []
    this.#left = body
    this.#isHeaderOnly = true
    this.#messages++
    if (this.#headersApart) return 1 + Math.ceil(body / this.#maxSegment)
    return Math.ceil((header + body) / this.#maxSegment)
  }

  /** Skips what is there of a message: how many bytes. */
  #body(chunk: Uint8Array, at: number): number {
    const bytes = Math.min(this.#left, chunk.length - at)
    this.#left -= bytes
    this.#isHeaderOnly = false
    if (this.#name === undefined) return bytes
    if (this.#name.length <= LONGEST_NAME) {
      this.#name += Buffer.from(chunk.subarray(at, at + bytes)).toString('latin1')
    }
    if (this.#left > 0) return bytes
    const next = AFTER[this.#name]
    this.#name = next === undefined ? '' : undefined
    this.#framing = next ?? this.#framing
    return bytes
  }

  /** A header that arrives alone was written alone, and so were all before it. */
  #apart(chunk: Uint8Array): number {
    const isAlone = this.#left > 0 && this.#isHeaderOnly && chunk.length < this.#maxSegment
    return isAlone ? this.headersApart() : 0
  }
}
