import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../shared/errors.ts'

/**
 * The checksums of LevelDB's tables, compared before LevelDB sees them: it does not compare them itself, and a table
 * with a flipped bit can end the whole process by a failed assertion when it is compacted (test/upstream). The format
 * is that of LevelDB's doc/table_format.md; the tables must not be compressed, as level.ts has it.
 */

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** After each block: its type and its checksum. */
const TRAILER_BYTES = 5
const UNCOMPRESSED = 0

/** A part of a table. */
interface Handle {
  offset: number
  size: number
}

/** The name of a damaged table, if there is one. Throws the system's error. */
export async function damagedTable(dir: string): Promise<string | undefined> {
  for (const name of await readdir(dir)) {
    if (/^\d+\.(ldb|sst)$/.test(name) && !isSound(await readTable(path.join(dir, name)))) return name
  }
  return undefined
}

async function readTable(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    // LevelDB says so itself if it misses one.
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

function isSound(table: Buffer): boolean {
  const footer = table.subarray(-FOOTER_BYTES)
  // Without an end it is one that LevelDB was writing when it was killed, and deletes; or it reports it.
  if (footer.length < FOOTER_BYTES || !footer.subarray(-MAGIC.length).equals(MAGIC)) return true
  const reader = new Reader(footer)
  const [metaIndex, index] = [reader.handle(), reader.handle()]
  return [metaIndex, index].every(
    directory =>
      isSoundBlock(table, directory) &&
      handlesIn(table, directory).every(handle => isSoundBlock(table, handle))
  )
}

function isSoundBlock(table: Buffer, { offset, size }: Handle): boolean {
  if (offset + size + TRAILER_BYTES > table.length - FOOTER_BYTES) return false
  const typeEnd = offset + size + 1
  return table.readUInt32LE(typeEnd) === masked(crc32c(table.subarray(offset, typeEnd)))
}

/** The values of an index block, whose checksum is right. */
function handlesIn(table: Buffer, { offset, size }: Handle): Handle[] {
  const block = table.subarray(offset, offset + size)
  if (table[offset + size] !== UNCOMPRESSED || size < 4) return []
  const restarts = block.readUInt32LE(size - 4)
  const reader = new Reader(block.subarray(0, size - 4 - 4 * restarts))
  const handles: Handle[] = []
  while (!reader.atEnd) {
    reader.number()
    const keyBytes = reader.number()
    reader.number()
    reader.skip(keyBytes)
    handles.push(reader.handle())
  }
  return handles
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  handle(): Handle {
    return { offset: this.number(), size: this.number() }
  }

  /** Seven bits a byte, the lowest first. */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
}

const CASTAGNOLI = 0x82f63b78
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1
  return crc
})

function crc32c(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** As LevelDB stores it, so that a checksum of data with checksums in it is no special case. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
