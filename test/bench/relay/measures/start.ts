import { setTimeout as delay } from 'node:timers/promises'
import { cpuNanoseconds, residentMiB } from '../../support/cpu.ts'
import type { Figures } from '../figures.ts'
import type { NodeUnderTest, Subject } from '../nodes/node.ts'

/** What is put off until after the start is not idleness yet. */
const SETTLE_MS = 5000

/** From the process's start until it listens. Undefined for a node that is not ours to start. */
export async function startUp(subject: Subject): Promise<Figures | undefined> {
  const node = await subject.start()
  try {
    return node.startMs === undefined
      ? undefined
      : { startMs: node.startMs, startRssMiB: residentMiB(node.pid) }
  } finally {
    await node.stop()
  }
}

/** CPU time and memory of a node that nobody talks to. */
export async function idle(node: NodeUnderTest, seconds: number): Promise<Figures> {
  await delay(SETTLE_MS)
  const [cpu, since] = [cpuNanoseconds(node.pid), performance.now()]
  await delay(seconds * 1000)
  const idleCpuPercent = ((cpuNanoseconds(node.pid) - cpu) / 1e6 / (performance.now() - since)) * 100
  return { idleCpuPercent, idleRssMiB: residentMiB(node.pid) }
}
