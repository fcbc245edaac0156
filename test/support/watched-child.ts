import type { Settings } from '../../app/shared/settings.ts'
import { LiveStreams } from './live-streams.ts'
import { KINDS, startRelay } from './relay.ts'
import type { Vitals } from './watched-relay.ts'

/** The relay of watched-relay.ts. It answers each message with its vital signs, and ends with its parent. */

declare const gc: () => void

const streams = new LiveStreams()
const relay = await startRelay(JSON.parse(process.argv[2] ?? '{}') as Partial<Settings>)

process.on('message', () => {
  // Twice: what the first round finalizes, the second frees.
  gc()
  gc()
  const { rss, heapUsed } = process.memoryUsage()
  const { circuits, reservations } = relay.node.relay
  const vitals: Vitals = {
    rss,
    heapUsed,
    circuits: circuits.size,
    reservations: reservations.size,
    streams: streams.ofRelay.length,
    inboundStreams: streams.inbound,
    peers: relay.node.connectedPeers,
    resources: process.getActiveResourcesInfo().length
  }
  process.send?.(vitals)
  // Only what happens from now on is of interest, and it must not look like a leak.
  relay.events.length = 0
})
process.on('disconnect', () => process.exit())
process.send?.(Object.fromEntries(KINDS.map(kind => [kind, relay.address(kind)])))
