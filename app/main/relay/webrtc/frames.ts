/** What a frame says beside its bytes (libp2p/specs, webrtc, "Multiplexing"). */
export const Flag = { fin: 0, stopSending: 1, reset: 2, finAck: 3 } as const

export interface Frame {
  bytes: Uint8Array | undefined
  flag: number | undefined
}

/** No implementation takes longer messages than this from all others. */
export const LONGEST_MESSAGE_BYTES = 16 * 1024
/** Length of the frame, and tag and length of its bytes. */
const HEADER_BYTES = 3 + 1 + 3
/** What one frame carries. */
export const FRAME_BYTES = LONGEST_MESSAGE_BYTES - HEADER_BYTES

const FLAG_TAG = 0x08
const BYTES_TAG = 0x12

/** A frame with a flag alone. */
export function encodeFlag(flag: number): Buffer {
  return Buffer.from([2, FLAG_TAG, flag])
}

/** A frame with at most FRAME_BYTES bytes; valid until the next call. */
export function encodeBytes(bytes: Uint8Array): Buffer {
  const { byteLength } = bytes
  const length = 1 + sizeOf(byteLength) + byteLength
  let at = writeVarint(scratch, length, 0)
  scratch[at++] = BYTES_TAG
  at = writeVarint(scratch, byteLength, at)
  scratch.set(bytes, at)
  return scratch.subarray(0, at + byteLength)
}

const scratch = Buffer.allocUnsafeSlow(LONGEST_MESSAGE_BYTES)

/**
 * Takes frames out of the messages of a data channel. Most come one in a message; they may be cut anywhere. Throws
 * `RangeError` at what is none.
 */
export class FrameReader {
  #rest: Buffer | undefined;

  /** The frames that are whole now. Their bytes lie in `message`, or in memory that is not used again. */
  *read(message: Buffer): Generator<Frame> {
    const bytes = this.#rest === undefined ? message : Buffer.concat([this.#rest, message])
    this.#rest = undefined
    let at = 0
    while (at < bytes.byteLength) {
      const length = readVarint(bytes, at)
      if (length !== undefined && length.value > LONGEST_MESSAGE_BYTES)
        throw new RangeError('too long a frame')
      const start = length?.next ?? Infinity
      const end = start + (length?.value ?? 0)
      if (end > bytes.byteLength) {
        this.#rest = at === 0 && bytes !== message ? bytes : Buffer.from(bytes.subarray(at))
        return
      }
      yield decodeFrame(bytes, start, end)
      at = end
    }
  }
}

function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  const frame: Frame = { bytes: undefined, flag: undefined }
  let at = start
  const varint = (): number => {
    const { value, next } = readVarint(bytes, at) ?? { value: 0, next: Infinity }
    if (next > end) throw new RangeError('a frame that is cut off')
    at = next
    return value
  }
  while (at < end) {
    const tag = varint()
    switch (tag & 7) {
      case 0: {
        const value = varint()
        if (tag === FLAG_TAG) frame.flag = value
        break
      }
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        if (tag === BYTES_TAG) frame.bytes = bytes.subarray(at, at + length)
        at += length
        break
      }
      case 5:
        at += 4
        break
      default:
        throw new RangeError('a field of no known type')
    }
    if (at > end) throw new RangeError('a field that is longer than its frame')
  }
  return frame
}

/** Undefined where the number is not all there. */
function readVarint(bytes: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, next: at + index + 1 }
  }
  throw new RangeError('too large a number')
}

const sizeOf = (value: number): number => (value < 0x80 ? 1 : value < 0x4000 ? 2 : 3)

function writeVarint(into: Buffer, value: number, at: number): number {
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80
  into[at++] = rest
  return at
}
