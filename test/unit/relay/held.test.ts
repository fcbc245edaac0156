import { expect, it } from 'vitest'
import { Held } from '../../../app/main/relay/circuit/held.ts'

it('shows each byte it holds, in whichever block that is', () => {
  const held = new Held()
  const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, at) => at % 251))
  held.append(bytes)
  held.drop(10_000)
  for (const at of [0, 1, 6383, 6384, 6385, 22_767, 22_768, 29_999]) {
    expect(held.at(at), String(at)).toBe(bytes[10_000 + at])
  }
  expect([held.at(30_000), held.at(1e9)]).toEqual([undefined, undefined])
  held.clear()
  expect(held.at(0)).toBeUndefined()
})
