import { expect, it } from 'vitest'
import { Modes } from '../../app/main/modes.ts'
import type { ModeInfo } from '../../app/shared/api.ts'

function create(circuits = 0, reservations = 0) {
  const time = { now: 0 }
  const told: ModeInfo[] = []
  const modes = new Modes({
    now: () => time.now,
    circuits: () => circuits,
    reservations: () => reservations,
    changed: info => void told.push(info)
  })
  return { modes, time, told }
}

it('is paused until its time has come, and tells both changes once', () => {
  const { modes, time, told } = create()
  modes.pause(1000)
  time.now = 999
  modes.tick()
  expect(modes.info).toEqual({ mode: 'paused', until: '1970-01-01T00:00:01.000Z' })
  time.now = 1000
  modes.tick()
  modes.tick()
  expect(told.map(({ mode }) => mode)).toEqual(['paused', 'open'])
})

it('is still paused when the quota lets go', () => {
  const { modes } = create()
  modes.pause(undefined)
  modes.setHeld({ rule: 'quota-month', until: 5000 })
  expect(modes.mode).toBe('held')
  modes.setHeld(undefined)
  expect(modes.mode).toBe('paused')
})

it('drains whatever else holds, and is not resumed by resuming', () => {
  const { modes } = create(3, 2)
  modes.setHeld({ rule: 'quota-month', until: 9000 })
  modes.drain(5000)
  modes.resume()
  modes.setHeld(undefined)
  const until = '1970-01-01T00:00:05.000Z'
  expect(modes.info).toEqual({ mode: 'draining', until, circuitsLeft: 3, reservationsLeft: 2 })
})

it('tells the progress of draining at every tick', () => {
  const { modes, told } = create(2)
  modes.drain(5000)
  modes.tick()
  modes.tick()
  expect(told).toHaveLength(3)
})

it.each([
  { first: 5000, then: 9000 },
  { first: 9000, then: 5000 }
])('drains until the sooner of $first and $then', ({ first, then }) => {
  const { modes } = create()
  modes.drain(first)
  modes.drain(then)
  expect(modes.info.until).toBe('1970-01-01T00:00:05.000Z')
})

it.each([
  ['draining', 'off'],
  ['off', 'held'],
  ['held', 'paused'],
  ['paused', 'open']
] as const)('is %s rather than %s', (weightier, lighter) => {
  const { modes } = create()
  const hold = {
    draining: () => modes.drain(1000),
    off: () => modes.setOff(true),
    held: () => modes.setHeld({ rule: 'schedule', until: 2000 }),
    paused: () => modes.pause(3000),
    open: () => {}
  }
  hold[lighter]()
  expect(modes.mode).toBe(lighter)
  hold[weightier]()
  expect(modes.mode).toBe(weightier)
})

it('tells how many circuits are left while it is off, and no time, though it was paused until one', () => {
  const { modes } = create(2)
  modes.pause(1000)
  modes.setOff(true)
  expect(modes.info).toEqual({ mode: 'off', circuitsLeft: 2 })
  modes.setOff(false)
  expect(modes.info).toEqual({ mode: 'paused', until: '1970-01-01T00:00:01.000Z' })
})

it('tells which rule holds it and until when, and when that is another', () => {
  const { modes, told } = create(1)
  modes.setHeld({ rule: 'schedule', until: 1000 })
  modes.setHeld({ rule: 'schedule', until: 1000 })
  modes.setHeld({ rule: 'battery', until: undefined })
  expect(told).toEqual([
    { mode: 'held', rule: 'schedule', until: '1970-01-01T00:00:01.000Z', circuitsLeft: 1 },
    { mode: 'held', rule: 'battery', circuitsLeft: 1 }
  ])
})
