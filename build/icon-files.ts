// The containers of Windows' and Apple's icons, which hold the same picture in several sizes.

export interface Picture {
  size: number
  /** Its pixels are red, green, blue, alpha, the colours multiplied by alpha. */
  image: { pixels: Uint8Array; asPng(): Buffer }
}

/** Windows' icon. Sizes below 256 are bitmaps, which installers and old dialogs need; 256 is a PNG. */
export function ico(pictures: readonly Picture[]): Buffer {
  const HEADER_BYTES = 6
  const ENTRY_BYTES = 16
  const bodies = pictures.map(picture => (picture.size < 256 ? bitmap(picture) : picture.image.asPng()))
  const header = Buffer.alloc(HEADER_BYTES + ENTRY_BYTES * pictures.length)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(pictures.length, 4)
  let offset = header.length
  pictures.forEach(({ size }, index) => {
    const { length } = bodies[index]!
    const at = HEADER_BYTES + ENTRY_BYTES * index
    header.writeUInt8(size % 256, at)
    header.writeUInt8(size % 256, at + 1)
    header.writeUInt16LE(1, at + 4)
    header.writeUInt16LE(32, at + 6)
    header.writeUInt32LE(length, at + 8)
    header.writeUInt32LE(offset, at + 12)
    offset += length
  })
  return Buffer.concat([header, ...bodies])
}

/** 32 bits a pixel, bottom row first, and the mask of one bit a pixel that the format asks for besides. */
function bitmap({ image, size }: Picture): Buffer {
  const HEADER_BYTES = 40
  const maskRow = Math.ceil(size / 32) * 4
  const body = Buffer.alloc(HEADER_BYTES + size * size * 4 + maskRow * size)
  body.writeUInt32LE(HEADER_BYTES, 0)
  body.writeInt32LE(size, 4)
  // Picture and mask, one over the other.
  body.writeInt32LE(size * 2, 8)
  body.writeUInt16LE(1, 12)
  body.writeUInt16LE(32, 14)
  body.writeUInt32LE(size * size * 4 + maskRow * size, 20)
  const { pixels } = image
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + x) * 4
      const to = HEADER_BYTES + ((size - 1 - y) * size + x) * 4
      const alpha = pixels[from + 3]!
      // The renderer's colours are multiplied by their alpha, those of a bitmap are not.
      for (let part = 0; part < 3; part++) {
        body[to + part] =
          alpha === 0 ? 0 : Math.min(255, Math.round((pixels[from + 2 - part]! * 255) / alpha))
      }
      body[to + 3] = alpha
      if (alpha === 0) {
        body[HEADER_BYTES + size * size * 4 + (size - 1 - y) * maskRow + (x >> 3)]! |= 0x80 >> (x & 7)
      }
    }
  }
  return body
}

/** Apple's types that hold a PNG. The smallest two without @2x are left out: their PNGs show wrongly in older systems. */
const ICNS_TYPES = { ic11: 32, ic12: 64, ic07: 128, ic13: 256, ic08: 256, ic14: 512, ic09: 512, ic10: 1024 }

/** Apple's icon, of PNGs by their size. */
export function icns(pngOf: (size: number) => Buffer): Buffer {
  const parts = Object.entries(ICNS_TYPES).map(([type, size]) => part(type, pngOf(size)))
  return part('icns', Buffer.concat(parts))
}

function part(type: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.write(type, 0, 'latin1')
  header.writeUInt32BE(bytes.length + 8, 4)
  return Buffer.concat([header, bytes])
}
