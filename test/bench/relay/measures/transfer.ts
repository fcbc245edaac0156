import { cpuSeconds } from '../../support/cpu.ts'
import type { DesktopCase, TransferCase } from '../cases.ts'
import type { Window } from '../clients/crew.ts'
import type { NodeUnderTest } from '../nodes/node.ts'
import { busy, type Measure } from './measure.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20
/** A relay that is too slow for the bytes wanted is not waited for. */
const LONGEST = 5
/** Smaller writes cost more each, so that fewer bytes take as long. */
const FULL_WRITE_BYTES = 8 * 1024
/** The yardstick is the same in every case: so many sockets, writes of so many bytes. */
const YARDSTICK = { circuits: 8, writeBytes: 64 * 1024 }

/** CPU seconds for each GiB relayed, and the speed, while all circuits send one way as fast as they can. */
export const transfer: Measure<TransferCase | DesktopCase> = async ({ crew, options }, node, what) => {
  const way = node.way(what.transport)
  if (way === undefined) return undefined
  const { circuits, writeBytes } = way.kind === 'sockets' ? YARDSTICK : what
  const perPair = way.kind === 'sockets' ? 1 : Math.min(circuits, options.circuitsPerPair)
  await crew.pairUp(way, Math.ceil(circuits / perPair))
  const bytesPerSecond = what.kind === 'desktop' ? what.bytesPerSecond : undefined
  await crew.pump(perPair, writeBytes, bytesPerSecond && bytesPerSecond / circuits)
  const wanted = options.leastBytes * Math.min(1, writeBytes / FULL_WRITE_BYTES)
  const enough =
    (least: number, leastBytes: number) =>
    ({ seconds, bytes }: Window): boolean =>
      seconds >= least * (bytes >= leastBytes ? 1 : LONGEST)
  await crew.until(node.pid, enough(options.warmUpSeconds, wanted / 4))
  const allBefore = allSeconds(node)
  const window = await crew.until(node.pid, enough(options.seconds, wanted))
  const all = allSeconds(node) - allBefore
  const { seconds, bytes, relay } = window
  if (bytes === 0) throw new Error('nothing arrived')
  return {
    cpuPerGiB: ((relay.user + relay.system) * GIB) / bytes,
    userPerGiB: (relay.user * GIB) / bytes,
    systemPerGiB: (relay.system * GIB) / bytes,
    ...(node.processes && { allPerGiB: (all * GIB) / bytes }),
    mibPerSecond: bytes / MIB / seconds,
    relayBusy: (relay.user + relay.system) / seconds,
    seconds,
    ...busy(window)
  }
}

/** CPU seconds of all the program's processes that run now. */
function allSeconds(node: NodeUnderTest): number {
  return (node.processes?.() ?? []).reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}
