/**
 * What the headless node costs before it does anything: time from its process's start to "listening", memory then and
 * after an idle while, CPU time of that while; from source and built. Beside it in the same run a bare node:http server
 * with a timer of a second, as the yardstick. Linux only.
 *
 *   node test/bench/startup.ts [--runs 7] [--idle 30] [--json]      (npm run build first for the second row)
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startNode, temporaryFolder } from '../support/command.ts'
import { cpuNanoseconds, median, residentMiB } from './support/cpu.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    idle: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false }
  }
})
const runs = Number(values.runs)
const idleSeconds = Number(values.idle)
const BUILT = 'out/main/cli.js'
const YARDSTICK = 'bare http server'

/** A started process; disposing of it ends it. */
interface Started extends AsyncDisposable {
  pid: number
}

type Start = () => Promise<Started>

const bare: Start = async () => {
  const source = `setInterval(() => {}, 1000);
    require('node:http').createServer().listen(0, '127.0.0.1', () => console.log('listening'))`
  const child: ChildProcess = spawn(process.execPath, ['-e', source], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  await once(child.stdout!, 'data')
  const end = async (): Promise<void> => {
    const ended = once(child, 'close')
    child.kill()
    await ended
  }
  return { pid: child.pid ?? -1, [Symbol.asyncDispose]: end }
}

const waystation =
  (entry?: string): Start =>
  async () => {
    const folder = await temporaryFolder()
    const node = startNode(folder.dir, [], { entry })
    await node.listening()
    const end = async (): Promise<void> => {
      await node.kill('SIGKILL')
      await folder[Symbol.asyncDispose]()
    }
    return { pid: node.pid, [Symbol.asyncDispose]: end }
  }

const subjects: [string, Start][] = [
  [YARDSTICK, bare],
  ['node from source', waystation()],
  ...(existsSync(BUILT) ? [['node built', waystation(BUILT)] as [string, Start]] : [])
]

async function startUp(start: Start): Promise<{ ms: number; rssMiB: number }> {
  const from = performance.now()
  await using started = await start()
  return { ms: performance.now() - from, rssMiB: residentMiB(started.pid) }
}

/** Percent of one core, and memory at the end. */
async function idle(start: Start): Promise<{ cpuPercent: number; rssMiB: number }> {
  await using started = await start()
  // What is put off until after the start is not idleness yet.
  await delay(5000)
  const [before, since] = [cpuNanoseconds(started.pid), performance.now()]
  await delay(idleSeconds * 1000)
  const used = cpuNanoseconds(started.pid) - before
  return { cpuPercent: (used / 1e6 / (performance.now() - since)) * 100, rssMiB: residentMiB(started.pid) }
}

const startUps = subjects.map(() => [] as Awaited<ReturnType<typeof startUp>>[])
// In turns, so that a busy moment of the machine hits all alike; the first round fills the caches.
for (let run = 0; run <= runs; run++) {
  for (const [at, [, start]] of subjects.entries()) {
    const result = await startUp(start)
    if (run > 0) startUps[at]?.push(result)
  }
}
const idles = await Promise.all(subjects.map(([, start]) => idle(start)))

const figures = subjects.map(([name], at) => ({
  name,
  startMs: median(startUps[at]?.map(({ ms }) => ms) ?? []),
  startRssMiB: median(startUps[at]?.map(({ rssMiB }) => rssMiB) ?? []),
  idleRssMiB: idles[at]?.rssMiB ?? NaN,
  idleCpuPercent: idles[at]?.cpuPercent ?? NaN
}))
const yardstick = figures[0]!
const COLUMNS = ['startMs', 'startRssMiB', 'idleRssMiB', 'idleCpuPercent'] as const
const rounded = (value: number): number => Number(value.toPrecision(3))
const rows = figures.map(figure => ({
  name: figure.name,
  ...Object.fromEntries(COLUMNS.map(column => [column, rounded(figure[column])])),
  ratios: Object.fromEntries(COLUMNS.map(column => [column, rounded(figure[column] / yardstick[column])]))
}))

if (values.json) console.log(JSON.stringify({ runs, idleSeconds, yardstick: YARDSTICK, rows }, undefined, 2))
else {
  console.log(
    `median of ${runs} starts; ${idleSeconds} s idle; in brackets as a multiple of the ${YARDSTICK}`
  )
  console.table(
    Object.fromEntries(
      figures.map(figure => [
        figure.name,
        Object.fromEntries(
          COLUMNS.map(column => [
            column,
            `${rounded(figure[column])} (${rounded(figure[column] / yardstick[column])}x)`
          ])
        )
      ])
    )
  )
}
if (!existsSync(BUILT)) console.error(`There is no ${BUILT}: npm run build, to see the built node as well.`)
