import { cpus, release } from 'node:os'
import type { Case } from './cases.ts'
import type { Options } from './options.ts'
import type { Outcome, Result } from './run.ts'

export interface Report {
  bench: 'relay'
  machine: { cpu: string; cores: number; node: string; kernel: string }
  /** The names of the relay that is measured, and of those it is compared with. */
  subject: string
  options: Pick<Options, 'rounds' | 'seconds' | 'clients' | 'processes' | 'circuitsPerPair' | 'reservations'>
  results: Result[]
}

export function reportOf(results: Result[], subject: string, options: Options): Report {
  const { rounds, seconds, clients, processes, circuitsPerPair, reservations } = options
  const [cpu] = cpus()
  return {
    bench: 'relay',
    machine: {
      cpu: cpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      node: process.version,
      kernel: release()
    },
    subject,
    options: { rounds, seconds, clients, processes, circuitsPerPair, reservations },
    results
  }
}

type Columns = readonly (readonly [title: string, figure: string])[]

const BUSY: Columns = [
  ['source busy', 'sourceBusy'],
  ['sink busy', 'sinkBusy']
]
const MEMORY: Columns = [
  ['RSS before', 'rssBeforeMiB'],
  ['peak', 'rssPeakMiB'],
  ['after', 'rssAfterMiB']
]
const EACH: Columns = [
  ['CPU ms each', 'cpuMsEach'],
  ['a second', 'perSecond'],
  ['p50 ms', 'p50Ms'],
  ['p95', 'p95Ms'],
  ['p99', 'p99Ms'],
  ...BUSY
]

interface Table {
  title: string
  ratio: string
  columns: Columns
  /** Whose figure the ratios are to, each under its title; the yardstick and the stock relay unless given. */
  against?: Columns
}
const AGAINST: Columns = [
  ['x pipe', 'pipe'],
  ['x stock', 'stock js']
]

/** By kind: its title, the figure whose ratios are shown, and what else is. */
const TABLES: Record<Case['kind'], Table> = {
  transfer: {
    title: 'Transfers (circuits, writes of 64 KiB unless said otherwise)',
    ratio: 'cpuPerGiB',
    columns: [
      ['CPU s/GiB', 'cpuPerGiB'],
      ['user', 'userPerGiB'],
      ['system', 'systemPerGiB'],
      ['MiB/s', 'mibPerSecond'],
      ...MEMORY,
      ['relay busy', 'relayBusy'],
      ...BUSY
    ]
  },
  setup: { title: 'Circuits set up (at once)', ratio: 'cpuMsEach', columns: EACH },
  roundtrip: { title: 'Round trips', ratio: 'cpuMsEach', columns: EACH },
  reservations: {
    title: 'Reservations, each by a peer that connects',
    ratio: 'cpuMsEach',
    columns: [
      ['count', 'count'],
      ['CPU ms each', 'cpuMsEach'],
      ['a second', 'perSecond'],
      ['KiB each', 'firstKiBEach'],
      ['held a while', 'heldKiBEach'],
      ['CPU % holding', 'holdCpuPercent'],
      ...BUSY
    ]
  },
  start: {
    title: 'Start, and idleness',
    ratio: 'startMs',
    columns: [
      ['start ms', 'startMs'],
      ['RSS then', 'startRssMiB'],
      ['idle CPU %', 'idleCpuPercent'],
      ['idle RSS', 'idleRssMiB']
    ]
  },
  desktop: {
    title: 'Desktop app, no window',
    ratio: 'cpuPerGiB',
    against: [
      ['x pipe', 'pipe'],
      ['x headless', 'waystation']
    ],
    columns: [
      ['CPU s/GiB', 'cpuPerGiB'],
      ['all processes', 'allPerGiB'],
      ['MiB/s', 'mibPerSecond'],
      ['loop delay p50 ms', 'loopP50Ms'],
      ['p99', 'loopP99Ms'],
      ['max', 'loopMaxMs'],
      ...MEMORY,
      ['relay busy', 'relayBusy'],
      ...BUSY
    ]
  }
}

/** All tables, for a terminal: ratios first. */
export function tables({ machine, options, results }: Report): string {
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, Linux ${machine.kernel}; clients on the same machine (${options.clients})`,
    `medians of ${options.rounds}; CPU is the relay's own; "x pipe": times the node:net proxy's, "x stock": times the stock js relay's; busy: CPU seconds a second`
  ]
  for (const [kind, { title, ratio, columns, against = AGAINST }] of Object.entries(TABLES)) {
    const ofKind = results.filter(result => result.kind === kind)
    if (ofKind.length === 0) continue
    const head = [title, 'relay', ...against.map(([name]) => name), ...columns.map(([name]) => name)]
    const rows = ofKind.flatMap(({ id, outcomes }) =>
      outcomes.map((outcome, at) => [
        at === 0 ? id : '',
        outcome.crypto === undefined ? outcome.name : `${outcome.name} (${outcome.crypto})`,
        ...against.map(([, other]) => shown(outcome.ratios[other]?.[ratio])),
        ...columns.map(([, figure]) => shown(outcome.figures[figure]))
      ])
    )
    lines.push('', ...aligned([head, ...rows]))
  }
  const failures = results.flatMap(result => result.failures)
  if (failures.length > 0) lines.push('', 'Failed:', ...failures)
  return lines.join('\n')
}

/** Short, and never by a power of ten. */
export function shown(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)))
}

/** Text to the left, figures to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    row
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  )
}

export function outcomeOf(result: Result | undefined, name: string): Outcome | undefined {
  return result?.outcomes.find(outcome => outcome.name === name)
}
