import type { ApiEvent, ApiEvents, EventName, LogLine } from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import type { ControlClient, EventStream } from '../../api/client.ts'
import { suggestion } from '../../settings/nearest.ts'
import { usage } from './arguments.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { jsonText, localTime, plain } from './text.ts'

/** As many as the node keeps. */
const MOST_LINES = 1000
const FIRST_LINES = 100
const COME_BACK_MS = 500

/** `logs`: the newest lines, and with -f what comes. */
export async function logs(run: Run): Promise<number> {
  const lines = lineCount(run)
  const client = await run.connect()
  if (!run.has('follow')) {
    await printLines(run, await client.call('logs', { lines }))
    return DONE
  }
  let last: string | undefined
  const print = async (line: LogLine): Promise<void> => {
    last = JSON.stringify(line)
    await printLines(run, [line])
  }
  return follow(run, client, ['log'], async (node, events) => {
    const kept = await node.call('logs', { lines: last === undefined ? lines : MOST_LINES })
    for (const line of after(kept, last)) await print(line)
    // What was logged before the answer was made is in both.
    const both = new Set(kept.map(line => JSON.stringify(line)))
    for await (const event of events) {
      if (event.name !== 'log' || both.delete(JSON.stringify(event.value))) continue
      both.clear()
      await print(event.value)
    }
  })
}

/** The lines after one that was printed; all, if it is not among them: then another node wrote them, or many more. */
export function after(lines: readonly LogLine[], printed: string | undefined): readonly LogLine[] {
  return lines.slice(lines.findLastIndex(line => JSON.stringify(line) === printed) + 1)
}

/** `events`: what happens, one JSON object a line. */
export async function events(run: Run): Promise<number> {
  const names = run.operands.map(name => eventName(run, name))
  const client = await run.connect()
  return follow(run, client, names.length === 0 ? undefined : names, async (_node, stream) => {
    for await (const event of stream) await printEvent(run, event)
  })
}

async function printEvent(run: Run, { id, name, at, value }: ApiEvent): Promise<void> {
  await run.print(jsonText({ id, name, at, value }))
}

type Read = (client: ControlClient, events: EventStream) => Promise<void>

/** Reads events for ever: when the node goes, until there is one again. */
async function follow(
  run: Run,
  first: ControlClient,
  names: readonly EventName[] | undefined,
  read: Read
): Promise<never> {
  let client: ControlClient | undefined = first
  let lastId: string | undefined
  let begun = false
  let waiting = false
  for (;;) {
    try {
      client ??= await run.connect()
      const stream: EventStream = await client.events({
        ...(names !== undefined && { names }),
        ...(lastId !== undefined && { lastId })
      })
      begun = true
      if (waiting) await run.tell('The node answers again.')
      waiting = false
      try {
        await read(client, stream)
      } finally {
        lastId = stream.lastId
        stream.close()
      }
    } catch (error) {
      if (!begun || !isGone(error)) throw error
    }
    client = undefined
    if (!waiting && !(await isThere(run))) {
      waiting = true
      await run.tell(
        `The node of ${run.dataDir} has gone; waiting until one runs there again (Ctrl-C ends this).`
      )
    }
    await run.sleep(COME_BACK_MS)
  }
}

async function isThere(run: Run): Promise<boolean> {
  try {
    await run.connect()
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'not-running' || error.code === 'control-unreachable')
}

function lineCount(run: Run): number {
  const text = run.valueOf('lines')
  if (text === undefined) return FIRST_LINES
  if (!/^\d{1,9}$/.test(text)) throw usage(run.doc, `--lines cannot be "${text}": give a number such as 200.`)
  return Number(text)
}

async function printLines(run: Run, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return
  await run.print(...lines.map(line => (run.json ? jsonText(line) : plain(logText(line)))))
}

/** `2026-11-21 13:17:26 info  listening  profile=server` */
export function logText({ time, level, message, fields }: LogLine): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  const rest = given.map(([name, value]) => `${name}=${fieldText(value)}`)
  return [`${localTime(time)} ${level.padEnd(5)} ${message}`, ...rest].join('  ')
}

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return typeof value === 'string' && /[\s="]/.test(text) ? JSON.stringify(text) : text
}

const EVENT_NAMES: { readonly [Name in keyof ApiEvents]: true } = {
  'reservation-accepted': true,
  'reservation-renewed': true,
  'reservation-expired': true,
  'reservation-ended': true,
  'circuit-accepted': true,
  'circuit-closed': true,
  'request-denied': true,
  'peer-connected': true,
  'peer-disconnected': true,
  'mode-changed': true,
  'settings-changed': true,
  'address-changed': true,
  'mapping-changed': true,
  'auto-tls-changed': true,
  tick: true,
  log: true,
  'missed-events': true
}

function eventName(run: Run, name: string): EventName {
  if (Object.hasOwn(EVENT_NAMES, name)) return name as EventName
  const names = Object.keys(EVENT_NAMES)
  throw usage(
    run.doc,
    `There is no event "${name}".${suggestion(name, names)} There are ${names.join(', ')}.`
  )
}
