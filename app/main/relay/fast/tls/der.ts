/** The types of ASN.1 (X.690) that certificates need. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Version and extensions of a certificate. */
  explicit0: 0xa0,
  explicit3: 0xa3
} as const

/** A value, and how it stands in the encoding. */
interface Value {
  tag: number
  content: Buffer
  /** With tag and length. */
  whole: Buffer
}

/** Reads the values of DER one after another. Throws `RangeError` where it is none. */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.byteLength
  }

  /** Of the next value; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at]
  }

  next(): Value {
    const start = this.#at
    const tag = this.#byte()
    // Longer tags are not in certificates.
    if ((tag & 0x1f) === 0x1f) throw new RangeError('unusable tag')
    const length = this.#length()
    const content = this.#at
    this.#at += length
    if (this.#at > this.#bytes.byteLength) throw new RangeError('cut off')
    return {
      tag,
      content: this.#bytes.subarray(content, this.#at),
      whole: this.#bytes.subarray(start, this.#at)
    }
  }

  /** The content of the next value, which must be of that type. */
  take(tag: number): Buffer {
    const value = this.next()
    if (value.tag !== tag) throw new RangeError('another type was expected')
    return value.content
  }

  /** The values within the next one. */
  enter(tag: number): DerReader {
    return new DerReader(this.take(tag))
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    // 0x80 would be BER's length that is told at the end; four bytes are more than anything here has.
    const bytes = first & 0x7f
    if (bytes === 0 || bytes > 3) throw new RangeError('unusable length')
    let length = 0
    for (let index = 0; index < bytes; index++) length = (length << 8) | this.#byte()
    return length
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('cut off')
    return byte
  }
}

/** Encodes a value. */
export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { byteLength } = content
  const length =
    byteLength < 0x80
      ? [byteLength]
      : byteLength < 0x100
        ? [0x81, byteLength]
        : [0x82, byteLength >> 8, byteLength & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

/** Encodes an object identifier, such as 2.5.4.5. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  const arcs = [first * 40 + second, ...others]
  return der(Tag.objectId, Buffer.from(arcs.flatMap(base128)))
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80)
  return bytes
}
