import type { Log } from './observe/log.ts'

/** More faults than this in a minute, and the node is broken rather than attacked. */
const FAULTS_A_MINUTE = 60

/**
 * A fault in one peer's connection must not end those of all others: what a library throws from an event is
 * logged and the node goes on. Only the kind and place are logged, because the text may hold an address.
 */
export function surviveFaults(log: Log): void {
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
