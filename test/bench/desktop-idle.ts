/**
 * What the desktop app costs while nobody looks and nobody needs it: its window hidden (as at login, and after it was
 * closed), its node open without a client. CPU time of all its processes as a part of one core, frames that its
 * renderer draws, and memory; beside it in the same time the headless node. Linux only; needs Electron and Xvfb.
 *
 *   node test/bench/desktop-idle.ts [--seconds 60] [--json]
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import buildWhatIsOld from '../e2e/support/builds.ts'
import { APART, startApp } from '../e2e/support/desktop.ts'
import { Display } from '../e2e/support/display.ts'
import { electronMissing, Home } from '../e2e/support/electron.ts'
import { panelMissing, Panel } from '../e2e/support/panel.ts'
import { processTree, statusOf } from '../e2e/support/processes.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'
import { cpuNanoseconds } from './support/cpu.ts'
import { Inspected } from './support/inspected.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, json: { type: 'boolean', default: false } }
})
const seconds = Number(values.seconds)
/**
 * What is put off until after the start, or until after the window was hidden, is not idleness yet: for about a minute
 * V8 compiles what was used often, and makes its heap smaller.
 */
const SETTLE_MS = 90_000

/** CPU time in nanoseconds of each process. */
const cpuOf = (pids: readonly number[]): Map<number, number> =>
  new Map(pids.map(pid => [pid, cpuNanoseconds(pid)]))

/** `--type=renderer` of Chromium's processes; the main one has none. */
function roleOf(pid: number): string {
  return (
    /--(?:type|utility-sub-type)=([\w.-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'main'
  )
}

/** Resident memory without what the processes share, and with it divided among them (smaps_rollup: Pss). */
function memoryMiB(pid: number): { rss: number; pss: number } {
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return { rss: Number.parseInt(statusOf(pid, 'VmRSS') ?? '0', 10) / 1024, pss: Number(pss ?? 0) / 1024 }
}

interface Row {
  name: string
  pid: number
  cpuPercent: number
  rssMiB: number
  pssMiB: number
}

const rounded = (value: number): number => Number(value.toPrecision(3))

if (electronMissing() || panelMissing()) process.exit(1)
buildWhatIsOld()
await using display = await Display.start()
await using home = await Home.create()
await using panel = await Panel.start(home)
const flags = ['--inspect=0', ...APART, '--relay-enabled', '--upnp', 'false']
await using desktop = await startApp(home, flags, { DISPLAY: display.name, ...panel.env })
const main = await Inspected.of(desktop.child)
const WINDOW = `require('electron').BrowserWindow.getAllWindows()[0]`
const inWindow = async (script: string): Promise<unknown> =>
  main.evaluate(`${WINDOW}.webContents.executeJavaScript(${JSON.stringify(script)})`)
await using folder = await temporaryFolder()
await using headless = startNode(folder.dir)
await headless.listening()
await desktop.control()
const isShown = async (): Promise<boolean> =>
  (await main.evaluate(`${WINDOW}?.isVisible() === true`)) === true
await until('the window shows', isShown)
await until(
  'the page shows',
  async () => (await inWindow(`document.querySelector('main')?.dataset.page`)) === 'overview'
)
const frames = async (): Promise<number> => Number(await inWindow('frames'))
// Counts what the renderer draws: every frame asks for the next.
await inWindow('var frames = 0; (function count() { frames++; requestAnimationFrame(count) })()')
const framesFrom = await frames()
await delay(1000)
const framesShown = (await frames()) - framesFrom
await main.evaluate(`${WINDOW}.close()`)
await until('the window is gone', async () => !(await isShown()))
await until('its page knows', async () => (await inWindow('document.hidden')) === true)
await delay(SETTLE_MS)

const framesBefore = await frames()
const pids = [...processTree(desktop.child.pid!), headless.pid]
const [before, since] = [cpuOf(pids), performance.now()]
// Nothing is asked of the app meanwhile: what asks would be work.
await delay(seconds * 1000)
const [after, elapsed] = [cpuOf(pids), performance.now() - since]
const framesHidden = (await frames()) - framesBefore

const rows = pids.map((pid): Row => {
  const { rss, pss } = memoryMiB(pid)
  const used = (after.get(pid) ?? 0) - (before.get(pid) ?? 0)
  const name = pid === headless.pid ? 'headless node' : roleOf(pid)
  const cpuPercent = rounded((used / 1e6 / elapsed) * 100)
  return { name, pid, cpuPercent, rssMiB: rounded(rss), pssMiB: rounded(pss) }
})
const ofApp = rows.filter(({ pid }) => pid !== headless.pid)
const sum = (column: 'cpuPercent' | 'rssMiB' | 'pssMiB'): number =>
  rounded(ofApp.reduce((total, row) => total + row[column], 0))
const app = { cpuPercent: sum('cpuPercent'), rssMiB: sum('rssMiB'), pssMiB: sum('pssMiB') }
const electron = String(await main.evaluate('process.versions.electron'))

if (values.json) {
  console.log(JSON.stringify({ seconds, electron, framesShown, framesHidden, app, rows }, undefined, 2))
} else {
  console.log(`Electron ${electron}; ${seconds} s with the window hidden and the node idle`)
  console.table(Object.fromEntries(rows.map(({ name, pid, ...row }) => [`${name} (${pid})`, row])))
  console.table({ 'the app, all its processes': app })
  console.log(`frames drawn: ${framesHidden} while hidden (${framesShown} in the second before)`)
}
