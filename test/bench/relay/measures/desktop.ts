import { setTimeout as delay } from 'node:timers/promises'
import type { Inspected } from '../../support/inspected.ts'
import type { DesktopCase } from '../cases.ts'
import type { Figures } from '../figures.ts'
import type { Measure } from './measure.ts'
import { transfer } from './transfer.ts'

/** Of the monitor's timer. */
const RESOLUTION_MS = 10
/** For a thousand runs of it. */
const LOOK_MS = 10_000

/** What a transfer costs, and then, while the clients send on, by how much it holds up the rest of the node. */
export const desktop: Measure<DesktopCase> = async (bench, node, what) => {
  const figures = await transfer(bench, node, what)
  if (figures === undefined || node.inspected === undefined) return figures
  // After the CPU time was read: the monitor has a cost of its own.
  return { ...figures, ...(await eventLoopDelay(node.inspected)) }
}

/** By how much timers are late: the histogram holds the time between two runs of one, so its period is no delay. */
async function eventLoopDelay(inspected: Inspected): Promise<Figures> {
  await inspected.evaluate(
    `void (globalThis.benchDelay = process.getBuiltinModule('perf_hooks')
      .monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} })).enable()`
  )
  await delay(LOOK_MS)
  const [loopP50Ms, loopP99Ms, loopMaxMs] = (await inspected.evaluate(
    `benchDelay.disable(), [benchDelay.percentile(50), benchDelay.percentile(99), benchDelay.max]
      .map(nanoseconds => Math.max(0, nanoseconds / 1e6 - ${RESOLUTION_MS}))`
  )) as [number, number, number]
  return { loopP50Ms, loopP99Ms, loopMaxMs }
}
