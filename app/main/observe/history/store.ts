import { AppError, messageOf } from '../../../shared/errors.ts'
import { removeCopies } from './folders.ts'
import { Check, CHECK_KEY, type Entries, type Level } from './level.ts'
import { openAtStart, openLater, type StoreComponents, type StoreOptions } from './open.ts'
import { problemOf, startError, StoreProblem } from './problems.ts'

/** After failed writes, how many commits are let pass before the next attempt: 1, 2, 4 and so on up to this. */
const MOST_SKIPPED = 32

/** `reason` is a half sentence. */
export type Writable = { ok: true } | { ok: false; reason: string; since: string }

interface Failure {
  reason: string
  since: string
  toSkip: number
  skipped: number
}

/**
 * A map of texts in memory, with a durable copy in a LevelDB folder. Changes are made in memory and written together
 * by `commit`, as one atomic batch: the folder always holds the map as it was at some commit. If it cannot be
 * written, the map goes on, and all that is missing follows once it can be.
 */
export class Store {
  readonly #components: StoreComponents
  readonly #dir: string
  readonly #entries: Entries
  readonly #check: Check
  #level: Level | undefined
  /** Keys whose value in the folder may differ. */
  #changed: Set<string>
  #failure: Failure | undefined
  /** One thing at a time with the folder. */
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(
    components: StoreComponents,
    dir: string,
    { level, entries, onDisk }: { level: Level; entries: Entries; onDisk: Entries }
  ) {
    this.#components = components
    this.#dir = dir
    this.#level = level
    this.#entries = entries
    this.#check = new Check(entries)
    this.#changed = differences(entries, onDisk)
  }

  /**
   * Begins a new one where there is none, and where it is corrupt: that is moved aside, with a warning. An older
   * version is migrated after a backup. Throws `already-running`, `history-newer`, `disk-full`,
   * `data-folder-unusable` or `history-unusable`.
   */
  static async open(components: StoreComponents, options: StoreOptions): Promise<Store> {
    const { dir } = options
    try {
      const store = new Store(components, dir, await openAtStart(components, options))
      // Closes the folder if it fails.
      await store.#attempt(true)
      return store
    } catch (error) {
      if (error instanceof StoreProblem) throw startError(dir, error)
      throw error
    }
  }

  get writable(): Writable {
    const failure = this.#failure
    return failure === undefined ? { ok: true } : { ok: false, reason: failure.reason, since: failure.since }
  }

  get(key: string): string | undefined {
    return this.#entries.get(key)
  }

