import type { ModeInfo } from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import type { ControlClient, EventStream } from '../../api/client.ts'
import { readLock } from '../../data-folder.ts'
import { amountOf } from './actions.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { leftText, modeText } from './show-status.ts'
import { localTime } from './text.ts'

/** After its last circuit a node closes connections, its stores and takes back its port mappings. */
const STOPPING_MS = 60_000
/** As the Api takes them. */
const LONGEST_SECONDS = 86_400
const LOOK_AGAIN_MS = 100

/** `drain`: returns at once, or with --wait when the node has ended. */
export async function drain(run: Run): Promise<number> {
  const seconds = amountOf(run, 'timeout', 'seconds', LONGEST_SECONDS)
  const client = await run.connect()
  const request = { ...(seconds !== undefined && { seconds }) }
  if (!run.has('wait')) {
    const mode = await client.call('drain', request)
    await run.answer(mode, ({ now }) => [`The node is ${modeText(mode, now)}.`])
    return DONE
  }
  // Before it is asked to: with no circuits left it may be gone before we could listen.
  const events = await client.events({ names: ['mode-changed', 'tick'] })
  const mode = await client.call('drain', request)
  const until = await showProgress(run, mode, events)
  await untilEnded(run, client, until)
  await run.answer({ ...mode, ended: true }, () => ['The node has stopped.'])
  return DONE
}

/** Resolves when the node has closed its control API, with the time it had for its circuits. */
async function showProgress(run: Run, first: ModeInfo, events: EventStream): Promise<string | undefined> {
  let { until } = first
  let shown: string | undefined
  const show = async (mode: ModeInfo): Promise<void> => {
    until = mode.until
    const text = `Draining: ${leftText(mode)} left${until === undefined ? '' : `, until ${localTime(until)}`}`
    if (text === shown) return
    shown = text
    await (run.messagesOnTerminal ? run.progress(text) : run.tell(text))
  }
  await show(first)
  for await (const event of events) {
    const mode =
      event.name === 'mode-changed' ? event.value : event.name === 'tick' ? event.value.mode : undefined
    if (mode?.mode === 'draining') await show(mode)
  }
  if (run.messagesOnTerminal) await run.progress(undefined)
  return until
}

/** The lock is the process's own, and is free or another's once it has ended. */
async function untilEnded(run: Run, { pid }: ControlClient, until: string | undefined): Promise<void> {
  const deadline = Math.max(run.now(), until === undefined ? 0 : Date.parse(until)) + STOPPING_MS
  while ((await readLock(run.dataDir))?.pid === pid) {
    if (run.now() > deadline) {
      const message = `The node (pid ${pid}) has drained, but did not end within ${STOPPING_MS / 1000} s. End it with \`kill ${pid}\`.`
      throw new AppError('control-unreachable', message, { pid })
    }
    await run.sleep(LOOK_AGAIN_MS)
  }
}
