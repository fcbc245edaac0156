import type { Api } from '../shared/api.ts'
import { AppError, messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import type { MetricsText } from './api/control-app.ts'
import { startControlHttp, type ControlHttp, type ControlHttpOptions } from './api/control-http.ts'
import type { EventLog } from './api/event-log.ts'
import { startMetricsHttp } from './api/metrics-http.ts'
import { loadOrCreateToken, writeControlFile } from './control-access.ts'
import type { Log } from './observe/log.ts'

export interface ControlComponents {
  api: Api
  events: EventLog
  metrics: MetricsText
  log: Log
  /** A sentence for the status as well as the log. */
  warn: (sentence: string) => void
}

export interface ControlOptions {
  dataDir: string
  version: string
  settings: Settings
  /** What the person asked for by flag: that must open. */
  askedFor: ReadonlySet<string>
}

export interface Control {
  controlUrl: string | undefined
  metricsUrls: string[]
  stop(): Promise<void>
}

/**
 * Opens the control API and the listener for metrics, and says in the data folder where the first is.
 * @throws AppError port-in-use and others, only for what was asked for by flag
 */
export async function openControl(components: ControlComponents, options: ControlOptions): Promise<Control> {
  const undo: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const each of undo.splice(0).reverse()) await each()
  }
  try {
    const control = await openControlApi(components, options, undo)
    const metricsUrl = await openMetrics(components, options, undo)
    const metricsUrls = [control && `${control.url}/metrics`, metricsUrl].filter(url => url !== undefined)
    return { controlUrl: control?.url, metricsUrls, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openControlApi(
  components: ControlComponents,
  options: ControlOptions,
  undo: (() => Promise<void>)[]
): Promise<ControlHttp | undefined> {
  const { dataDir, version, settings } = options
  if (!settings['control.enabled']) return undefined
  const { token, warning } = await loadOrCreateToken(dataDir)
  if (warning !== undefined) components.warn(warning)
  const say = (certificate: string | undefined): Promise<() => Promise<void>> =>
    writeControlFile(dataDir, { url: http.url, pid: process.pid, version, certificate })
  // Only then do the commands trust it.
  const onRenewed = (fingerprint: string): void =>
    void say(fingerprint).catch((error: unknown) => components.warn(messageOf(error)))
  const http = await openPort({ ...components, token }, options, onRenewed)
  undo.push(() => http.stop())
  undo.push(await say(http.fingerprint))
  return http
}

/** The commands find the port by the data folder: a second node takes another, unless a flag says which. */
async function openPort(
  components: ControlComponents & { token: string },
  { settings, askedFor }: ControlOptions,
  onRenewed: (fingerprint: string) => void
): Promise<ControlHttp> {
  const port = settings['control.port']
  const options: Omit<ControlHttpOptions, 'port'> = {
    host: settings['control.host'],
    ...(settings['control.tls.certificate'] !== '' && {
      tls: { certificate: settings['control.tls.certificate'], key: settings['control.tls.key'] }
    }),
    onRenewed
  }
  try {
    return await startControlHttp(components, { ...options, port })
  } catch (error) {
    const taken = error instanceof AppError && error.code === 'port-in-use' && !askedFor.has('control')
    if (!taken || port === 0) throw error
    const http = await startControlHttp(components, { ...options, port: 0 })
    components.warn(
      `TCP port ${port} is in use by another program: the control API is at ${http.url} instead.`
    )
    return http
  }
}

async function openMetrics(
  { metrics, log, warn }: ControlComponents,
  { settings, askedFor }: ControlOptions,
  undo: (() => Promise<void>)[]
): Promise<string | undefined> {
  const listen = settings['metrics.listen']
  if (listen === '') return undefined
  try {
    const http = await startMetricsHttp(metrics, listen, log)
    undo.push(() => http.stop())
    return http.url
  } catch (error) {
    // The relay does without it, unless the person asked for it.
    if (askedFor.has('metrics') || !(error instanceof AppError)) throw error
    warn(error.message)
    return undefined
  }
}
