import { pino } from 'pino'
import { App, type AppOptions } from '../../app/main/app.ts'
import type { PowerSource } from '../../app/main/power/power-source.ts'
import { LogTail } from '../../app/main/observe/log-tail.ts'
import { loadSettings } from '../../app/main/settings/load.ts'
import { unlimited } from './relay.ts'
import type { Entry, Settings } from '../../app/shared/settings.ts'
import { saveSettings } from '../../app/main/settings/file.ts'
import path from 'node:path'

export interface TestApp {
  app: App
  logTail: LogTail
  /** How long circuits may go on, of each request to stop that came over the Api. */
  stopRequests: number[]
}

/**
 * An app in this process, not started: no limits, loopback and free ports unless `settings` say otherwise. They
 * stand in the settings file, so that they can be changed while it runs; `flags` cannot.
 */
export function createApp(
  dataDir: string,
  settings: Partial<Settings> = {},
  {
    flags = [],
    entry = 'headless',
    power,
    ...options
  }: { flags?: string[]; entry?: Entry; power?: PowerSource } & Partial<AppOptions> = {}
): TestApp {
  const given: Partial<Settings> = { ...unlimited, 'http.port': 0, 'control.port': 0, ...settings }
  saveSettings(path.join(dataDir, 'settings.json'), given)
  const load = { argv: flags, env: {}, dataDir, entry } as const
  const logTail = new LogTail()
  const log = pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, logTail)
  const stopRequests: number[] = []
  const app = new App(
    {
      log,
      logTail,
      stopRequested: seconds => void stopRequests.push(seconds),
      ...(power !== undefined && { power })
    },
    { loaded: loadSettings(load), load, version: '0.0.0', ...options }
  )
  return { app, logTail, stopRequests }
}
