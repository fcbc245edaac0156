/** Frames of Yamux (hashicorp/yamux, spec.md): a header, and behind that of a data frame its payload. */

export const HEADER_BYTES = 12
export const VERSION = 0

/** Types of frames. The header's length is a payload's, more of the window, a ping's number or a reason. */
export const DATA = 0
export const WINDOW_UPDATE = 1
export const PING = 2
export const GO_AWAY = 3

/** Flags. */
export const NO_FLAGS = 0
export const SYN = 1
export const ACK = 2
export const FIN = 4
export const RST = 8

/** Reasons to go away. */
export const NORMAL = 0
export const PROTOCOL_ERROR = 1
export const INTERNAL_ERROR = 2

/** What a stream may send before it is told of more. */
export const FIRST_WINDOW_BYTES = 256 * 1024
/** What the header's fields of four bytes hold. */
export const MOST = 0xffff_ffff

/** Writes a header at the front of the bytes. */
export function putHeader(bytes: Buffer, type: number, flags: number, stream: number, length: number): void {
  bytes[0] = VERSION
  bytes[1] = type
  bytes[2] = flags >>> 8
  bytes[3] = flags & 0xff
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
}

// Fields of the header that begins at `at`: no object is made of a frame.
export const versionAt = (bytes: Buffer, at: number): number => bytes[at] as number
export const typeAt = (bytes: Buffer, at: number): number => bytes[at + 1] as number
export const flagsAt = (bytes: Buffer, at: number): number =>
  ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
export const streamAt = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + 4)
export const lengthAt = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + 8)
