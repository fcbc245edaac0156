import { randomInt, randomUUID } from 'node:crypto'
import { sleep } from '../support/until.ts'
import { chance, visit } from './client.ts'
import { emptyTally, type FromWorker, type ToWorker, type WorkerInit } from './protocol.ts'

/**
 * Some clients of the soak in a process of their own, which may be killed at any time. It says who has a reservation
 * and what was done, and ends with its parent.
 */

const TELL_EVERY_MS = 500

const { addresses, clients, name } = JSON.parse(process.argv[2] ?? '{}') as WorkerInit
const over = new AbortController()
const tally = emptyTally()
let targets: string[] = []

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, () => {})
}

function tellTally(): void {
  tell({ tally: structuredClone(tally) })
  Object.assign(tally, emptyTally())
}

/** One place in the crowd: one client after another. */
async function place(index: number): Promise<void> {
  while (!over.signal.aborted) {
    // One of three that were here before, or a new one.
    const seed = chance(0.6) ? `${name}/${index}/${randomInt(3)}` : randomUUID()
    const reserved = (peer: string, has: boolean): void => tell(has ? { reserved: peer } : { gone: peer })
    const around = { addresses, tally, targets: () => targets, reserved, over: over.signal }
    // The relay may refuse it, or be under way to its end.
    await visit(seed, around).catch(() => {})
    await sleep(randomInt(1000))
  }
}

process.on('message', (message: ToWorker) => {
  if (message === 'leave') over.abort()
  else targets = message.targets
})
process.on('disconnect', () => process.exit())
// Ctrl-C comes to all at once; the one who reads the figures ends us.
process.on('SIGINT', () => {})
// What a stream says after its client has left.
process.on('unhandledRejection', () => {})
setInterval(tellTally, TELL_EVERY_MS).unref()

await Promise.all(Array.from({ length: clients }, (_, index) => place(index)))
tellTally()
process.disconnect()
