import { setTimeout as delay } from 'node:timers/promises'
import { cpuNanoseconds, residentMiB } from '../../support/cpu.ts'
import type { ReservationsCase } from '../cases.ts'
import { busy, type Measure } from './measure.ts'

const AT_ONCE = 8
const SETTLE_MS = 2000

/** What many peers cost that connect, identify and reserve, and what it costs to hold them. */
export const reservations: Measure<ReservationsCase> = async ({ crew, options }, node, { transport }) => {
  const way = node.way(transport)
  // Through a proxy nothing can be reserved.
  if (way?.kind !== 'circuits') return undefined
  const count = options.reservations
  await crew.create(way, count)
  const beforeMiB = residentMiB(node.pid)
  const kiBEach = (): number => ((residentMiB(node.pid) - beforeMiB) * 1024) / count
  const { window } = await crew.during(node.pid, () => crew.reserve(AT_ONCE))
  await delay(SETTLE_MS)
  const firstKiBEach = kiBEach()
  const [cpu, since] = [cpuNanoseconds(node.pid), performance.now()]
  await delay(options.holdSeconds * 1000)
  const holdCpuPercent = ((cpuNanoseconds(node.pid) - cpu) / 1e6 / (performance.now() - since)) * 100
  return {
    perSecond: count / window.seconds,
    cpuMsEach: ((window.relay.user + window.relay.system) * 1000) / count,
    // At once, and when it has held them for a while.
    firstKiBEach,
    heldKiBEach: kiBEach(),
    holdCpuPercent,
    count,
    ...busy(window)
  }
}
