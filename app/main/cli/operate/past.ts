import type { HistoryRequest } from '../../../shared/api.ts'
import { parseQuantity } from '../../../shared/units.ts'
import { amountOf } from './actions.ts'
import { usage } from './arguments.ts'
import { csvOf } from './csv.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { showHistory, showStats } from './show-figures.ts'
import { showPeriod } from './show-period.ts'

/** Commands that show what was. Each resolves with its exit code. */

export async function stats(run: Run): Promise<number> {
  const text = run.valueOf('since')
  if (text === undefined) {
    if (run.has('csv')) throw usage(run.doc, '--csv goes with --since.')
    const answer = await (await run.connect()).call('stats')
    await run.answer(answer, view => showStats(answer, view))
    return DONE
  }
  checkForm(run)
  const since = timeOf(run, text)
  const { period } = await (await run.connect()).call('stats', { since: since.toISOString() })
  if (period === undefined) throw new Error('the node does not know --since: it is of an older version')
  if (run.has('csv')) await run.print(...csvOf(period.records))
  else await run.answer(period, view => showPeriod(period, view))
  return DONE
}

/** `30d` or `2026-11-01`, also with a time of the day. */
function timeOf(run: Run, text: string): Date {
  const seconds = parseQuantity(text, 'seconds')
  if (seconds !== undefined) return before(run, seconds)
  // Without a zone, JavaScript takes a day alone for one of UTC, and a day with a time for one of here.
  const begin = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(begin.getTime())) return begin
  throw usage(
    run.doc,
    `--since cannot be "${text}": give a time such as 30d or 12h, or a day such as 2026-11-01.`
  )
}

/** A time before there were dates to write is as good as for ever. */
function before(run: Run, seconds: number): Date {
  const begin = new Date(run.now() - seconds * 1000)
  return Number.isNaN(begin.getTime()) || begin.getTime() < 0 ? new Date(0) : begin
}

const STEPS: Record<HistoryRequest['step'], { lastSeconds: number }> = {
  minute: { lastSeconds: 3600 },
  hour: { lastSeconds: 86_400 },
  day: { lastSeconds: 30 * 86_400 }
}

export async function history(run: Run): Promise<number> {
  const step = run.valueOf('step') ?? 'hour'
  if (!isStep(step)) throw usage(run.doc, `--step cannot be "${step}": give minute, hour or day.`)
  checkForm(run)
  const from = before(run, amountOf(run, 'last', 'seconds') ?? STEPS[step].lastSeconds)
  const answer = await (await run.connect()).call('history', { step, from: from.toISOString() })
  if (run.has('csv')) await run.print(...csvOf(answer))
  else await run.answer(answer, view => showHistory(answer, step, view))
  return DONE
}

const isStep = (text: string): text is HistoryRequest['step'] => Object.hasOwn(STEPS, text)

function checkForm(run: Run): void {
  if (run.has('csv') && run.json) throw usage(run.doc, '--csv and --json do not go together.')
}
