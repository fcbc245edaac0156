import type { Api, ApiError, ApiEvent, EventName, Result } from '../../shared/api.ts'
import { AppError, messageOf } from '../../shared/errors.ts'
import type { ShellInfo } from '../../shared/shell.ts'
import type { EventLog } from '../api/event-log.ts'
import { callMethod, errorOf, isMethod } from '../api/methods.ts'
import { App } from '../app.ts'
import type { LogTail } from '../observe/log-tail.ts'
import type { Log } from '../observe/log.ts'
import type { PowerSource } from '../power/power-source.ts'
import type { Settings } from '../../shared/settings.ts'
import { loadSettings, type LoadOptions } from '../settings/load.ts'

export interface NodeHostComponents {
  log: Log
  logTail: LogTail
  /** What the system tells of battery, connection and screen; nothing unless given. */
  power?: PowerSource
  /** Someone asked for the end over the Api. */
  stopRequested: (seconds: number) => void
}

export interface NodeHostOptions {
  load: Omit<LoadOptions, 'patch'>
  version: string
  debug?: string
}

/** Where shutdown.timeoutSeconds is not known, because there are no settings. */
const DRAIN_SECONDS = 30

/**
 * Holds the node of the desktop app. Where a start fails, the app stays, says why and what to do, and can try again: each try
 * reads the settings anew and makes a new `App`.
 */
export class NodeHost {
  readonly #components: NodeHostComponents
  readonly #options: NodeHostOptions
  readonly #listeners = new Set<() => void>()
  #state: ShellInfo['node'] = 'starting'
  #trouble: ApiError | undefined
  #app: App | undefined
  #starting: Promise<void> | undefined
  #isStopped = false

  constructor(components: NodeHostComponents, options: NodeHostOptions) {
    this.#components = components
    this.#options = options
  }

  get state(): ShellInfo['node'] {
    return this.#state
  }

  /** Why it could not start. */
  get trouble(): ApiError | undefined {
    return this.#trouble
  }

  /** The events of the node that runs now. */
  get events(): EventLog | undefined {
    return this.#running?.events
  }

  /** The Api of the node that runs now. */
  get api(): Api | undefined {
    return this.#running?.api
  }

  /** What it runs with; undefined before the settings could be read. */
  get settings(): Settings | undefined {
    return this.#app?.settings.loaded.settings
  }

  get drainSeconds(): number {
    return this.settings?.['shutdown.timeoutSeconds'] ?? DRAIN_SECONDS
  }

  /** Is told whenever `state`, or the node behind `events` and `api`, is another. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Listens to events of this node, and of the one that follows it. Returns what ends it. */
  listen(listener: (event: ApiEvent) => void, names: readonly EventName[]): () => void {
    let source: EventLog | undefined
    let stop: (() => void) | undefined
    const follow = (): void => {
      if (this.events === source) return
      stop?.()
      source = this.events
      stop = source?.listen(listener, names)
    }
    const unfollow = this.onChange(follow)
    follow()
    return () => {
      unfollow()
      stop?.()
    }
  }

  /** Starts the node, unless it runs. Throws nothing: see `trouble`. */
  start(): Promise<void> {
    if (this.#state === 'running' || (this.#state === 'stopping' && !this.#isStopped))
      return Promise.resolve()
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    return this.#starting
  }

  /** Calls a method of the Api with a request that came from outside. Never throws. */
  async call(method: string, request: unknown): Promise<Result<unknown>> {
    try {
      if (!isMethod(method)) throw new AppError('unknown-method', `The Api has no method "${method}".`)
      const { api } = this
      if (api === undefined) throw this.#notRunning()
      return await callMethod(api, method, request)
    } catch (error) {
      if (error instanceof AppError) return { ok: false, error: errorOf(error) }
      this.#components.log.error({ err: error, method }, 'the Api failed')
      return {
        ok: false,
        error: { code: 'internal', message: 'This node made a mistake. Its log says more.' }
      }
    }
  }

  /** Takes no new work and lets circuits finish for that long. */
  async drain(seconds: number): Promise<void> {
    if (this.#state === 'running') this.#become('stopping')
    await this.#app?.drain(seconds)
  }

  /** After it, `start` makes another. */
  async stop(): Promise<void> {
    this.#become('stopping')
    await this.#app?.stop()
    this.#isStopped = true
  }

  /** While it stops, too: the window shows how many circuits are left. */
  get #running(): App | undefined {
    return this.#state === 'running' || this.#state === 'stopping' ? this.#app : undefined
  }

  async #start(): Promise<void> {
    const { load, version, debug } = this.#options
    const { log } = this.#components
    this.#isStopped = false
    this.#become('starting')
    try {
      const loaded = loadSettings(load)
      for (const warning of loaded.warnings) log.warn(warning)
      log.level = loaded.settings['log.level']
      this.#app = new App(this.#components, { loaded, load, version, debug, patient: true })
      if (await this.#app.start()) this.#become('running')
    } catch (error) {
      this.#app = undefined
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const { log } = this.#components
    log.error(messageOf(error))
    if (!(error instanceof AppError)) log.error({ err: error }, 'the node could not start')
    this.#become('failed', error instanceof AppError ? errorOf(error) : unexpected(error))
  }

  #become(state: ShellInfo['node'], trouble?: ApiError): void {
    // Asked to stop while it starts, it neither runs nor fails any more.
    if (this.#state === 'stopping' && state !== 'starting') return
    this.#state = state
    this.#trouble = trouble
    for (const listener of this.#listeners) listener()
  }

  #notRunning(): AppError {
    const why = this.#trouble === undefined ? 'It is starting.' : this.#trouble.message
    return new AppError('not-running', `The node does not run. ${why}`)
  }
}

const unexpected = (error: unknown): ApiError => ({
  code: 'internal',
  message: `The node could not start: ${messageOf(error)}. Try again; if it stays so, the log says more.`
})
