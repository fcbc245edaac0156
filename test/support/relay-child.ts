import type { Settings } from '../../app/shared/settings.ts'
import { eventsOf, KINDS, startRelay } from './relay.ts'

/** The relay of relay-process.ts. It answers each message of its parent, and ends with it. */

declare const gc: () => void

const settings = JSON.parse(process.argv[2] ?? '{}') as Partial<Settings>
const relay = await startRelay(settings)
const addresses = Object.fromEntries(KINDS.map(kind => [kind, relay.address(kind)]))

process.on('message', message => {
  if (message !== 'state') relay.change(message as Partial<Settings>)
  // Twice: what the first round finalizes, the second frees.
  gc()
  gc()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const closed = eventsOf(relay, 'circuit-closed').map(({ reason }) => reason)
  process.send?.({ rss, heapUsed, external, arrayBuffers, closed, circuits: relay.node.relay.circuits.size })
})
process.on('disconnect', () => process.exit())
process.send?.(addresses)
