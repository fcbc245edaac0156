import { Socket } from 'node:net'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AbstractMessageStream } from '@libp2p/utils'
import type { Inside, Question } from './relay.ts'

/**
 * Loaded into the node before its own code (`node --import`), it tells the parent how the node is from inside. The node
 * itself is the one that ships. It ends with its parent.
 */

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Those that keep the process alive and those that do not: of the latter Node does not tell. */
const timers = new Set<object>()
for (const name of ['setTimeout', 'setInterval'] as const) {
  const start = globalThis[name] as (...args: unknown[]) => object
  const noted = (...args: unknown[]): object => {
    const timer = start(...args)
    timers.add(timer)
    return timer
  }
  // What makes a promise of it (util.promisify) stays.
  Object.assign(globalThis, {
    [name]: Object.defineProperties(noted, Object.getOwnPropertyDescriptors(start))
  })
}

/** Timers that have neither run out nor been cleared. */
function runningTimers(): number {
  for (const timer of timers) if ((timer as { _destroyed: boolean })._destroyed) timers.delete(timer)
  return timers.size
}

/** Live objects of a class and those derived from it. Takes a second. */
const alive = (constructor: object): number =>
  queryObjects(constructor as Parameters<typeof queryObjects>[0], { format: 'count' })

function inside(question: Question): Inside {
  const resources: Record<string, number> = {}
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1
  const answer: Inside = { resources, timers: runningTimers() }
  if (question === 'objects')
    answer.objects = { sockets: alive(Socket), streams: alive(AbstractMessageStream) }
  if (question === 'memory') {
    // Twice: what the first round finalizes, the second frees.
    gc()
    gc()
    const { heapUsed, external, arrayBuffers } = process.memoryUsage()
    answer.memory = { heapUsed, external, arrayBuffers }
  }
  return answer
}

process.on('message', (question: Question) => process.send?.(inside(question)))
process.on('disconnect', () => process.exit())
process.channel?.unref()
