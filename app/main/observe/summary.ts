import { formatBytes, formatDuration, formatRate } from '../../shared/format.ts'
import type { Counters } from './counters.ts'
import type { Log } from './log.ts'

const INTERVAL_MS = 60_000

/** What the node is doing now. */
export interface Activity {
  activeCircuits: number
  reservedPeers: number
  connectedPeers: number
}

export interface SummaryComponents {
  log: Log
  counters: Counters
  activity: () => Activity
  /** Milliseconds. */
  clock: () => number
}

/** One line every 60 s that says how the node is doing; the returned function ends it. */
export function startSummary({ log, counters, activity, clock }: SummaryComponents): () => void {
  const startedAt = clock()
  let last = { at: startedAt, toTarget: 0, toSource: 0 }
  const timer = setInterval(() => {
    const now = { at: clock(), toTarget: counters.bytesToTarget, toSource: counters.bytesToSource }
    const seconds = (now.at - last.at) / 1000
    const rateToTarget = (now.toTarget - last.toTarget) / seconds
    const rateToSource = (now.toSource - last.toSource) / seconds
    last = now
    const uptimeSeconds = Math.round((now.at - startedAt) / 1000)
    const bytesRelayed = now.toTarget + now.toSource
    const { activeCircuits, reservedPeers, connectedPeers } = activity()
    const { peersServed, relayedConnections } = counters
    log.info(
      {
        uptimeSeconds,
        activeCircuits,
        reservedPeers,
        connectedPeers,
        bytesRelayed,
        rateToTargetBytesPerSecond: Math.round(rateToTarget),
        rateToSourceBytesPerSecond: Math.round(rateToSource),
        peers_served: peersServed,
        relayed_connections: relayedConnections
      },
      `up ${formatDuration(uptimeSeconds)}: ${activeCircuits} circuits, ${reservedPeers} reserved and ` +
        `${connectedPeers} connected peers, ${formatBytes(bytesRelayed)} relayed, ` +
        `now ${formatRate(rateToTarget + rateToSource)}`
    )
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}
