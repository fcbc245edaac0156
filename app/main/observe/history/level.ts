import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ClassicLevel } from 'classic-level'
import { systemCode } from '../../../shared/errors.ts'
import { isLocked, problemOf, StoreProblem } from './problems.ts'
import { damagedTable } from './tables.ts'

export type Entries = Map<string, string>

/** In every batch: how many entries there are, and the sum of their fingerprints. The same in every version. */
export const CHECK_KEY = 'check'

const RANGE = 2 ** 48

const OPTIONS = {
  // So that tables.ts can read them.
  compression: false,
  // Everything is read once; there is nothing to keep at hand.
  cacheSize: 64 * 1024,
  // Under an hour of batches. LevelDB's journal, and each of the first four tables it makes of it, get this large,
  // because all versions of a value are in them.
  writeBufferSize: 256 * 1024
}

export interface Opened {
  level: Level
  /** Without the check. */
  entries: Entries
  /** The end of the journal that was not readable and is gone: after a power loss, or damage. */
  lostBytes: number
}

/**
 * A LevelDB folder of few entries, read whole and verified when it is opened. LevelDB itself does not compare its
 * checksums here (the binding has no option for it), and a flipped bit reads as a wrong number; so every batch carries
 * a sum over all entries. Methods throw StoreProblem.
 */
export class Level {
  readonly #db: ClassicLevel<string, string>
  readonly #dir: string

  private constructor(db: ClassicLevel<string, string>, dir: string) {
    this.#db = db
    this.#dir = dir
  }

  /** Begins an empty one (mode 0700, with its parents) where there is none. */
  static async open(dir: string): Promise<Opened> {
    const { ClassicLevel } = await import('classic-level').catch((error: unknown) => {
      throw new StoreProblem('no-binary', 'LevelDB cannot be loaded', error)
    })
    let db: ClassicLevel<string, string> | undefined
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      const hasData = await holdsData(dir)
      if (hasData) await inspect(new ClassicLevel(dir, { createIfMissing: false, errorIfExists: true }), dir)
      db = new ClassicLevel(dir, OPTIONS)
      await db.open()
      const entries = new Map(await db.iterator().all())
      if (!isWhole(entries, hasData)) throw new StoreProblem('corrupt', 'its entries and their sum disagree')
      entries.delete(CHECK_KEY)
      return { level: new Level(db, dir), entries, lostBytes: await lostBytes(dir) }
    } catch (error) {
      await db?.close()
      throw await problemOf(dir, error)
    }
  }

  /**
   * Puts and deletes (undefined) in one atomic batch. With `sync` it and all before it are on the disk when this
   * returns; else they are with the system, which kill -9 does not harm and a power loss may.
   */
  async write(changes: Map<string, string | undefined>, sync: boolean): Promise<void> {
    const operations = [...changes].map(([key, value]) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const)
    )
    try {
      await this.#db.batch(operations, { sync })
    } catch (error) {
      throw await problemOf(this.#dir, error)
    }
  }

  /** Rids the tables of what was overwritten and deleted, which is most of them after a day. */
  async compact(): Promise<void> {
    await this.#db.compactRange('\0', '\uffff')
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

/** The sum over all entries, kept up to date by adding and taking away. */
export class Check {
  #sum = 0

  constructor(entries: Entries) {
    for (const [key, value] of entries) this.add(key, value)
  }

  add(key: string, value: string): void {
    this.#sum = (this.#sum + fingerprint(key, value)) % RANGE
  }

  remove(key: string, value: string): void {
    this.#sum = (this.#sum + RANGE - fingerprint(key, value)) % RANGE
  }

  text(count: number): string {
    return `${count} ${this.#sum}`
  }
}

function fingerprint(key: string, value: string): number {
  return createHash('sha256').update(`${key}\0${value}`).digest().readUIntBE(0, 6)
}

function isWhole(entries: Entries, hasData: boolean): boolean {
  // LevelDB drops what it cannot read of a journal; of a small one that is all.
  if (entries.size === 0) return !hasData
  const others = new Map([...entries].filter(([key]) => key !== CHECK_KEY))
  return entries.get(CHECK_KEY) === new Check(others).text(others.size)
}

/** Throws if another process has it, or for damage that LevelDB would not survive or make worse. */
async function inspect(lockProbe: ClassicLevel, dir: string): Promise<void> {
  // By its options this never succeeds; but LevelDB looks at the lock first.
  const error: unknown = await lockProbe.open().catch((thrown: unknown) => thrown)
  await lockProbe.close()
  if (isLocked(error)) throw error
  // LevelDB would take it for a new one, and delete what is there.
  if (!(await readdir(dir)).includes('CURRENT'))
    throw new StoreProblem('corrupt', 'its file CURRENT is missing')
  const damaged = await damagedTable(dir)
  if (damaged !== undefined) throw new StoreProblem('corrupt', `${damaged} does not match its checksum`)
}

/** Whether something was ever written. */
async function holdsData(dir: string): Promise<boolean> {
  const files = (await readdir(dir)).filter(name => /^\d+\.(log|ldb|sst)$/.test(name))
  const sizes = await Promise.all(files.map(async name => (await stat(path.join(dir, name))).size))
  return sizes.some(size => size > 0)
}

/** LevelDB only notes in its own log what it could not read of the journal. */
async function lostBytes(dir: string): Promise<number> {
  try {
    const log = await readFile(path.join(dir, 'LOG'), 'utf8')
    return [...log.matchAll(/: dropping (\d+) bytes/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
}
