import { reader as createReader, writer as createWriter, type Reader, type Writer } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * Protocol buffers by hand, one line a field: generated code uses enums and namespaces, which Node's type stripping
 * refuses.
 */

/** Encodes and decodes one kind of message, without its length prefix. `decode` throws on malformed bytes. */
export interface MessageCodec<M> {
  encode(value: M): Uint8Array
  decode(data: Uint8Array | Uint8ArrayList): M
}

export type Write<M> = (value: M, writer: Writer) => void
/** By field number: its wire type, and how it is read. Fields that are not here are skipped. */
export type Fields<M> = Record<number, readonly [type: number, read: (into: M, reader: Reader) => void]>

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2

export const tag = (writer: Writer, field: number, type: number): Writer => writer.uint32((field << 3) | type)

export function writeNested<M>(writer: Writer, field: number, value: M | undefined, write: Write<M>): void {
  if (value === undefined) return
  tag(writer, field, BYTES).fork()
  write(value, writer)
  writer.ldelim()
}

function readFields<M>(into: M, reader: Reader, end: number, fields: Fields<M>): M {
  while (reader.pos < end) {
    const next = reader.uint32()
    const type = next & 7
    const field = fields[next >>> 3]
    if (field === undefined) reader.skipType(type)
    else if (field[0] === type) field[1](into, reader)
    else throw new RangeError('a field has another type than its number says')
  }
  if (reader.pos !== end) throw new RangeError('a field is longer than the one around it')
  return into
}

export function readNested<M>(into: M, reader: Reader, fields: Fields<M>): M {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('a field is longer than its message')
  return readFields(into, reader, end, fields)
}

export function codec<M extends object>(write: Write<M>, empty: () => M, fields: Fields<M>): MessageCodec<M> {
  return {
    encode(value) {
      const writer = createWriter()
      write(value, writer)
      return writer.finish()
    },
    decode(data) {
      const reader = createReader(data)
      return readFields(empty(), reader, reader.len, fields)
    }
  }
}
