import type { Log } from '../log.ts'
import { backUp, setAside } from './folders.ts'
import { Level, type Entries, type Opened } from './level.ts'
import { migrate, newerStore, VERSION_KEY, versionOf, type Migrations } from './migrations.ts'
import { problemOf, StoreProblem } from './problems.ts'

export interface StoreComponents {
  log: Pick<Log, 'info' | 'warn'>
  /** Milliseconds since 1970. */
  now: () => number
}

export interface StoreOptions {
  /** Of the store itself; copies of it lie beside it. */
  dir: string
  version: number
  migrations: Migrations
}

/** The folder, and the entries it is to have. Throws StoreProblem, or `history-newer`. */
export async function openAtStart(
  components: StoreComponents,
  { dir, version: known, migrations }: StoreOptions
): Promise<{ level: Level; entries: Entries; onDisk: Entries }> {
  const outcome = 'a new one begins, and its totals count from zero'
  const { level, entries, lostBytes } = await openOrBeginAnew(components, dir, outcome)
  if (lostBytes > 0) {
    const text = `the end of the history was damaged: its newest figures, ${lostBytes} bytes, some minutes at most, are lost`
    components.log.warn({ dir, bytes: lostBytes }, text)
  }
  if (entries.size === 0) {
    return { level, entries: new Map([[VERSION_KEY, String(known)]]), onDisk: entries }
  }
  const version = versionOf(entries)
  if (version === known) return { level, entries, onDisk: entries }
  await level.close()
  if (version === undefined) throw new StoreProblem('refused', 'it is not a history of Waystation')
  if (version > known) throw newerStore(dir, version, known)

  const backup = await backUp(dir, version, dateOf(components.now())).catch(async (error: unknown) => {
    throw await problemOf(dir, error)
  })
  const migrated = migrate(entries, { from: version, to: known }, migrations)
  const text = `the history is brought from version ${version} to ${known}; as it was, it is kept in ${backup}`
  components.log.info({ backup }, text)
  return { level: (await Level.open(dir)).level, entries: migrated, onDisk: entries }
}

/** The folder of a store whose entries are in memory. Throws StoreProblem. */
export async function openLater(components: StoreComponents, dir: string): Promise<Opened> {
  return openOrBeginAnew(components, dir, 'a new one takes all that this node still has in memory')
}

async function openOrBeginAnew({ log, now }: StoreComponents, dir: string, outcome: string): Promise<Opened> {
  try {
    return await Level.open(dir)
  } catch (error) {
    if (!(error instanceof StoreProblem) || error.kind !== 'corrupt') throw error
    const folder = await setAside(dir, dateOf(now())).catch(async (failure: unknown) => {
      throw await problemOf(dir, failure)
    })
    log.warn({ folder }, `the history was corrupt (${error.message}) and is now ${folder}: ${outcome}`)
    return Level.open(dir)
  }
}

/** UTC: part of a name, not of a figure. */
function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
