import { percentile } from '../../support/cpu.ts'
import type { Crew, Window } from '../clients/crew.ts'
import type { Figures } from '../figures.ts'
import type { NodeUnderTest } from '../nodes/node.ts'
import type { Options } from '../options.ts'

export interface Bench {
  crew: Crew
  options: Options
}

/** One run of a case on one node; undefined where that node has no such thing. */
export type Measure<C> = (bench: Bench, node: NodeUnderTest, what: C) => Promise<Figures | undefined>

/** What is done again and again: how long each took, and what each cost the relay. */
export function each(milliseconds: readonly number[], { seconds, relay, ...window }: Window): Figures {
  const count = milliseconds.length
  return {
    perSecond: count / seconds,
    cpuMsEach: ((relay.user + relay.system) * 1000) / count,
    userMsEach: (relay.user * 1000) / count,
    systemMsEach: (relay.system * 1000) / count,
    p50Ms: percentile(milliseconds, 50),
    p95Ms: percentile(milliseconds, 95),
    p99Ms: percentile(milliseconds, 99),
    count,
    ...busy(window)
  }
}

export const busy = ({ sourceBusy, sinkBusy }: Pick<Window, 'sourceBusy' | 'sinkBusy'>): Figures => ({
  sourceBusy,
  sinkBusy
})
