import { InvalidMessageError, UnsupportedProtocolError } from '@libp2p/interface'
import type { DuctReader, RawDuct, SecureDuct } from './duct.ts'
import { Outbox, unsealed } from './outbox.ts'

const HEADER = '/multistream/1.0.0'
const NOT_AVAILABLE = 'na'
const LIST = 'ls'
/** As in go: a line with its line feed, without its length. */
const MOST_LINE_BYTES = 1024
/** Lines of an initiator that were answered, before it is taken for one that only keeps us busy. */
const MOST_PROPOSALS = 32
const LINE_FEED = 0x0a
const NOTHING = Buffer.alloc(0)

/** What both sides speak from now on. */
export interface Agreed {
  protocol: string
  /** Bytes that came behind the negotiation and belong to the protocol already. Whose reader is next gets them first. */
  rest: Buffer
}

/** What came of some bytes. */
export interface Step {
  /** What to send now; may be empty. */
  reply: Uint8Array
  /** Once there is one the negotiation is over. */
  protocol?: string
  /** With a protocol: what came behind it, in the memory of the bytes that were given. */
  rest?: Uint8Array
}

/** One side of a negotiation, without its carrier. Takes bytes however they were cut; throws what ends it. */
export interface Negotiator {
  /** What it sends before anything came. */
  readonly opening: Uint8Array
  onBytes(bytes: Uint8Array): Step
}

/** Agrees to the first protocol that the other side proposes and we have. Throws `InvalidMessageError`. */
export class Responder implements Negotiator {
  readonly opening = NOTHING
  readonly #protocols: () => readonly string[]
  readonly #has: (protocol: string) => boolean
  readonly #lines = new Lines()
  #isGreeted = false
  #proposals = 0

  /** `has`: of protocols that are often proposed, that it is one of them, where the list of all takes longer to make. */
  constructor(protocols: () => readonly string[], has = (_protocol: string): boolean => false) {
    this.#protocols = protocols
    this.#has = has
  }

  onBytes(bytes: Uint8Array): Step {
    const replies: Buffer[] = []
    this.#lines.add(bytes)
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (!this.#isGreeted) {
        if (line !== HEADER)
          throw new InvalidMessageError('the peer does not begin with multistream-select 1.0')
        this.#isGreeted = true
        replies.push(encodeOwn(HEADER))
        continue
      }
      const protocols = this.#has(line) ? [line] : this.#protocols()
      if (protocols.includes(line)) {
        replies.push(encodeOwn(line))
        return { reply: joined(replies), protocol: line, rest: this.#lines.rest() }
      }
      if (++this.#proposals >= MOST_PROPOSALS)
        throw new InvalidMessageError('the peer proposes too many protocols')
      replies.push(line === LIST ? encodeList(protocols) : encode(NOT_AVAILABLE))
    }
    // One who speaks something else may say no more until it is answered: it is not waited for.
    const begun = this.#lines.rest()
    if (!this.#isGreeted && !encodeOwn(HEADER).subarray(0, begun.byteLength).equals(begun)) {
      throw new InvalidMessageError('the peer does not begin with multistream-select 1.0')
    }
    this.#lines.keep()
    return { reply: joined(replies) }
  }
}

/**
 * Proposes the protocols in order, the first together with the header. Throws `UnsupportedProtocolError` if the other
 * side has none of them, and `InvalidMessageError`.
 */
export class Initiator implements Negotiator {
  readonly opening: Uint8Array
  readonly #protocols: readonly string[]
  readonly #lines = new Lines()
  #isGreeted = false
  #proposed = 0

  constructor(protocols: readonly string[]) {
    const [first] = protocols
    if (first === undefined) throw new UnsupportedProtocolError('there is no protocol to propose')
    this.#protocols = protocols
    this.opening = joined([encodeOwn(HEADER), encodeOwn(first)])
  }

