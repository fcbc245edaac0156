import { setTimeout as delay } from 'node:timers/promises'
import buildWhatIsOld from '../../../e2e/support/builds.ts'
import { APART, startApp } from '../../../e2e/support/desktop.ts'
import { Display } from '../../../e2e/support/display.ts'
import { electronMissing, Home } from '../../../e2e/support/electron.ts'
import { Panel, panelMissing } from '../../../e2e/support/panel.ts'
import { processTree } from '../../../e2e/support/processes.ts'
import { until } from '../../../support/until.ts'
import { Inspected } from '../../support/inspected.ts'
import { owned, removedAtExit } from '../processes.ts'
import { circuitsBy, type NodeUnderTest, type Subject } from './node.ts'
import { HIDE_SODIUM, LIFTED } from './waystation.ts'

/** What follows the start of the app, its tray and its processes, is not relaying. */
const SETTLE_MS = 5000

export interface ElectronOptions {
  flags: readonly string[]
  hideSodium?: boolean
}

/** Builds the app if need be. False where it cannot run: what is missing has been said then. */
export function electronReady({ build }: { build: boolean }): boolean {
  if (electronMissing() || panelMissing()) return false
  if (build) buildWhatIsOld()
  return true
}

/** The desktop app as it starts at login: an icon in the panel, no window. */
export function electronApp(options: ElectronOptions): Subject {
  return { name: 'electron', start: () => start(options) }
}

async function start({ flags, hideSodium = false }: ElectronOptions): Promise<NodeUnderTest> {
  await using stack = new AsyncDisposableStack()
  const display = stack.use(await Display.start())
  const home = stack.use(await Home.create())
  removedAtExit(home.dir)
  const panel = stack.use(await Panel.start(home))
  const env = {
    ...panel.env,
    DISPLAY: display.name,
    ...(hideSodium && { NODE_OPTIONS: HIDE_SODIUM })
  }
  const given = [
    '--inspect=0',
    '--hidden',
    ...APART,
    '--relay-enabled',
    '--upnp',
    'false',
    ...LIFTED,
    ...flags
  ]
  const from = performance.now()
  const app = stack.use(await startApp(home, given, env))
  owned(app.child)
  const inspected = await Inspected.of(app.child)
  const control = await app.control()
  let addresses: string[] = []
  await until('the node listens', async () => {
    addresses = (await control.call('status')).addresses.map(({ address }) => address)
    return addresses.length > 0
  })
  const startMs = performance.now() - from
  await delay(SETTLE_MS)
  const pid = app.child.pid ?? -1
  const running = stack.move()
  const stop = async (): Promise<void> => running.disposeAsync()
  return { pid, startMs, way: circuitsBy(addresses), processes: () => processTree(pid), inspected, stop }
}
