import type { ApiEvent, EventName } from '../../shared/api.ts'
import { AppError, messageOf } from '../../shared/errors.ts'
import type { UpdateInfo } from '../../shared/shell.ts'
import type { Log } from '../observe/log.ts'
import type { Previous } from './start-record.ts'
import type { FoundUpdate, UpdateEngine } from './update-engine.ts'
import type { UpdateSupport } from './update-support.ts'

export interface UpdatesComponents {
  /** Undefined where this way of installing has none. */
  engine: UpdateEngine | undefined
  /** The setting `updates.check` in force. */
  wanted: () => boolean
  /** Events of the node: `app.events.listen`, or what outlasts a node that is made anew. Returns what ends it. */
  listen: (listener: (event: ApiEvent) => void, names: readonly EventName[]) => () => void
  changed: (info: UpdateInfo) => void
  /** A new version was found that may be told of. */
  available: (version: string) => void
  /** Lets circuits finish, then stops the node: after that the app can be ended at once. */
  stopNode: () => Promise<void>
  /** Starts the node again, if the update was not installed after all. */
  startNode: () => Promise<void>
  /** Opens a page in the browser. */
  openExternal: (url: string) => Promise<void>
  starts: { installing: (version: string, url: string) => void; offer: Previous | undefined }
  getPrevious: (previous: Previous) => Promise<void>
  log: Pick<Log, 'info' | 'warn'>
}

export interface UpdatesOptions {
  support: UpdateSupport
}

const DAY_MS = 86_400_000
/** A machine that just started has other things to do, and often no network yet. */
const FIRST_CHECK_MS = 60_000

/**
 * New versions of the app. `start()` looks for one soon and then daily, if the person switched `updates.check` on.
 * What is found is told, and nothing is downloaded before the person says so: `install()` then gets and verifies it,
 * drains the node, and ends the app, which starts again as the new version.
 */
export function createUpdates(components: UpdatesComponents, options: UpdatesOptions): Updates {
  return new Updates(components, options)
}

export class Updates {
  readonly #components: UpdatesComponents
  readonly #support: UpdateSupport
  #state: Omit<UpdateInfo, 'previous'>
  #found: FoundUpdate | undefined
  #timer: NodeJS.Timeout | undefined
  #unlisten: (() => void) | undefined
  #checking: Promise<void> | undefined
  #installing: Promise<void> | undefined

  constructor(components: UpdatesComponents, options: UpdatesOptions) {
    this.#components = components
    this.#support = options.support
    this.#state = this.#resting
  }

  get info(): UpdateInfo {
    const { page } = this.#support
    const previous = this.#components.starts.offer?.version
    return {
      ...this.#state,
      ...(page !== undefined && { url: page }),
      ...(previous !== undefined && { previous })
    }
  }

  start(): void {
    if (this.#unlisten !== undefined || this.#components.engine === undefined) return
    this.#unlisten = this.#components.listen(() => this.#onSettings(), ['settings-changed'])
    if (!this.#components.wanted()) return
    this.#set(this.#resting)
    this.#checkIn(FIRST_CHECK_MS)
  }

  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Looks for a new version now, whether or not it is done daily. What goes wrong is in `info`. */
  async check(): Promise<UpdateInfo> {
    if (this.#installing === undefined) {
      this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
      await this.#checking
      // Nothing newer is an answer, also for who does not want it daily.
      if (this.#state.state === 'off') this.#set({ state: 'idle' })
    }
    return this.info
  }

  /**
   * Gets, verifies and installs what was found; where that is not for us to do, shows where the person gets it.
   * @throws AppError update-failed, update-unverified, file-unwritable
   */
  install(): Promise<void> {
    this.#installing ??= this.#installFound().finally(() => (this.#installing = undefined))
    return this.#installing
  }

  /** Gets the installer of the version before. @throws AppError */
  async offerPrevious(): Promise<void> {
    const { starts, getPrevious } = this.#components
    if (starts.offer === undefined)
      throw new AppError('update-failed', 'No version before this one is known.')
    await getPrevious(starts.offer)
  }

  get #resting(): Omit<UpdateInfo, 'previous'> {
    const { kind, cause } = this.#support
    if (kind === 'none' || this.#components.engine === undefined) return { state: 'unsupported', cause }
    return { state: this.#components.wanted() ? 'idle' : 'off' }
  }

  #onSettings(): void {
    const wanted = this.#components.wanted()
    if (!wanted) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      if (this.#state.state === 'idle' || this.#state.state === 'failed') this.#set(this.#resting)
    } else if (this.#timer === undefined) {
      this.#checkIn(0)
    }
  }

  #checkIn(ms: number): void {
    this.#timer = setTimeout(() => {
      if (!this.#components.wanted()) return
      this.#checkIn(DAY_MS)
      void this.check()
    }, ms)
    this.#timer.unref()
  }

  async #check(): Promise<void> {
    const { engine, available, log } = this.#components
    if (engine === undefined || this.#state.state === 'ready') return
    this.#set({ state: 'checking' })
    try {
      this.#found = await engine.check()
      if (this.#found === undefined) return this.#set(this.#resting)
      this.#set(this.#available(this.#found.version))
      log.info({ version: this.#found.version }, 'a new version of the app was found')
      available(this.#found.version)
    } catch (error) {
      this.#found = undefined
      log.warn({ err: error }, 'no new version could be looked for')
      this.#set({ state: 'failed', cause: messageOf(error) })
    }
  }

  #available(version: string): Omit<UpdateInfo, 'previous'> {
    const { cause } = this.#support
    return { state: 'available', version, ...(cause !== undefined && { cause }) }
  }

  async #installFound(): Promise<void> {
    await this.#checking
    const { engine, openExternal } = this.#components
    if (engine === undefined || this.#found === undefined) {
      throw new AppError('update-failed', 'No new version was found. Look for one first.')
    }
    if (this.#support.kind === 'install') return this.#install(engine, this.#found)
    const { page, cause = '' } = this.#support
    if (page === undefined)
      throw new AppError('update-failed', `${cause} Get it from where you got Waystation.`)
    await openExternal(page)
  }

  async #install(engine: UpdateEngine, { version, currentUrl }: FoundUpdate): Promise<void> {
    const { log, starts, stopNode, startNode } = this.#components
    try {
      if (this.#state.state !== 'ready') await this.#download(engine, version)
    } catch (error) {
      return this.#failed(version, error)
    }
    this.#set({ state: 'ready', version })
    if (currentUrl !== undefined) starts.installing(version, currentUrl)
    log.info({ version }, 'the new version is installed as soon as the circuits have ended')
    await stopNode()
    try {
      await engine.install()
    } catch (error) {
      await startNode()
      this.#failed(version, error)
    }
  }

  async #download(engine: UpdateEngine, version: string): Promise<void> {
    this.#set({ state: 'downloading', version, percent: 0 })
    await engine.download(exact => {
      const percent = Math.floor(exact)
      if (percent !== this.#state.percent) this.#set({ state: 'downloading', version, percent })
    })
  }

  #failed(version: string, error: unknown): never {
    this.#components.log.warn({ err: error, version }, 'the new version was not installed')
    this.#set({ state: 'failed', version, cause: messageOf(error) })
    throw error
  }

  #set(state: Omit<UpdateInfo, 'previous'>): void {
    this.#state = state
    this.#components.changed(this.info)
  }
}
