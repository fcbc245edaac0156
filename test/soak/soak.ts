/**
 * Clients that come to a relay, reserve, transfer, vanish and come back, for as long as it is told; and what that does
 * to the relay's memory, handles, slots and timers: a fitted slope for each figure, and what is left when all have gone.
 * Fails where something is left, where a figure grows in a run of ten minutes or more, where a byte arrives wrong, or
 * where the relay logs an error. Ctrl-C ends it early, with what was measured until then.
 * Linux only.
 *
 *   npm run soak -- --minutes 20 [--clients 24] [--data-path fast|upstream] [--built] [--grace 90] [--json FILE]
 *
 * `--built`: out/main/cli.js (npm run build) and not the sources. What stands behind `--` goes to the node as flags.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureNames } from './measures.ts'
import { report, sampleLine } from './report.ts'
import { runSoak } from './run.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '20' },
    clients: { type: 'string', default: '24' },
    workers: { type: 'string', default: '3' },
    grace: { type: 'string', default: '90' },
    'data-path': { type: 'string' },
    built: { type: 'boolean', default: false },
    json: { type: 'string' }
  }
})
/** A shorter run's slopes say little. */
const JUDGED_SECONDS = 600

const seconds = 60 * Number(values.minutes)
const workers = Number(values.workers)
const dataPath = values['data-path']
const ending = new AbortController()
process.on('SIGINT', () => {
  if (ending.signal.aborted) process.exit(130)
  console.error('ends early')
  ending.abort()
})
process.on('SIGTERM', () => ending.abort())

let sampled = 0
const result = await runSoak({
  seconds,
  workers,
  clients: Math.ceil(Number(values.clients) / workers),
  entry: values.built ? 'out/main/cli.js' : 'app/main/cli.ts',
  flags: [...(dataPath === undefined ? [] : ['--relay-data-path', dataPath]), ...positionals],
  graceSeconds: Number(values.grace),
  signal: ending.signal,
  onPhase: phase => console.error(`-- ${phase}`),
  onSample: (sample, tally) => {
    if (sampled++ % 5 === 0) console.error(sampleLine(sample, tally))
  }
})
console.log(report(result))
if (values.json !== undefined) {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, options: values, measures: measureNames, ...result })}\n`
  )
}
const growing = seconds >= JUDGED_SECONDS && result.trends.some(({ verdict }) => verdict === 'growing')
const failed = result.leftovers.length > 0 || result.faults.length > 0 || result.tally.corrupt > 0
process.exitCode = growing || failed ? 1 : 0
