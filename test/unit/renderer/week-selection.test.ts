import { expect, it } from 'vitest'
import { indexOf, painted, stepBy } from '../../../app/renderer/state/week-selection.ts'
import { gridOf, itemsOf } from '../../../app/shared/week-hours.ts'

const always = gridOf([])

it('switches all hours between two corners, whichever way they were dragged', () => {
  const [monday, friday] = [
    { day: 0, hour: 9 },
    { day: 4, hour: 16 }
  ]
  const off = painted(always, friday, monday, false)
  expect(off).toEqual(painted(always, monday, friday, false))
  expect(off.filter(on => !on)).toHaveLength(40)
  expect(off[indexOf(friday)]).toBe(false)
  expect(itemsOf(painted(gridOf(['sun']), monday, friday, true))).toEqual(['mon-fri 9-17', 'sun 0-24'])
})

it('leaves an hour at least: none would mean always', () => {
  const one = gridOf(['mon 3-4'])
  expect(painted(one, { day: 0, hour: 0 }, { day: 6, hour: 23 }, false)).toBe(one)
})

it.each([
  ['ArrowRight', { day: 2, hour: 6 }],
  ['ArrowUp', { day: 1, hour: 5 }],
  ['Home', { day: 2, hour: 0 }],
  ['End', { day: 2, hour: 23 }],
  ['a', undefined]
])('%s leads to %j', (key, expected) => {
  expect(stepBy(key, { day: 2, hour: 5 })).toEqual(expected)
})

it('stays in the week', () => {
  expect(stepBy('ArrowDown', { day: 6, hour: 0 })).toEqual({ day: 6, hour: 0 })
  expect(stepBy('ArrowLeft', { day: 6, hour: 0 })).toEqual({ day: 6, hour: 0 })
})
