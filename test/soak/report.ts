import type { Sample, Trend } from './measures.ts'
import type { Tally } from './protocol.ts'
import type { SoakResult } from './run.ts'

const MiB = 1024 * 1024
const HEADINGS = ['', 'mean', 'slope an hour', 'standard error', 'samples', 'over the run', 'verdict']

/** All of it, to be read. */
export function report(result: SoakResult): string {
  const { tally, ended, samples, warmUpSeconds, trends } = result
  const seconds = samples.at(-1)?.seconds ?? 0
  const rows = [HEADINGS, ...trends.map(rowOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const table = rows.map(row =>
    row
      .map((cell, i) => (i === 0 || i === 6 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
  )
  return [
    `${round(seconds)} s, of which ${round(warmUpSeconds)} s warm-up; ${summaryOf(tally)}`,
    `left: ${counts(tally.left)}; processes: ${counts(ended)}; by ${counts(tally.byWay)}`,
    '',
    ...table.map(line => line.trimEnd()),
    '',
    restOf(result),
    ...(result.faults.length > 0 ? [`ERRORS in the relay's log: ${result.faults.length}`] : [])
  ].join('\n')
}

/** How it stands, in a line. */
export function sampleLine({ seconds, values }: Sample, tally: Tally): string {
  const shown = (['rss', 'fds', 'reservations', 'circuits', 'connections', 'resources'] as const).map(
    name => `${name} ${round(values[name] ?? NaN)}`
  )
  return `${round(seconds)} s: ${shown.join(', ')}; ${summaryOf(tally)}`
}

function summaryOf({ lives, reserved, completed, broken, refused, corrupt, bytes }: Tally): string {
  const circuits = `${completed} circuits completed, ${broken} broken, ${refused} refused, ${corrupt} corrupt`
  return `${lives} clients, ${reserved} reservations, ${circuits}, ${round(bytes / MiB)} MiB`
}

function rowOf({ name, unit, mean, perHour, error, points, growth, verdict }: Trend): string[] {
  const withUnit = (value: number): string => `${round(value)} ${unit}`.trim()
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${withUnit(value)}`
  return [name, withUnit(mean), signed(perHour), withUnit(error), String(points), signed(growth), verdict]
}

function restOf({ after, before, leftovers, restSeconds }: SoakResult): string {
  if (after === undefined) return 'Ended early: what is left at rest was not looked at.'
  const memory = (['rss', 'heap used', 'external', 'array buffers'] as const).map(
    name => `${name} ${round(before.values[name] ?? NaN)} -> ${round(after.values[name] ?? NaN)} MiB`
  )
  const left = leftovers.map(({ name, before, after }) => `${name} ${before} -> ${after}`)
  const verdict = left.length === 0 ? 'nothing is left of them' : `LEFT: ${left.join(', ')}`
  return `${round(restSeconds)} s after the last client: ${verdict}\n${memory.join(', ')}`
}

const counts = (values: object): string =>
  Object.entries(values)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

const round = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '')
