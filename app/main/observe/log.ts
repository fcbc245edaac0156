import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { Settings } from '../../shared/settings.ts'
import { BatchedLines } from './batched-lines.ts'
import { isoTime } from './iso-time.ts'
import type { LogTail } from './log-tail.ts'

export type Log = Logger

type LogSettings = Pick<Settings, 'log.level' | 'log.format'>

/** Where the log goes: `process.stdout`, or what stands in for it. */
export interface LogOutput {
  fd: number
  isTTY?: boolean
}

/**
 * The node's log on standard output: for people on a terminal, one JSON object a line elsewhere. `tail` keeps the
 * newest lines for who asks the running node.
 */
export function createLog(settings: LogSettings, tail: LogTail, output: LogOutput = process.stdout): Log {
  const options = { level: settings['log.level'], base: null, timestamp }
  const destination = isPretty(settings, output)
    ? prettyStream(output)
    : new BatchedLines(pino.destination({ fd: output.fd, sync: true }))
  // Everything passes here; what is logged at all is the logger's level to say, which changes while it runs.
  const level = 'trace'
  const streams = [
    { level, stream: destination },
    { level, stream: tail }
  ] as const
  return pino(options, pino.multistream([...streams]))
}

const timestamp = (): string => `,"time":"${isoTime(Date.now())}"`

function prettyStream(output: LogOutput): DestinationStream {
  return pretty({
    colorize: output.isTTY && process.env['NO_COLOR'] === undefined,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    // Written at once: what is logged last before a crash matters most.
    sync: true,
    destination: output.fd
  })
}

/** Whether log lines are made for people. */
export function isPretty(settings: Pick<Settings, 'log.format'>, output: LogOutput): boolean {
  return settings['log.format'] === 'pretty' || (settings['log.format'] === 'auto' && output.isTTY === true)
}