  onBytes(bytes: Uint8Array): Step {
    const replies: Buffer[] = []
    this.#lines.add(bytes)
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (!this.#isGreeted) {
        if (line !== HEADER)
          throw new InvalidMessageError('the peer does not answer with multistream-select 1.0')
        this.#isGreeted = true
      } else if (line === this.#protocols[this.#proposed]) {
        return { reply: joined(replies), protocol: line, rest: this.#lines.rest() }
      } else if (line === NOT_AVAILABLE) {
        const next = this.#protocols[++this.#proposed]
        if (next === undefined)
          throw new UnsupportedProtocolError(`the peer has none of ${this.#protocols.join(', ')}`)
        replies.push(encodeOwn(next))
      } else {
        throw new InvalidMessageError('the peer answers with a protocol that was not proposed')
      }
    }
    this.#lines.keep()
    return { reply: joined(replies) }
  }
}

/**
 * Answers the other side's proposals until it proposes one of the protocols (multistream-select 1.0). Rejects if it
 * says what is not allowed, closes, or the signal aborts; the duct is then left as it is, without a reader. In any case
 * it is paused in the end.
 */
export async function acceptProtocol(
  duct: RawDuct | SecureDuct,
  protocols: readonly string[],
  signal: AbortSignal
): Promise<Agreed> {
  return negotiate(duct, new Responder(() => protocols), signal)
}

/** As `acceptProtocol`, but proposes the protocols, in order. */
export async function proposeProtocol(
  duct: RawDuct | SecureDuct,
  protocols: readonly string[],
  signal: AbortSignal
): Promise<Agreed> {
  return negotiate(duct, new Initiator(protocols), signal)
}

async function negotiate(
  duct: RawDuct | SecureDuct,
  negotiator: Negotiator,
  signal: AbortSignal
): Promise<Agreed> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Agreed>()
  const out = 'send' in duct ? new Outbox(duct, unsealed, reject) : duct
  const say = (bytes: Uint8Array): void => {
    if (bytes.byteLength === 0) return
    out.write(bytes)
    out.flush()
  }
  const stop = (): void => {
    signal.removeEventListener('abort', onAbort)
    if (duct.reader === reader) duct.reader = undefined
    duct.pause()
  }
  const fail = (error: unknown): void => {
    stop()
    reject(error)
  }
  const onAbort = (): void => fail(signal.reason)
  const reader: DuctReader = {
    onBytes: bytes => {
      try {
        const { reply, protocol, rest = NOTHING } = negotiator.onBytes(bytes)
        if (protocol !== undefined) stop()
        say(reply)
        if (protocol !== undefined) resolve({ protocol, rest: Buffer.from(rest) })
      } catch (error) {
        fail(error)
      }
    },
    onDrain: () => {},
    onEnd: () => fail(new InvalidMessageError('the peer ended the connection during the negotiation')),
    onClose: error =>
      fail(error ?? new InvalidMessageError('the connection was closed during the negotiation'))
  }
  signal.addEventListener('abort', onAbort)
  duct.reader = reader
  try {
    say(negotiator.opening)
    duct.resume()
  } catch (error) {
    fail(error)
  }
  return promise
}

/** Cuts bytes into lines, each of them behind its length. */
class Lines {
  #bytes: Buffer = NOTHING
  #at = 0

  add(bytes: Uint8Array): void {
    const added = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#bytes = this.#bytes.byteLength === 0 ? added : Buffer.concat([this.#bytes, added])
    this.#at = 0
  }

  /** Without its line feed; undefined until it has come whole. */
  next(): string | undefined {
    const bytes = this.#bytes
    const first = bytes[this.#at]
    const second = bytes[this.#at + 1]
    if (first === undefined) return undefined
    let length = first
    let start = this.#at + 1
    if (first >= 0x80) {
      if (second === undefined) return undefined
      // Two bytes of length are more than a line may have; a third is never read.
      length = second >= 0x80 ? Infinity : (first & 0x7f) | (second << 7)
      start++
    }
    if (length > MOST_LINE_BYTES) throw new InvalidMessageError('a line of the negotiation is too long')
    if (length === 0) throw new InvalidMessageError('a line of the negotiation is empty')
    const end = start + length
    if (end > bytes.byteLength) return undefined
    if (bytes[end - 1] !== LINE_FEED) throw new InvalidMessageError('a line of the negotiation has no end')
    this.#at = end
    return bytes.toString('utf8', start, end - 1)
  }

  /** What comes behind the last line. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  /** Keeps what is left, because its memory is about to be used again. */
  keep(): void {
    const rest = this.rest()
    this.#bytes = rest.byteLength === 0 ? NOTHING : Buffer.from(rest)
    this.#at = 0
  }
}

const encodedOwn = new Map<string, Buffer>()

/** The same of what this node says itself: few lines, again and again. */
function encodeOwn(line: string): Buffer {
  let bytes = encodedOwn.get(line)
  if (bytes === undefined) encodedOwn.set(line, (bytes = encode(line)))
  return bytes
}

function encode(line: string): Buffer {
  const text = Buffer.from(`${line}\n`)
  return Buffer.concat([lengthOf(text), text])
}

function encodeList(protocols: readonly string[]): Buffer {
  const text = Buffer.concat([...protocols.map(encode), Buffer.from('\n')])
  return Buffer.concat([lengthOf(text), text])
}

function lengthOf({ byteLength }: Buffer): Buffer {
  const bytes: number[] = []
  let left = byteLength
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}

function joined(replies: Buffer[]): Buffer {
  return replies.length === 1 ? (replies[0] as Buffer) : Buffer.concat(replies)
}
