import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { _electron as electron, type ElectronApplication, type Page } from 'playwright-core'
import type { Api, Method, Result } from '../../../app/shared/api.ts'
import { systemCode } from '../../../app/shared/errors.ts'
import { createClient, type ControlClient } from '../../../app/main/api/client.ts'
import type { Shell } from '../../../app/shared/shell.ts'
import { addressOf } from '../../support/relay.ts'
import { until } from '../../support/until.ts'
import { controlAccess } from './control.ts'
import type { Display } from './display.ts'
import { builtApp, type Home } from './electron.ts'
import { processTree } from './processes.ts'

/** Loopback and free ports, so that a node that was switched on meets no other one. */
export const APART = [
  ...['--listen-ip4', '127.0.0.1', '--listen-ip6', 'none', '--control-port', '0'],
  ...['--port', '0', '--ws-port', '0', '--http-port', '0'],
  ...['--no-webrtc-direct-enabled', '--no-relay-self-test'],
  // Whoever runs the tests may be on a train.
  ...['--no-power-hold-on-battery', '--no-power-hold-on-metered']
]

export interface DesktopOptions {
  home: Home
  display: Display
  /** Beside the data folder. */
  flags?: readonly string[]
  env?: NodeJS.ProcessEnv
}

type Answer<T, M extends keyof T> = T[M] extends (...args: never[]) => Promise<infer R> ? R : never

/** The real app in a real Electron, with its window on a display of the tests. */
export class Desktop {
  readonly app: ElectronApplication
  /** What it wrote to its error output. */
  stderr = ''
  readonly #process: ChildProcess
  readonly #ended: Promise<number | null>

  private constructor(app: ElectronApplication) {
    this.app = app
    const child = app.process()
    this.#process = child
    this.#ended = once(child, 'exit').then(([code]) => code as number | null)
    child.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()))
  }

  static async start({ home, display, flags = APART, env = {} }: DesktopOptions): Promise<Desktop> {
    const app = await electron.launch({
      executablePath: home.program,
      args: [await builtApp(), '--data-dir', home.dataDir, ...flags],
      env: home.env({ DISPLAY: display.name, ...env }),
      // Else Playwright adds --no-sandbox.
      chromiumSandbox: true,
      timeout: 60_000
    })
    return new Desktop(app)
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  get running(): boolean {
    const { exitCode, signalCode } = this.#process
    return exitCode === null && signalCode === null
  }

  /** Its exit code, once it has ended by itself. */
  get ended(): Promise<number | null> {
    return this.#ended
  }

  /** The page of the window, once it shows something. */
  async page(): Promise<Page> {
    const page = await this.app.firstWindow()
    await page.locator('main[data-page]:not([data-page=waiting])').waitFor()
    return page
  }

  /** What a client dials, once the node listens. */
  async address(): Promise<string> {
    let addresses: string[] = []
    const listens = async (): Promise<boolean> => {
      if ((await this.shell('info')).node !== 'running') return false
      addresses = (await this.call('status')).addresses.map(({ address }) => address)
      return addresses.length > 0
    }
    await until('the node listens', listens)
    return addressOf(addresses, 'tcp')
  }

  /** Calls the node as the window does, through what the preload script gives it. */
  async call<M extends Method>(method: M, request?: Parameters<Api[M]>[0]): Promise<Answer<Api, M>> {
    return this.#called<Answer<Api, M>>(method, request)
  }

  async shell<M extends keyof Shell>(
    method: M,
    request?: Parameters<Shell[M]>[0]
  ): Promise<Answer<Shell, M>> {
    return this.#called<Answer<Shell, M>>(`shell.${method}`, request)
  }

  async #called<T>(method: string, request: unknown): Promise<T> {
    const page = await this.app.firstWindow()
    const result = await page.evaluate(
      ([name, given]) => {
        const { waystation } = globalThis as unknown as {
          waystation: { call(...args: unknown[]): Promise<Result<T>> }
        }
        return waystation.call(name, given)
      },
      [method, request]
    )
    if (!result.ok) throw new Error(`${method}: ${result.error.message}`)
    return result.value
  }

  /** Asks the app to quit, as its menu does, and waits until it has. */
  async quit(): Promise<number | null> {
    // The answer may not come any more.
    void this.app.evaluate(({ app }) => app.quit()).catch(() => {})
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return
    process.kill(this.pid, 'SIGKILL')
    await this.ended
  }
}

export interface StartedApp extends AsyncDisposable {
  child: ChildProcess
  /** Resolves when it has ended, with what it said. */
  ended: Promise<{ code: number | null; output: string }>
  /** The control API of its node, once that answers. */
  control(): Promise<ControlClient>
}

/** The app started as a person's shell does it, without a debugger. Given a display it has a window. */
export async function startApp(
  home: Home,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {}
): Promise<StartedApp> {
  const child = spawn(home.program, [await builtApp(), '--data-dir', home.dataDir, ...args], {
    env: home.env(env),
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }))
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    child,
    ended,
    async control() {
      await until('the node answers', () => controlAccess(home.dataDir) !== undefined || !isRunning(), 30)
      const access = controlAccess(home.dataDir)
      if (access === undefined) throw new Error(`the app ended: ${output}`)
      return createClient({ access, stillRuns: async () => isRunning() })
    },
    async [Symbol.asyncDispose]() {
      // What it started as well, which would keep its output open.
      for (const pid of isRunning() ? processTree(child.pid!) : []) kill(pid)
      await ended
    }
  }
}

/** With its parent some of them may have ended already. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

/** Whether its window can be seen. */
export async function isShown(desktop: Desktop): Promise<boolean> {
  return desktop.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().some(window => window.isVisible() && !window.isMinimized())
  )
}

export async function untilShown(desktop: Desktop, shown: boolean): Promise<void> {
  await until(
    shown ? 'the window shows' : 'the window is gone',
    async () => (await isShown(desktop)) === shown
  )
}
