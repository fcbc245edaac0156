import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { outcomeOf, shown, type Report } from './report.ts'

/** The README's table: what the node costs, as ratios first, of one run. */

const BEGIN = '<!-- bench -->'
const END = '<!-- /bench -->'

/** A case, one of its figures, and what it is called. */
const ROWS: readonly (readonly [id: string, figure: string, name: string])[] = [
  ['tcp/8', 'cpuPerGiB', 'TCP + Noise, 8 circuits: CPU s/GiB'],
  ['tls/8', 'cpuPerGiB', 'TCP + TLS, 8 circuits: CPU s/GiB'],
  ['ws/8', 'cpuPerGiB', 'WebSocket + Noise, 8 circuits: CPU s/GiB'],
  ['quic/8', 'cpuPerGiB', 'QUIC, 8 circuits: CPU s/GiB'],
  ['tcp/8x1k', 'cpuPerGiB', 'TCP + Noise, 8 circuits, messages of 1 KiB: CPU s/GiB'],
  ['tcp/8', 'mibPerSecond', 'TCP + Noise, 8 circuits: MiB/s, on a machine shared with the clients'],
  ['tcp/8', 'rssGrowthMiB', 'TCP + Noise, 8 circuits: memory grows by MiB'],
  ['tcp/64', 'rssGrowthMiB', 'TCP + Noise, 64 circuits: memory grows by MiB'],
  ['quic/8', 'rssGrowthMiB', 'QUIC, 8 circuits: memory grows by MiB'],
  ['tcp/setup8', 'cpuMsEach', 'a circuit set up and closed: CPU ms'],
  ['tcp/setup8', 'perSecond', 'circuits set up in a second, 8 at once'],
  ['tcp/rtt64', 'cpuMsEach', 'a round trip of 64 B: CPU ms'],
  ['tcp/rtt64', 'p50Ms', 'a round trip of 64 B: ms (median)'],
  ['tcp/reservations', 'cpuMsEach', 'a peer connects and reserves: CPU ms'],
  ['tcp/reservations', 'heldKiBEach', 'a reservation held: KiB of memory'],
  ['start', 'startMs', 'start of the program until it listens: ms'],
  ['start', 'idleCpuPercent', 'idle: % of one core']
]

/** Between the markers, with them. Cases that the run did not have are left out. */
export async function markdown({ machine, subject, options, results }: Report): Promise<string> {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rows = ROWS.flatMap(([id, figure, name]) => {
    const result = results.find(each => each.id === id)
    const ours = outcomeOf(result, subject)
    if (ours?.figures[figure] === undefined) return []
    const times = (other: string): string => shown(ours.ratios[other]?.[figure])
    const of = (other: string): string => shown(outcomeOf(result, other)?.figures[figure])
    return [row([name, times('pipe'), times('stock js'), of(subject), of('stock js'), of('pipe')])]
  })
  const text = [
    BEGIN,
    '',
    row(['', '÷ pipe', '÷ stock js', subject, 'stock js', 'pipe']),
    row(['---', '--:', '--:', '--:', '--:', '--:']),
    ...rows,
    '',
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; clients on the same machine; medians of ${options.rounds} interleaved runs.`,
    '',
    END
  ].join('\n')
  // As `npm run check` wants it.
  const config = await resolveConfig('README.md')
  return (await format(text, { ...config, parser: 'markdown' })).trim()
}

/** Puts it between the markers of a file; false if that has none. */
export async function updateFile(file: string, report: Report): Promise<boolean> {
  const text = readFileSync(file, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) return false
  writeFileSync(file, text.slice(0, begin) + (await markdown(report)) + text.slice(end + END.length))
  return true
}
