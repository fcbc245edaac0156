import { readFileSync } from 'node:fs'
import type { Settings } from '../../shared/settings.ts'
import { connectionsFor } from '../relay/limits.ts'

/** Beside connections: the store, the log, listeners, the control API and its clients. */
const OTHERS = 100

/** How many files this process may have open at once (RLIMIT_NOFILE), connections among them; undefined: no limit is known. */
export function openFilesLimit(): number | undefined {
  // Windows has none that a program would meet.
  if (process.platform === 'win32') return undefined
  return process.platform === 'linux' ? limitOfLinux() : limitOfReport()
}

/** In a fraction of a millisecond, where a report takes twenty. */
function limitOfLinux(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

function limitOfReport(): number | undefined {
  // Not in the types yet.
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean }
  const before = report.excludeNetwork
  // Without it the names of all peers would be looked up.
  report.excludeNetwork = true
  try {
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
    const soft = userLimits?.open_files?.soft
    return typeof soft === 'number' ? soft : undefined
  } finally {
    report.excludeNetwork = before
  }
}

/** A sentence where the limits allow more connections than the process may open; one that the person lifted says nothing. */
export function openFilesWarnings(settings: Settings, limit: number | undefined): string[] {
  const { total } = connectionsFor(settings)
  const needed = total + OTHERS
  if (limit === undefined || total === Infinity || needed <= limit) return []
  return [
    `The limits allow ${total} connections, but this process may open ${limit} files, and each connection is one: beyond ` +
      `that clients are turned away. Allow it ${needed} (LimitNOFILE= in a systemd unit, \`ulimit -n\` in a shell), or set ` +
      `connections.total to ${Math.max(1, limit - OTHERS)}.`
  ]
}
