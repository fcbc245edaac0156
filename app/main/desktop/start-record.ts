import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Log } from '../observe/log.ts'

export interface StartRecordComponents {
  log: Pick<Log, 'warn'>
}

export interface StartRecordOptions {
  dataDir: string
  version: string
}

/** starts.json: how the starts of this version went, and which one was before it. */
interface Starts {
  version: string
  /** Of this version, one after the other, up to now. */
  failed: number
  /** Whether one start of it went well. */
  succeeded: boolean
  previous?: Previous
  /** Set while this version installs the next: what the next may need to come back. */
  installing?: { version: string; url: string }
}

/** The version before, the last one that ran well. */
export interface Previous {
  version: string
  /** Where its installer is, if an update brought the version after it. */
  url?: string
}

const FILE = 'starts.json'
/** A start that lived so long with a running node went well. */
const WELL_AFTER_MS = 60_000
const FAILED_STARTS = 2

/**
 * Remembers in the data folder whether this version starts. `start()` is to be called before anything that may fail,
 * `nodeRuns()` when the node is up, `quit()` when the app is ended on purpose (also by the system). A start that
 * ended otherwise, or without the node, has failed. All is written at once: what comes next may be a crash.
 */
export function createStartRecord(
  components: StartRecordComponents,
  options: StartRecordOptions
): StartRecord {
  return new StartRecord(components, options)
}

export class StartRecord {
  readonly #components: StartRecordComponents
  readonly #options: StartRecordOptions
  readonly #file: string
  #starts: Starts | undefined
  #offer: Previous | undefined
  #timer: NodeJS.Timeout | undefined
  #nodeRan = false

  constructor(components: StartRecordComponents, options: StartRecordOptions) {
    this.#components = components
    this.#options = options
    this.#file = path.join(options.dataDir, FILE)
  }

  start(): void {
    if (this.#starts !== undefined) return
    const before = this.#read()
    const { version } = this.#options
    const same = before?.version === version
    const failed = same ? before.failed : 0
    const previous = same ? before.previous : previousOf(before, version)
    if (failed >= FAILED_STARTS) this.#offer = previous
    this.#starts = {
      version,
      // Until it has gone well, this one has failed too.
      failed: failed + 1,
      succeeded: same && before.succeeded,
      ...(previous !== undefined && { previous })
    }
    this.#write()
  }

  /** After two failed starts of this version: the one to go back to. */
  get offer(): Previous | undefined {
    return this.#offer
  }

  nodeRuns(): void {
    this.#nodeRan = true
    this.#timer ??= setTimeout(() => this.#wentWell(), WELL_AFTER_MS).unref()
  }

  quit(): void {
    if (this.#nodeRan) this.#wentWell()
    this.stop()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** An update to `version` is about to be installed; `url` is where this version's installer is. */
  installing(version: string, url: string): void {
    if (this.#starts === undefined) return
    this.#starts = { ...this.#starts, installing: { version, url } }
    // Whether it runs well does not wait for the minute any more.
    if (this.#nodeRan) this.#starts = { ...this.#starts, failed: 0, succeeded: true }
    this.#write()
  }

  #wentWell(): void {
    if (this.#starts === undefined || this.#starts.failed === 0) return
    this.#starts = { ...this.#starts, failed: 0, succeeded: true }
    this.#write()
  }

  #read(): Starts | undefined {
    try {
      const found: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      return isStarts(found) ? found : undefined
    } catch {
      // None yet, or not readable: then nothing is known of earlier starts, which is no reason not to start.
      return undefined
    }
  }

  #write(): void {
    const temporary = `${this.#file}.${process.pid}.tmp`
    try {
      mkdirSync(this.#options.dataDir, { recursive: true, mode: 0o700 })
      writeFileSync(temporary, `${JSON.stringify(this.#starts, null, 2)}\n`, { mode: 0o600 })
      renameSync(temporary, this.#file)
    } catch (error) {
      removeQuietly(temporary)
      this.#components.log.warn({ err: error }, 'the record of starts was not written')
    }
  }
}

/** Of the version that was before this one; a version that never ran well is passed over for the one before it. */
function previousOf(before: Starts | undefined, version: string): Previous | undefined {
  if (before === undefined) return undefined
  if (!before.succeeded) return before.previous?.version === version ? undefined : before.previous
  const url = before.installing?.version === version ? before.installing.url : undefined
  return { version: before.version, ...(url !== undefined && { url }) }
}

function isStarts(value: unknown): value is Starts {
  const { version, failed, succeeded, previous } = (value ?? {}) as Partial<Starts>
  const plain = typeof version === 'string' && typeof failed === 'number' && typeof succeeded === 'boolean'
  return plain && (previous === undefined || typeof previous.version === 'string')
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Nothing was written there then.
  }
}
