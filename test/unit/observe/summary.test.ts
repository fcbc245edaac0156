import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createCounters } from '../../../app/main/observe/counters.ts'
import { createBus } from '../../../app/main/observe/events.ts'
import type { Log } from '../../../app/main/observe/log.ts'
import { startSummary } from '../../../app/main/observe/summary.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('says every 60 s how the node is doing, with rates since the line before', () => {
  const bus = createBus()
  const counters = createCounters(bus)
  const lines: [Record<string, unknown>, string][] = []
  const log = {
    info: (fields: Record<string, unknown>, text: string) => lines.push([fields, text])
  } as unknown as Log
  const stop = startSummary({
    log,
    counters,
    activity: () => ({ activeCircuits: 2, reservedPeers: 3, connectedPeers: 4 }),
    clock: () => Date.now()
  })
  bus.emit('peer-connected', { peer: 'a' })
  bus.emit('circuit-accepted', { id: 1, source: 'a', target: 'b' })

  bus.emit('bytes-relayed', { direction: 'to-target', bytes: 6_000_000 })
  vi.advanceTimersByTime(60_000)
  bus.emit('bytes-relayed', { direction: 'to-source', bytes: 600_000 })
  vi.advanceTimersByTime(60_000)
  stop()
  vi.advanceTimersByTime(60_000)

  expect(lines.map(([fields]) => fields)).toEqual([
    {
      uptimeSeconds: 60,
      activeCircuits: 2,
      reservedPeers: 3,
      connectedPeers: 4,
      bytesRelayed: 6_000_000,
      rateToTargetBytesPerSecond: 100_000,
      rateToSourceBytesPerSecond: 0,
      peers_served: 1,
      relayed_connections: 1
    },
    expect.objectContaining({
      uptimeSeconds: 120,
      bytesRelayed: 6_600_000,
      rateToTargetBytesPerSecond: 0,
      rateToSourceBytesPerSecond: 10_000
    })
  ])
  expect(lines[0]?.[1]).toMatch(/^up 1 min.*2 circuits, 3 reserved and 4 connected peers/)
})
