import { setTimeout as delay } from 'node:timers/promises'
import type { Case, StartCase } from './cases.ts'
import { hasLoaded } from '../support/cpu.ts'
import { medians, ratios, roundedAll, type Figures } from './figures.ts'
import { Memory } from './memory.ts'
import { desktop } from './measures/desktop.ts'
import { roundTrips, setUps } from './measures/exchange.ts'
import type { Bench } from './measures/measure.ts'
import { reservations } from './measures/reservations.ts'
import { idle, startUp } from './measures/start.ts'
import { transfer } from './measures/transfer.ts'
import type { NodeUnderTest, Subject } from './nodes/node.ts'

/** What came of one case on one relay. */
export interface Outcome {
  name: string
  /** What its Noise is made of, of our own nodes; known of desktop cases. */
  crypto?: 'sodium' | 'fallback'
  /** Medians of the rounds; memory over all of them. */
  figures: Figures
  rounds: Figures[]
  /** As multiples of what another relay of the same run has, by its name. */
  ratios: Record<string, Figures>
}

export interface Result {
  id: string
  kind: Case['kind']
  outcomes: Outcome[]
  /** Why a relay has no figures, or not of all rounds. */
  failures: string[]
}

/** After a node's start, before it is measured. */
const SETTLE_MS = 500
const AT_ONCE = 8

type Running = Exclude<Case, StartCase>

/** One run of a case on a node. */
async function measure(bench: Bench, node: NodeUnderTest, what: Running): Promise<Figures | undefined> {
  switch (what.kind) {
    case 'transfer':
      return transfer(bench, node, what)
    case 'setup':
      return setUps(bench, node, what)
    case 'roundtrip':
      return roundTrips(bench, node, what)
    case 'reservations':
      return reservations(bench, node, what)
    case 'desktop':
      return desktop(bench, node, what)
  }
}

/** Measures a case on all subjects, in turns, so that a busy moment of the machine hits all alike. */
export async function run(bench: Bench, subjects: readonly Subject[], what: Case): Promise<Result> {
  const taken =
    what.kind === 'start' ? await runStarts(bench, subjects) : await runRounds(bench, subjects, what)
  const outcomes = taken.lines
    .filter(({ rounds }) => rounds.length > 0)
    .map(({ rounds, extra, ...line }) => ({ ...line, rounds, figures: { ...medians(rounds), ...extra } }))
  return {
    id: what.id,
    kind: what.kind,
    failures: taken.failures,
    outcomes: outcomes.map(({ name, crypto, rounds, figures }) => ({
      name,
      ...(crypto && { crypto }),
      figures: roundedAll(figures),
      rounds: rounds.map(roundedAll),
      ratios: Object.fromEntries(
        outcomes
          .filter(other => other.name !== name)
          .map(other => [other.name, ratios(figures, other.figures)])
      )
    }))
  }
}

interface Line extends Pick<Outcome, 'name' | 'crypto'> {
  rounds: Figures[]
  extra: Figures
}
interface Taken {
  lines: Line[]
  failures: string[]
}

/** Peers that reserve and leave before anything is counted: what a node compiles and keeps once is not a run's. */
async function warmUp({ crew, options }: Bench, node: NodeUnderTest, what: Running): Promise<void> {
  const way = node.way(what.transport)
  // Through a proxy nothing can be reserved.
  if (way?.kind !== 'circuits') return
  await crew.create(way, options.warmUpPeers)
  await crew.reserve(AT_ONCE)
  await crew.leave()
}

async function runRounds(bench: Bench, subjects: readonly Subject[], what: Running): Promise<Taken> {
  const { crew, options } = bench
  const failures: string[] = []
  const nodes = await Promise.all(subjects.map(subject => subject.start()))
  try {
    for (const node of nodes) await warmUp(bench, node, what)
    await delay(SETTLE_MS)
    const memories = nodes.map(({ pid }) => new Memory(pid))
    const lines = subjects.map(({ name }): Line => ({ name, rounds: [], extra: {} }))
    // Reservations are counted from a node that holds none.
    const count = what.kind === 'reservations' ? 1 : options.rounds
    for (let round = 0; round < count; round++) {
      for (let turn = 0; turn < nodes.length; turn++) {
        const at = (turn + round) % nodes.length
        const [node, memory, line] = [nodes[at]!, memories[at]!, lines[at]!]
        try {
          const figures = await memory.during(() => measure(bench, node, what))
          if (figures !== undefined) line.rounds.push(figures)
        } catch (error) {
          failures.push(`${what.id} ${line.name}: ${String(error)}`)
        }
        await crew.leave()
      }
    }
    if (what.kind === 'desktop')
      for (const [at, { pid, inspected }] of nodes.entries())
        if (inspected !== undefined) lines[at]!.crypto = hasLoaded(pid, /sodium/) ? 'sodium' : 'fallback'
    await delay(options.afterSeconds * 1000)
    for (const [at, memory] of memories.entries()) lines[at]!.extra = memory.figures
    return { lines, failures }
  } finally {
    await Promise.all(nodes.map(node => node.stop()))
  }
}

async function runStarts({ options }: Bench, subjects: readonly Subject[]): Promise<Taken> {
  const lines = subjects.map(({ name }): Line => ({ name, rounds: [], extra: {} }))
  for (let round = 0; round < options.starts; round++) {
    for (const [at, subject] of subjects.entries()) {
      const figures = await startUp(subject)
      if (figures !== undefined) lines[at]?.rounds.push(figures)
    }
  }
  const nodes = await Promise.all(subjects.map(subject => subject.start()))
  try {
    const idles = await Promise.all(nodes.map(node => idle(node, options.idleSeconds)))
    for (const [at, figures] of idles.entries()) {
      const line = lines[at]!
      line.extra = figures
      if (line.rounds.length === 0) line.rounds.push(figures)
    }
    return { lines, failures: [] }
  } finally {
    await Promise.all(nodes.map(node => node.stop()))
  }
}
