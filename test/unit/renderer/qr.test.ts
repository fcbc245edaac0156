import { expect, it } from 'vitest'
import { encode } from 'uqr'
import { qrCode } from '../../../app/renderer/state/qr.ts'

const PEER = '12D3KooWKxE2g8bQtc36e9xR37dz9iducnqYt6tanrMbpea25P2k'

/** The modules that the path covers. */
function drawn({ size, path }: { size: number; path: string }): boolean[][] {
  const modules = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  for (const [, x = '', y = '', width = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(width); i++) modules[Number(y)]![Number(x) + i] = true
  }
  return modules
}

it('draws the modules of the code, inside four light ones on each side', () => {
  const code = qrCode(PEER)
  const { data, size } = encode(PEER, { ecc: 'M', border: 0 })
  expect(code.size).toBe(size + 8)
  const modules = drawn(code)
  expect(modules.slice(4, 4 + size).map(row => row.slice(4, 4 + size))).toEqual(data)
  expect(modules.flat().filter(Boolean).length).toBe(data.flat().filter(Boolean).length)
})
