/**
 * What the history of a busy node takes on the disk: a real store under a simulated clock, flushed every ten
 * seconds as by the recorder, restarted now and then.   node test/bench/history-size.ts [DAYS] [FLUSH_SECONDS]
 */
import { FLUSH_SECONDS } from '../../app/main/observe/history/recorder.ts'
import { temporaryFolder } from '../support/command.ts'
import { simulate } from '../support/busy-history.ts'

const days = Number(process.argv[2] ?? 365)
const flushSeconds = Number(process.argv[3] ?? FLUSH_SECONDS)
await using folder = await temporaryFolder()
const from = performance.now()
const sizes = await simulate({ dir: `${folder.dir}/history`, days, flushSeconds, restartEveryDays: 7 })
console.log(
  JSON.stringify(
    { days, flushSeconds, ...sizes, minutesTaken: Math.round((performance.now() - from) / 600) / 100 },
    null,
    2
  )
)
