/**
 * The values of D-Bus messages, little-endian, by their signatures (D-Bus specification, "Marshaling"). Only what a
 * panel and an app say to each other: no file handles, no 64-bit numbers.
 */

const ALIGNMENT: Record<string, number> = { y: 1, g: 1, v: 1, n: 2, q: 2, '(': 8, '{': 8, d: 8 }
const alignmentOf = (type: string): number => ALIGNMENT[type[0] ?? ''] ?? 4

/** A value whose type travels with it. */
export class Variant {
  readonly type: string
  readonly value: unknown

  constructor(type: string, value: unknown) {
    this.type = type
    this.value = value
  }
}

/** `sa{sv}(iu)` -> `s`, `a{sv}`, `(iu)` */
function typesOf(signature: string): string[] {
  const types: string[] = []
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

function endOfType(signature: string, at: number): number {
  if (signature[at] === 'a') return endOfType(signature, at + 1)
  if (signature[at] !== '(' && signature[at] !== '{') return at + 1
  let depth = 0
  for (let end = at; end < signature.length; end++) {
    if ('({'.includes(signature[end] ?? '')) depth++
    if (')}'.includes(signature[end] ?? '') && --depth === 0) return end + 1
  }
  throw new Error(`no signature: ${signature}`)
}

export class Writer {
  #bytes: number[] = []

  get length(): number {
    return this.#bytes.length
  }

  align(to: number): this {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0)
    return this
  }

  write(signature: string, values: readonly unknown[]): this {
    for (const [index, type] of typesOf(signature).entries()) this.#value(type, values[index])
    return this
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes)
  }

  #value(type: string, value: unknown): void {
    this.align(alignmentOf(type))
    switch (type[0]) {
      case 'y':
        return void this.#bytes.push(Number(value))
      case 'b':
      case 'i':
      case 'u':
        return this.#uint32(Number(value))
      case 'd':
        return this.#double(Number(value))
      case 's':
      case 'o':
        return this.#text(value as string)
      case 'g':
        return this.#signature(value as string)
      case 'v':
        return this.#variant(value as Variant)
      case 'a':
        return this.#array(type.slice(1), value as unknown[])
      case '(':
      case '{':
        return void this.write(type.slice(1, -1), value as unknown[])
      default:
        throw new Error(`cannot write ${type}`)
    }
  }

  #uint32(value: number): void {
    this.#bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255)
  }

  #double(value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    this.#bytes.push(...bytes)
  }

  #text(text: string): void {
    const encoded = Buffer.from(text)
    this.#uint32(encoded.length)
    this.#bytes.push(...encoded, 0)
  }

  #signature(text: string): void {
    this.#bytes.push(text.length, ...Buffer.from(text), 0)
  }

  #variant({ type, value }: Variant): void {
    this.#signature(type)
    this.#value(type, value)
  }

  #array(type: string, values: readonly unknown[]): void {
    const lengthAt = this.#bytes.length
    this.#uint32(0)
    this.align(alignmentOf(type))
    const from = this.#bytes.length
    for (const value of values) this.#value(type, value)
    const length = this.#bytes.length - from
    for (let byte = 0; byte < 4; byte++) this.#bytes[lengthAt + byte] = (length >>> (8 * byte)) & 255
  }
}

export class Reader {
  readonly #data: Buffer
  at: number

  constructor(data: Buffer, at = 0) {
    this.#data = data
    this.at = at
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to
  }

  /** Variants come as what is in them, dictionaries as lists of pairs. */
  read(signature: string): unknown[] {
    return typesOf(signature).map(type => this.#value(type))
  }

  #value(type: string): unknown {
    this.align(alignmentOf(type))
    switch (type[0]) {
      case 'y':
        return this.#data[this.at++]
      case 'b':
        return this.#uint32() !== 0
      case 'i':
        return this.#uint32() | 0
      case 'u':
        return this.#uint32()
      case 'd':
        return this.#data.readDoubleLE((this.at += 8) - 8)
      case 's':
      case 'o':
        return this.#text(this.#uint32())
      case 'g':
        return this.#text(this.#data[this.at++] ?? 0)
      case 'v':
        return this.#value(this.#text(this.#data[this.at++] ?? 0))
      case 'a':
        return this.#array(type.slice(1))
      case '(':
      case '{':
        return this.read(type.slice(1, -1))
      default:
        throw new Error(`cannot read ${type}`)
    }
  }

  #uint32(): number {
    this.at += 4
    return this.#data.readUInt32LE(this.at - 4)
  }

  #text(length: number): string {
    const text = this.#data.toString('utf8', this.at, this.at + length)
    this.at += length + 1
    return text
  }

  #array(type: string): unknown[] {
    const length = this.#uint32()
    this.align(alignmentOf(type))
    const end = this.at + length
    const values: unknown[] = []
    while (this.at < end) values.push(this.#value(type))
    return values
  }
}
