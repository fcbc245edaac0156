import { describe, expect, it } from 'vitest'
import { Overload, shedding, type OverloadLimits } from '../../../app/main/relay/overload.ts'
import type { OverloadInfo } from '../../../app/shared/api.ts'
import { VirtualTiming } from './virtual-timing.ts'

const MiB = 1024 * 1024
const NONE: OverloadLimits = { eventLoopDelayMs: Infinity, memoryBytes: Infinity }

function create(limits: Partial<OverloadLimits>) {
  const timing = new VirtualTiming()
  const memory = { bytes: 100 * MiB }
  const told: (OverloadInfo['cause'] | undefined)[] = []
  const overload = new Overload(
    { timing, memoryBytes: () => memory.bytes, changed: info => told.push(info?.cause) },
    { ...NONE, ...limits }
  )
  /** Lets time go by in which timers are so late. */
  const advance = (milliseconds: number, late: number): void => timing.advance(milliseconds, () => late)
  return { overload, timing, memory, told, advance }
}

describe('a node that comes late to its work', () => {
  it('takes work while it is late by less than the limit', () => {
    const { overload, advance, told } = create({ eventLoopDelayMs: 300 })
    expect(overload.isOverloaded).toBe(false)
    advance(1000, 299)
    expect(overload.isOverloaded).toBe(false)
    expect(told).toEqual([])
  })

  it('refuses from the moment it is later, until it was well below the limit for a second', () => {
    const { overload, advance, told } = create({ eventLoopDelayMs: 300 })
    expect(overload.isOverloaded).toBe(false)
    advance(1000, 301)
    expect(overload.isOverloaded).toBe(true)
    expect(overload.info).toMatchObject({ cause: 'event-loop-delay', memoryBytes: 100 * MiB })
    advance(10_000, 200)
    expect(overload.isOverloaded).toBe(true)
    advance(500, 0)
    expect(overload.isOverloaded).toBe(true)
    advance(1200, 0)
    expect(overload.isOverloaded).toBe(false)
    expect(told).toEqual(['event-loop-delay', undefined])
  })

  it('recovers without being asked', () => {
    const { overload, advance, told } = create({ eventLoopDelayMs: 300 })
    void overload.isOverloaded
    advance(500, 400)
    advance(5000, 0)
    expect(told).toEqual(['event-loop-delay', undefined])
  })
})

describe('a node with much memory', () => {
  it('refuses until it is a tenth below the limit', () => {
    const { overload, memory, advance, told } = create({ memoryBytes: 1000 * MiB })
    memory.bytes = 1001 * MiB
    void overload.isOverloaded
    advance(50, 0)
    expect(overload.info).toMatchObject({ cause: 'memory', memoryBytes: 1001 * MiB })
    memory.bytes = 950 * MiB
    advance(10_000, 0)
    expect(overload.isOverloaded).toBe(true)
    memory.bytes = 899 * MiB
    advance(2000, 0)
    expect(overload.isOverloaded).toBe(false)
    expect(told).toEqual(['memory', undefined])
  })
})

it('sets no timer without a limit, none while nobody asks, and none after its end', () => {
  const { overload, timing, advance } = create({})
  void overload.isOverloaded
  expect(timing.waiting).toBe(0)
  overload.setLimits({ ...NONE, eventLoopDelayMs: 300 })
  expect(timing.waiting).toBe(0)
  void overload.isOverloaded
  void overload.isOverloaded
  expect(timing.waiting).toBe(1)
  advance(100, 0)
  expect(timing.waiting).toBe(0)
  void overload.isOverloaded
  overload.stop()
  expect(timing.waiting).toBe(0)
})

it('takes work again at once where the limits are lifted', () => {
  const { overload, advance, told, timing } = create({ eventLoopDelayMs: 300 })
  void overload.isOverloaded
  advance(500, 400)
  overload.setLimits(NONE)
  expect(overload.isOverloaded).toBe(false)
  expect(told).toEqual(['event-loop-delay', undefined])
  expect(timing.waiting).toBe(0)
})

it.each([
  { late: false, overBudget: false, refused: false },
  { late: true, overBudget: false, refused: true },
  { late: false, overBudget: true, refused: true }
])('with lateness $late and the processor over its share $overBudget, refuses: $refused', each => {
  const budget = { overloaded: each.overBudget, isOverShare: (source: string) => source === 'greedy' }
  const gate = shedding({ isOverloaded: each.late }, budget)
  expect(gate.overloaded).toBe(each.refused)
  expect([gate.isOverShare('greedy', 'b'), gate.isOverShare('a', 'b')]).toEqual([true, false])
})
