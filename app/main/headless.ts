import { closeSync, openSync } from 'node:fs'
import { messageOf } from '../shared/errors.ts'
import { App, type AppOptions } from './app.ts'
import { LogTail } from './observe/log-tail.ts'
import { createLog, isPretty, type Log } from './observe/log.ts'
import { createSystemPower } from './power/system-power.ts'
import type { Loaded } from './settings/load.ts'
import { surviveFaults } from './survive-faults.ts'

/** Runs the node without a window until it is told to stop. Resolves with the exit code. */
export async function runHeadless(options: AppOptions): Promise<number> {
  const { loaded } = options
  const logTail = new LogTail()
  const log = createLog(loaded.settings, logTail)
  for (const warning of loaded.warnings) log.warn(warning)
  const ending = new Ending(log)
  const stopRequested = (seconds: number): void => ending.begin(app, seconds)
  const app = new App({ log, logTail, power: createSystemPower(), stopRequested }, options)
  // Whoever read our output has gone (`… | head`): the node goes on without it.
  process.stdout.on('error', () => {})
  const stop = (): void => ending.signal(app, app.settings.loaded.settings['shutdown.timeoutSeconds'])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  reloadOnSignal(app, log, stop)
  surviveFaults(log)
  const started = await Promise.race([app.start(), ending.code.then(() => false)])
  if (started) announce(app, loaded, log)
  return ending.code
}

/** conf's way to leave no half-written file raises a signal a second time. */
const REPEATED_SIGNAL_MS = 50

/** SIGHUP reads the settings file anew; where it says that the terminal has closed, the node stops. */
function reloadOnSignal(app: App, log: Log, stop: () => void): void {
  const hadTerminal = process.stdout.isTTY
  let timer: NodeJS.Timeout | undefined
  process.on('SIGHUP', () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (process.platform === 'win32' || (hadTerminal && isTerminalGone())) return stop()
      try {
        app.reloadSettings()
      } catch (error) {
        log.error(`${messageOf(error)} The settings stay as they were.`)
      }
    }, REPEATED_SIGNAL_MS)
  })
}

function isTerminalGone(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch {
    return true
  }
}

/** Says where the node is, for people or for programs. */
function announce(app: App, { settings, dataDir, profile }: Loaded, log: Log): void {
  const { peerId, addresses, controlUrl: control } = app
  const identity = app.identityUrls
  const off = app.mode.mode === 'off'
  if (!isPretty(settings, process.stdout)) {
    const message = off ? 'off: relay.enabled is false, and nothing listens' : 'listening'
    log.info({ peerId, addresses, identity, control, dataDir, profile }, message)
    return
  }
  const rows: [string, readonly string[]][] = [
    ['peer id', [peerId]],
    ['listening on', off ? ['nothing (`waystation set relay.enabled=true` switches it on)'] : addresses],
    ['identity', identity],
    ['data', [dataDir]],
    ['control', control === undefined ? [] : [`${control} (waystation dashboard, waystation status, …)`]],
    ['profile', [`${profile} (--print-settings shows what is in force)`]],
    ['to stop', ['Ctrl-C: circuits may finish; once more: at once']]
  ]
  const text = rows.flatMap(([name, values]) =>
    values.map((value, i) => `  ${(i === 0 ? name : '').padEnd(14)}${value}`)
  )
  process.stdout.write(`\nWaystation is ${off ? 'off' : 'listening'}\n\n${text.join('\n')}\n\n`)
}

/**
 * One Ctrl-C under npm arrives twice: from the terminal and from npm. What comes this soon after the first
 * signal is still the first.
 */
const SAME_SIGNAL_MS = 500

/** The end of the node, asked for by a signal or over the Api: circuits may finish, unless it is asked for again. */
class Ending {
  readonly #log: Log
  readonly #code = Promise.withResolvers<number>()
  #begun = false
  #signalledAt: number | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** The exit code. */
  get code(): Promise<number> {
    return this.#code.promise
  }

  /** Lets circuits finish for that many seconds, then stops. Asked for once more, it ends sooner if need be. */
  begin(app: App, drainSeconds: number): void {
    const again = this.#begun
    this.#begun = true
    const hint = again
      ? ' sooner, if need be'
      : ': no new work is taken, circuits may finish (a second signal ends at once)'
    this.#log.info({ drainSeconds }, `stopping${hint}`)
    void app
      .drain(drainSeconds)
      .then(() => app.stop())
      .finally(() => {
        if (!again) this.#log.info('stopped')
        this.#code.resolve(0)
      })
  }

  /** A signal: the first lets circuits finish, the second ends at once. */
  signal(app: App, drainSeconds: number): void {
    if (this.#signalledAt === undefined) {
      this.#signalledAt = performance.now()
      return this.begin(app, drainSeconds)
    }
    if (performance.now() - this.#signalledAt < SAME_SIGNAL_MS) return
    this.#log.warn('stopping at once')
    void app.stop().finally(() => this.#code.resolve(0))
    // Whatever still holds on has had its chance.
    setTimeout(() => this.#code.resolve(0), 2_000).unref()
  }
}
