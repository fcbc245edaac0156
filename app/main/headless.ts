import { App } from './app.ts'
import { createLog, isPretty, type Log } from './observe/log.ts'
import type { Loaded } from './settings/load.ts'

/** Runs the node without a window until it is told to stop. Resolves with the exit code. */
export async function runHeadless(loaded: Loaded, version: string): Promise<number> {
  const { settings, dataDir, identity, listenerFlags } = loaded
  const log = createLog(settings)
  for (const warning of loaded.warnings) log.warn(warning)
  const app = new App(
    { log },
    {
      settings,
      dataDir,
      identityFile: identity,
      version,
      askedFor: listenerFlags,
      debug: process.env['DEBUG']
    }
  )
  // Whoever read our output has gone (`… | head`): the node goes on without it.
  process.stdout.on('error', () => {})
  const stopped = stopOnSignals(app, log, settings['shutdown.timeoutSeconds'])
  surviveFaults(log)
  const started = await Promise.race([app.start().then(() => true), stopped.then(() => false)])
  if (started) announce(app, loaded, log)
  return stopped
}

/** More faults than this in a minute, and the node is broken rather than attacked. */
const FAULTS_A_MINUTE = 60

/**
 * A fault in one peer's connection must not end those of all others: what a library throws from an event is
 * logged and the node goes on. Only the kind and place are logged, because the text may hold an address.
 */
function surviveFaults(log: Log): void {
  const recent: number[] = []
  const onFault = (error: unknown): void => {
    const now = performance.now()
    recent.push(now)
    while (now - (recent[0] ?? now) > 60_000) recent.shift()
    const kind = error instanceof Error ? error.name : typeof error
    const at =
      error instanceof Error
        ? error.stack
            ?.split('\n')
            .filter(line => /^\s+at /.test(line))
            .slice(0, 5)
        : undefined
    log.error({ error: kind, at }, 'unexpected error, the node goes on')
    if (recent.length <= FAULTS_A_MINUTE) return
    log.fatal('too many unexpected errors, the node stops')
    process.exit(1)
  }
  process.on('unhandledRejection', onFault)
  process.on('uncaughtException', onFault)
}

/** Says where the node is, for people or for programs. */
function announce(app: App, { settings, dataDir, profile }: Loaded, log: Log): void {
  const { peerId, addresses } = app.node
  const identity = app.identityUrls
  if (!isPretty(settings, process.stdout)) {
    log.info({ peerId, addresses: addresses.all, identity, dataDir, profile }, 'listening')
    return
  }
  const rows: [string, readonly string[]][] = [
    ['peer id', [peerId]],
    ['listening on', addresses.all],
    ['identity', identity],
    ['data', [dataDir]],
    ['profile', [`${profile} (--print-settings shows what is in force)`]],
    ['to stop', ['Ctrl-C: circuits may finish; once more: at once']]
  ]
  const text = rows.flatMap(([name, values]) =>
    values.map((value, i) => `  ${(i === 0 ? name : '').padEnd(14)}${value}`)
  )
  process.stdout.write(`\nWaystation is listening\n\n${text.join('\n')}\n\n`)
}

/**
 * One Ctrl-C under npm arrives twice: from the terminal and from npm. What comes this soon after the first
 * signal is still the first.
 */
const SAME_SIGNAL_MS = 500

/** The first signal lets circuits finish, the second ends at once. */
function stopOnSignals(app: App, log: Log, drainSeconds: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  let askedAt: number | undefined
  const onSignal = (): void => {
    if (askedAt !== undefined) {
      if (performance.now() - askedAt < SAME_SIGNAL_MS) return
      log.warn('stopping at once')
      void app.stop().finally(() => resolve(0))
      // Whatever still holds on has had its chance.
      setTimeout(() => resolve(0), 2_000).unref()
      return
    }
    askedAt = performance.now()
    log.info(
      { drainSeconds },
      'stopping: no new work is taken, circuits may finish (a second signal ends at once)'
    )
    void app
      .drain(drainSeconds)
      .then(() => app.stop())
      .then(() => log.info('stopped'))
      .finally(() => resolve(0))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return promise
}
