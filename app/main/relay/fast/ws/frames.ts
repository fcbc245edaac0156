/** What goes over a WebSocket (RFC 6455, section 5). */

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  tooBig: 1009,
  internalError: 1011
} as const

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const FINAL = 0x80
const RESERVED = 0x70
const MASKED = 0x80
/** The longest head: two bytes, eight of length, four of mask. */
const MOST_HEAD_BYTES = 14
const MOST_CONTROL_BYTES = 125
/** Below this, looking for words costs more than they save. */
const FEWEST_BYTES_FOR_WORDS = 64

/** Those who dial mask what they send; those who are dialled must not. */
export type Role = 'server' | 'client'

/** The other side broke the protocol: the code to close with. */
export class FrameError extends Error {
  readonly closeCode: number

  constructor(closeCode: number, message: string) {
    super(message)
    this.closeCode = closeCode
  }
}

export interface FrameSink {
  /** A piece of a binary message; the memory is the parser's. */
  onPayload(bytes: Buffer): void
  onPing(payload: Buffer): void
  /** @param code where the other side gave one */
  onClose(code: number | undefined): void
}

/**
 * Takes frames apart where they arrived, and hands on what they carry piece by piece: where a message begins and ends
 * means nothing to those who read.
 */
export class FrameParser {
  readonly #sink: FrameSink
  readonly #mustMask: boolean
  readonly #maxMessageBytes: number
  /** A head that came in parts. */
  readonly #head = Buffer.alloc(MOST_HEAD_BYTES)
  #headBytes = 0
  readonly #mask = new Uint8Array(4)
  #masked = false
  #inPayload = false
  #opcode: number = OPCODE.binary
  /** Of the frame's payload, what has passed and what is still to come. */
  #passed = 0
  #left = 0
  /** More frames of the message will follow. */
  #fragmented = false
  /** Of the message so far, as its frames announce it. */
  #messageBytes = 0
  readonly #control = Buffer.alloc(MOST_CONTROL_BYTES)
  #closed = false

  /** @param maxMessageBytes in however many frames */
  constructor(role: Role, sink: FrameSink, maxMessageBytes = Infinity) {
    this.#maxMessageBytes = maxMessageBytes
    this.#mustMask = role === 'server'
    this.#sink = sink
  }

