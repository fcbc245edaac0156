import { encode } from 'uqr'

/** The light edge that scanners need around a code. */
const QUIET_MODULES = 4

export interface QrCode {
  /** Of the square with its quiet zone, in modules. */
  size: number
  /** The dark modules, as the path of an SVG. */
  path: string
}

export function qrCode(text: string): QrCode {
  const { data, size } = encode(text, { ecc: 'M', border: 0 })
  let path = ''
  data.forEach((row, y) => {
    for (let x = 0; x < size; x++) {
      if (!row[x]) continue
      let end = x
      while (row[end]) end++
      path += `M${x + QUIET_MODULES} ${y + QUIET_MODULES}h${end - x}v1h${x - end}z`
      x = end
    }
  })
  return { size: size + 2 * QUIET_MODULES, path }
}
