import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonError } from '../../../app/main/settings/json-error.ts'

function refusedByEngine(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

describe('the place where JSON breaks', () => {
  it.each([
    ['{"a": tru}', 1, 7, 'a value'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma or }'],
    ['{\n  "a": 1,\n}', 3, 1, 'a name in double quotes'],
    ['{\r\n  a: 1\r\n}', 2, 3, 'a name in double quotes, or }'],
    ['{"a" 1}', 1, 6, 'a colon'],
    ['{"a": [1, 2}', 1, 12, 'a comma or ]'],
    ['[1,]', 1, 4, 'a value'],
    ['{"a": 01}', 1, 8, 'a comma or }'],
    ['{"a": "b}', 1, 10, 'a double quote at the end of the text'],
    ['{"a": "b\nc"}', 1, 9, 'a double quote at the end of the text'],
    ["{'a': 1}", 1, 2, 'a name in double quotes, or }'],
    ['{"a": 1} // why', 1, 10, 'the end of the file'],
    ['{"a": {"b": 1}', 1, 15, 'a comma or }'],
    ['', 1, 1, 'a value']
  ])('of %j is line %d, column %d: expected %s', (text, line, column, expected) => {
    expect(findJsonError(text)).toMatchObject({ line, column, expected })
  })

  it('is looked for without recursion', () => {
    expect(findJsonError('['.repeat(200_000))).toMatchObject({ line: 1, column: 200_001 })
  })

  it('exists if and only if the engine refuses the text', () => {
    const edited = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('', '"', ',', '}', ']', '{', '0', '\\', 'e', '\n', ':')
      )
      .map(
        ([text, at, cut, put]) =>
          text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + cut)
      )
    fc.assert(
      fc.property(edited, text => {
        expect(findJsonError(text) !== undefined).toBe(refusedByEngine(text))
      }),
      { numRuns: 3000 }
    )
  })
})