  /**
   * Unmasks in place. What comes behind a close frame is dropped.
   * @throws FrameError after which it must not be used any more
   */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.byteLength && !this.#closed) {
      at = this.#inPayload ? this.#readPayload(bytes, at) : this.#readHead(bytes, at)
    }
  }

  /** @returns where to go on */
  #readHead(bytes: Buffer, at: number): number {
    const kept = this.#headBytes
    if (kept === 0 && bytes.byteLength - at >= MOST_HEAD_BYTES) {
      const length = headLength(bytes, at)
      this.#begin(bytes, at)
      return at + length
    }
    const have = kept + bytes.copy(this.#head, kept, at, at + MOST_HEAD_BYTES - kept)
    const length = have < 2 ? 2 : headLength(this.#head, 0)
    if (have < length) {
      this.#headBytes = have
      return bytes.byteLength
    }
    this.#headBytes = 0
    this.#begin(this.#head, 0)
    return at + length - kept
  }

  #begin(head: Buffer, at: number): void {
    const first = head[at]!
    const second = head[at + 1]!
    this.#opcode = first & 0x0f
    this.#masked = (second & MASKED) !== 0
    const short = second & 0x7f
    this.#left = short < 126 ? short : short === 126 ? head.readUInt16BE(at + 2) : longLength(head, at + 2)
    if (this.#masked) {
      const maskAt = at + headLength(head, at) - 4
      for (let i = 0; i < 4; i++) this.#mask[i] = head[maskAt + i]!
    }
    this.#check((first & FINAL) !== 0, (first & RESERVED) !== 0)
    this.#passed = 0
    if (this.#left === 0) this.#finish()
    else this.#inPayload = true
  }

  #check(final: boolean, reserved: boolean): void {
    const opcode = this.#opcode
    if (reserved) throw broken('a reserved bit is set')
    if (this.#masked !== this.#mustMask)
      throw broken(this.#masked ? 'a masked frame' : 'a frame without mask')
    if (opcode === OPCODE.text) throw new FrameError(CLOSE.unsupportedData, 'a text message')
    if (opcode === OPCODE.binary || opcode === OPCODE.continuation) {
      if (this.#fragmented !== (opcode === OPCODE.continuation)) throw broken('fragments out of order')
      this.#messageBytes = this.#left + (this.#fragmented ? this.#messageBytes : 0)
      if (this.#messageBytes > this.#maxMessageBytes) {
        throw new FrameError(CLOSE.tooBig, `a message of more than ${this.#maxMessageBytes} bytes`)
      }
      this.#fragmented = !final
    } else if (opcode === OPCODE.close || opcode === OPCODE.ping || opcode === OPCODE.pong) {
      if (!final) throw broken('a control frame in fragments')
      if (this.#left > MOST_CONTROL_BYTES) throw broken('a control frame of too many bytes')
    } else throw broken('a reserved opcode')
  }

  /** @returns where to go on */
  #readPayload(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.byteLength, at + this.#left)
    if (this.#masked) mask(bytes, at, end, this.#mask, this.#passed)
    if (this.#opcode >= OPCODE.close) bytes.copy(this.#control, this.#passed, at, end)
    this.#passed += end - at
    this.#left -= end - at
    if (this.#left === 0) this.#inPayload = false
    if (this.#opcode < OPCODE.close) this.#sink.onPayload(bytes.subarray(at, end))
    else if (this.#left === 0) this.#finish()
    return end
  }

  /** A control frame is there as a whole; or a frame is empty. */
  #finish(): void {
    const payload = this.#control.subarray(0, this.#passed)
    if (this.#opcode === OPCODE.ping) this.#sink.onPing(payload)
    if (this.#opcode !== OPCODE.close) return
    this.#closed = true
    this.#sink.onClose(closeCode(payload))
  }
}

function broken(message: string): FrameError {
  return new FrameError(CLOSE.protocolError, message)
}

function headLength(head: Buffer, at: number): number {
  const second = head[at + 1]!
  const short = second & 0x7f
  return 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + ((second & MASKED) === 0 ? 0 : 4)
}

function longLength(head: Buffer, at: number): number {
  const high = head.readUInt32BE(at)
  if (high > 0x1f_ffff) throw new FrameError(CLOSE.tooBig, 'a frame of more than 2^53 bytes')
  return high * 2 ** 32 + head.readUInt32BE(at + 4)
}

function closeCode(payload: Buffer): number | undefined {
  if (payload.byteLength === 0) return undefined
  const code = payload.byteLength === 1 ? 0 : payload.readUInt16BE(0)
  const registered = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)
  if (!registered && (code < 3000 || code > 4999)) throw broken('a close frame without a valid code')
  return code
}

let words: BigUint64Array = new BigUint64Array(0)
const maskBytes = new Uint8Array(8)
const maskWord = new BigUint64Array(maskBytes.buffer)

/**
 * Masks, or unmasks, bytes from start to end in place (section 5.3).
 * @param passed bytes of the payload before these
 */
export function mask(bytes: Buffer, start: number, end: number, key: Uint8Array, passed: number): void {
  let at = start
  const phase = passed - start
  if (end - start >= FEWEST_BYTES_FOR_WORDS) {
    // By words as they lie in memory, with the key turned accordingly.
    const { buffer, byteOffset } = bytes
    const aligned = start + (-(byteOffset + start) & 7)
    for (; at < aligned; at++) bytes[at]! ^= key[(phase + at) & 3]!
    for (let i = 0; i < 8; i++) maskBytes[i] = key[(phase + at + i) & 3]!
    if (words.buffer !== buffer) words = new BigUint64Array(buffer, 0, buffer.byteLength >>> 3)
    const count = (end - at) >>> 3
    maskWords(words, (byteOffset + at) >>> 3, count, maskWord[0]!)
    at += count * 8
  }
  for (; at < end; at++) bytes[at]! ^= key[(phase + at) & 3]!
}

/** 64 bits at once: `asUintN` tells the compiler that it needs no bignums. */
function maskWords(memory: BigUint64Array, first: number, count: number, key: bigint): void {
  const word = BigInt.asUintN(64, key)
  const end = first + count
  let i = first
  for (; i + 4 <= end; i += 4) {
    memory[i] = BigInt.asUintN(64, memory[i]! ^ word)
    memory[i + 1] = BigInt.asUintN(64, memory[i + 1]! ^ word)
    memory[i + 2] = BigInt.asUintN(64, memory[i + 2]! ^ word)
    memory[i + 3] = BigInt.asUintN(64, memory[i + 3]! ^ word)
  }
  for (; i < end; i++) memory[i] = BigInt.asUintN(64, memory[i]! ^ word)
}

/** The most bytes `frameInPlace` writes before the payload. */
export function mostHeadBytes(role: Role): number {
  return role === 'client' ? MOST_HEAD_BYTES : MOST_HEAD_BYTES - 4
}

/**
 * Makes a frame, in place, of the payload between start and end.
 * @param key masks it, where the sender is a client
 * @returns where the frame begins, at most `mostHeadBytes` before start
 */
function frameInPlace(opcode: number, bytes: Buffer, start: number, end: number, key?: Uint8Array): number {
  const length = end - start
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const begin = start - 2 - lengthBytes - (key === undefined ? 0 : 4)
  bytes[begin] = FINAL | opcode
  bytes[begin + 1] =
    (key === undefined ? 0 : MASKED) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) bytes.writeUInt16BE(length, begin + 2)
  if (lengthBytes === 8) {
    bytes.writeUInt32BE(Math.floor(length / 2 ** 32), begin + 2)
    bytes.writeUInt32BE(length % 2 ** 32, begin + 6)
  }
  if (key !== undefined) {
    bytes.set(key, start - 4)
    mask(bytes, start, end, key, 0)
  }
  return begin
}

/** One binary message of the bytes between start and end; see `frameInPlace`. */
export function binaryInPlace(bytes: Buffer, start: number, end: number, key?: Uint8Array): number {
  return frameInPlace(OPCODE.binary, bytes, start, end, key)
}

export function pingFrame(key?: Uint8Array): Buffer {
  return controlFrame(OPCODE.ping, Buffer.alloc(0), key)
}

export function pongFrame(payload: Uint8Array, key?: Uint8Array): Buffer {
  return controlFrame(OPCODE.pong, payload, key)
}

/** @param code none where there is nothing to say */
export function closeFrame(code: number | undefined, key?: Uint8Array): Buffer {
  const payload = Buffer.alloc(code === undefined ? 0 : 2)
  if (code !== undefined) payload.writeUInt16BE(code)
  return controlFrame(OPCODE.close, payload, key)
}

function controlFrame(opcode: number, payload: Uint8Array, key?: Uint8Array): Buffer {
  const bytes = Buffer.alloc(MOST_HEAD_BYTES + payload.byteLength)
  bytes.set(payload, MOST_HEAD_BYTES)
  return bytes.subarray(frameInPlace(opcode, bytes, MOST_HEAD_BYTES, bytes.byteLength, key))
}
