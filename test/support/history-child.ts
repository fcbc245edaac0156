import { writeSync } from 'node:fs'
import { openHistory } from '../../app/main/observe/history/history.ts'
import { startRecorder } from '../../app/main/observe/history/recorder.ts'
import { amountsOf } from './history.ts'

/**
 * A process that counts 1, 2, 3 … and records it, to be killed. It says each number before it counts it, and after it
 * is flushed: `node history-child.ts flush DIR FROM` under a clock of its own, ten seconds a count; `record DIR` as
 * the node does, by the real one.
 */
const [mode, dir = '', from = ''] = process.argv.slice(2)
// At once, and not when the event loop gets to it: the process may be killed at any moment.
const say = (word: string, count: number): void => void writeSync(1, `${word} ${count} ${Date.now()}\n`)
const log = { info: () => {}, warn: (_: unknown, text: string) => void writeSync(2, text) } as never

let counted = 0
let now = Number(from)
const simulated = { log, now: () => now }
const real = { log, now: () => Date.now() }
const history = await openHistory(mode === 'flush' ? simulated : real, { dir, timeZone: 'UTC' })

if (mode === 'flush') {
  for (;;) {
    say('counted', ++counted)
    history.add(amountsOf(1))
    history.peerSeen(`peer ${counted}`)
    now += 10_000
    await history.flush()
    say('flushed', counted)
  }
}
startRecorder({
  history,
  read: () => amountsOf(counted),
  connectedPeers: () => [],
  // Uptime as in amountsOf, so that all figures are of one count.
  clock: () => counted * 8000,
  now: () => Date.now()
})
setInterval(() => say('counted', ++counted), 20)