  /** In no order. */
  *withPrefix(prefix: string): Generator<[key: string, value: string]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry
  }

  /** Undefined deletes. */
  set(key: string, value: string | undefined): void {
    const old = this.#entries.get(key)
    if (old === value) return
    if (old !== undefined) this.#check.remove(key, old)
    if (value === undefined) this.#entries.delete(key)
    else {
      this.#check.add(key, value)
      this.#entries.set(key, value)
    }
    this.#changed.add(key)
  }

  /**
   * Writes what has changed; whether the folder is up to date then. Never throws. `sync`: see Level.write. While
   * writing fails, most calls do nothing; `now` makes an attempt of this one.
   */
  commit({ sync = false, now = false }: { sync?: boolean; now?: boolean } = {}): Promise<boolean> {
    return this.#enqueue(async () => {
      if (this.#closed || (!now && this.#isPausing())) return false
      return this.#write(sync)
    })
  }

  /**
   * To be called once a day: reads the folder anew, which finds damage in time and has LevelDB begin a new log file,
   * and makes it as small as its entries are.
   */
  refresh(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#closed || this.#failure !== undefined) return
      await this.#closeLevel()
      if (await this.#write(false)) await this.#level?.compact().catch(() => this.#closeLevel())
    })
  }

  /**
   * Writes what has changed, and leaves nothing on the disk of what was overwritten or deleted, nor any copy of the
   * folder beside it. @throws AppError history-unusable
   */
  purge(): Promise<void> {
    return this.#enqueue(async () => {
      const dir = this.#dir
      try {
        if (this.#closed || !(await this.#write(true)))
          throw new Error(this.#failure?.reason ?? 'it is closed')
        // Opened anew, LevelDB makes a table of its journal; and again, it begins a new list of its tables.
        await this.#closeLevel()
        await this.#attempt(true)
        await this.#level?.compact()
        await this.#closeLevel()
        await this.#attempt(true)
        await removeCopies(dir)
      } catch (error) {
        const message = `What was deleted from the history in ${dir} may still be on the disk: ${messageOf(error)}. Mend that, and delete it again.`
        throw new AppError('history-unusable', message, { dir }, error)
      }
    })
  }

  /** Writes what has changed, and gives the folder up. Whether all could be written. */
  close(): Promise<boolean> {
    return this.#enqueue(async () => {
      if (this.#closed) return true
      const written = await this.#write(true)
      this.#closed = true
      await this.#closeLevel()
      return written
    })
  }

  #enqueue<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action)
    this.#queue = result.catch(() => {})
    return result
  }

  async #write(sync: boolean): Promise<boolean> {
    const problem = await this.#problemOfWriting(sync)
    if (problem !== undefined) {
      this.#failed(problem)
      return false
    }
    if (this.#failure !== undefined) {
      this.#components.log.info({ dir: this.#dir }, 'the history can be written again, and is complete')
    }
    this.#failure = undefined
    return true
  }

  /**
   * After a failed write, nobody can say what of it is in LevelDB's files, and it may refuse all further ones. So it
   * is opened anew, and what differs from the memory is written: values, not increments, so that nothing counts twice.
   */
  async #problemOfWriting(sync: boolean): Promise<StoreProblem | undefined> {
    for (let attempts = this.#level === undefined ? 1 : 2; ; attempts--) {
      try {
        await this.#attempt(sync)
        return undefined
      } catch (error) {
        if (attempts === 1) return problemOf(this.#dir, error)
      }
    }
  }

  async #attempt(sync: boolean): Promise<void> {
    if (this.#level === undefined) {
      const { level, entries } = await openLater(this.#components, this.#dir)
      this.#level = level
      this.#changed = differences(this.#entries, entries)
    }
    const writing = this.#changed
    if (writing.size === 0) return
    this.#changed = new Set()
    const changes = new Map([...writing].map(key => [key, this.#entries.get(key)] as const))
    changes.set(CHECK_KEY, this.#check.text(this.#entries.size))
    try {
      await this.#level.write(changes, sync)
    } catch (error) {
      for (const key of writing) this.#changed.add(key)
      await this.#closeLevel()
      throw error
    }
  }

  async #closeLevel(): Promise<void> {
    const level = this.#level
    this.#level = undefined
    await level?.close().catch((error: unknown) => {
      this.#components.log.warn({ dir: this.#dir }, `the history could not be closed: ${messageOf(error)}`)
    })
  }

  #failed({ message: reason }: StoreProblem): void {
    if (this.#failure !== undefined) {
      const toSkip = Math.min(this.#failure.toSkip * 2, MOST_SKIPPED)
      this.#failure = { ...this.#failure, reason, toSkip, skipped: 0 }
      return
    }
    const { log, now } = this.#components
    this.#failure = { reason, since: new Date(now()).toISOString(), toSkip: 1, skipped: 0 }
    const text = `the history cannot be written: ${reason}. The node goes on; its figures wait in memory until they can be`
    log.warn({ dir: this.#dir }, text)
  }

  #isPausing(): boolean {
    return this.#failure !== undefined && this.#failure.skipped++ < this.#failure.toSkip
  }
}

/** Keys with different values, or in one of them only. */
function differences(wanted: Entries, onDisk: Entries): Set<string> {
  const keys = [...wanted.keys(), ...onDisk.keys()]
  return new Set(keys.filter(key => wanted.get(key) !== onDisk.get(key)))
}
