import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { Settings } from '../../shared/settings.ts'

export type Log = Logger

type LogSettings = Pick<Settings, 'log.level' | 'log.format'>

/** Where the log goes: `process.stdout`, or what stands in for it. */
export interface LogOutput {
  fd: number
  isTTY?: boolean
}

/** The node's log on standard output: for people on a terminal, one JSON object a line elsewhere. */
export function createLog(settings: LogSettings, output: LogOutput = process.stdout): Log {
  const options = { level: settings['log.level'], base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (!isPretty(settings, output)) return pino(options, pino.destination({ fd: output.fd, sync: true }))
  const stream = pretty({
    colorize: output.isTTY && process.env['NO_COLOR'] === undefined,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    // Written at once: what is logged last before a crash matters most.
    sync: true,
    destination: output.fd
  })
  return pino(options, stream)
}

/** Whether log lines are made for people. */
export function isPretty(settings: Pick<Settings, 'log.format'>, output: LogOutput): boolean {
  return settings['log.format'] === 'pretty' || (settings['log.format'] === 'auto' && output.isTTY === true)
}
