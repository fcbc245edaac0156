/**
 * How long a node takes from its process's start to "listening", and what it holds then; beside it in the same
 * run, what Node takes to start and do nothing.   node test/bench/startup.ts [RUNS]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { startNode, temporaryFolder } from '../support/command.ts'

const runs = Number(process.argv[2] ?? 7)

async function start(): Promise<{ ms: number; rssMiB: number }> {
  await using folder = await temporaryFolder()
  const from = performance.now()
  await using node = startNode(folder.dir)
  await node.listening()
  return { ms: performance.now() - from, rssMiB: residentMiB(node.pid) }
}

function nothing(): number {
  const from = performance.now()
  execFileSync(process.execPath, ['-e', '0'])
  return performance.now() - from
}

/** Linux only; elsewhere NaN. */
function residentMiB(pid: number): number {
  if (process.platform !== 'linux') return NaN
  const kiB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kiB) / 1024
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

await start()
const started: Awaited<ReturnType<typeof start>>[] = []
const yardstick: number[] = []
for (let i = 0; i < runs; i++) {
  started.push(await start())
  yardstick.push(nothing())
}
const ms = median(started.map(run => run.ms))
console.log(
  JSON.stringify(
    {
      runs,
      listeningMs: Math.round(ms),
      slowestMs: Math.round(Math.max(...started.map(run => run.ms))),
      nodeAloneMs: Math.round(median(yardstick)),
      ratio: Math.round((ms / median(yardstick)) * 10) / 10,
      residentMiB: Math.round(median(started.map(run => run.rssMiB)))
    },
    null,
    2
  )
)
