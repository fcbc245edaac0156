import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Crew } from './clients/crew.ts'
import { markdown, updateFile } from './markdown.ts'
import type { Bench } from './measures/measure.ts'
import type { Subject } from './nodes/node.ts'
import { pipe, running, stock } from './nodes/others.ts'
import { waystation } from './nodes/waystation.ts'
import type { Options } from './options.ts'
import { cleanUpAtExit } from './processes.ts'
import { reportOf, tables, type Report } from './report.ts'
import { run, type Result } from './run.ts'

const ROOT = path.resolve(import.meta.dirname, '../../..')

/** Measures, or shows an earlier run; false if anything failed. Every process that it starts ends with this one. */
export async function bench(options: Options): Promise<boolean> {
  const report = options.from === undefined ? await measured(options) : earlier(options.from)
  console.log(tables(report))
  if (options.markdown) {
    const file = path.join(ROOT, 'README.md')
    if (await updateFile(file, report)) console.error(`the table of ${file} is this run's now`)
    else console.log(`\n${await markdown(report)}`)
  }
  return report.results.every(({ failures }) => failures.length === 0)
}

const earlier = (file: string): Report => JSON.parse(readFileSync(file, 'utf8')) as Report

async function measured(options: Options): Promise<Report> {
  if (!existsSync('/proc/self/stat')) throw new Error('the bench reads /proc: it needs Linux')
  cleanUpAtExit()
  if (options.build)
    execFileSync('npm', ['run', '--silent', 'build:headless'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit']
    })
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true })
  const crew = await Crew.start(options.processes, options.clients)
  const subjects = subjectsOf(options, crew.sinkPort)
  const results = await allOf({ crew, options }, subjects, await desktopSubjects(options, crew.sinkPort))
  const report = reportOf(results, subjects.at(-1)?.name ?? '', options)
  mkdirSync(path.dirname(options.json), { recursive: true })
  writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
  return report
}

/** The relay that it is about is the last. */
function subjectsOf(options: Options, sinkPort: number): Subject[] {
  const { relay, entry, profile } = options
  const ours =
    relay === undefined
      ? waystation({ entry, flags: options.flags, profile })
      : running(relay.name, relay.addresses, relay.pid)
  // A profile is of our node alone.
  if (profile !== undefined) return [ours]
  return [pipe(sinkPort), ...(options.stock ? [stock] : []), ours]
}

/** The headless node and the app, both with an inspector. */
async function desktopSubjects(options: Options, sinkPort: number): Promise<Subject[]> {
  if (!options.cases.some(({ kind }) => kind === 'desktop')) return []
  // Only here: it brings the tests' helpers along.
  const { electronApp, electronReady } = await import('./nodes/electron.ts')
  if (!electronReady(options)) return []
  const { entry, flags } = options
  const hideSodium = !options.sodium
  return [
    pipe(sinkPort),
    waystation({ entry, flags, inspected: true, hideSodium }),
    electronApp({ flags, hideSodium })
  ]
}

async function allOf(
  bench: Bench,
  others: readonly Subject[],
  onDesktop: readonly Subject[]
): Promise<Result[]> {
  const results = []
  for (const what of bench.options.cases) {
    const subjects = what.kind === 'desktop' ? onDesktop : others
    if (subjects.length === 0) continue
    const from = performance.now()
    process.stderr.write(`${what.id} … `)
    results.push(await run(bench, subjects, what))
    process.stderr.write(`${((performance.now() - from) / 1000).toFixed(0)} s\n`)
  }
  return results
}
