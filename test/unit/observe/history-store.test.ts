import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Store } from '../../../app/main/observe/history/store.ts'
import { problemOf } from '../../../app/main/observe/history/problems.ts'
import { Scene } from '../../support/history.ts'
import { asOrdinaryUser } from '../../support/ordinary-user.ts'

const posix = process.platform !== 'win32'
const MANY = 'x'.repeat(100)

let root: string
let dir: string
let scene: Scene
const stores: Store[] = []

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'waystation-store-'))
  dir = path.join(root, 'history')
  scene = new Scene('2026-07-30T12:00:00Z')
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map(store => store.close()))
  await rm(root, { recursive: true, force: true })
})

async function openStore(version = 1, migrations = {}): Promise<Store> {
  const store = await Store.open(scene.components, { dir, version, migrations })
  stores.push(store)
  return store
}

/** With the entries `0` to `99`, partly in a table, partly in the journal; closed. */
async function makeStore(version = 1): Promise<void> {
  const store = await openStore(version)
  for (let key = 0; key < 100; key++) {
    store.set(String(key), MANY + key)
    await store.commit()
    if (key === 49) await store.refresh()
  }
  await store.close()
}

function expectWhole(store: Store): void {
  for (let key = 0; key < 100; key++) expect(store.get(String(key))).toBe(MANY + key)
}

async function fileOf(name: RegExp, folder = dir): Promise<string> {
  const found = (await readdir(folder)).find(file => name.test(file))
  if (found === undefined) throw new Error(`no ${name}`)
  return path.join(folder, found)
}

async function flipBit(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  await handle.write(Buffer.from([(byte[0] ?? 0) ^ 16]), 0, 1, at)
  await handle.close()
}

describe('a store', () => {
  it('keeps what was committed, and what was changed before it was closed', async () => {
    await makeStore()
    const store = await openStore()
    expectWhole(store)
    store.set('0', undefined)
    store.set('1', 'one')
    await store.close()
    const again = await openStore()
    expect([again.get('0'), again.get('1'), again.get('2')]).toEqual([undefined, 'one', `${MANY}2`])
    expect(scene.warnings).toEqual([])
  })

  it.runIf(posix)('is closed to other users', async () => {
    await openStore()
    const { mode } = await import('node:fs/promises').then(fs => fs.stat(dir))
    expect(mode & 0o777).toBe(0o700)
  })

  it('takes changes while it writes', async () => {
    const store = await openStore()
    store.set('a', '1')
    const written = store.commit()
    store.set('a', '2')
    store.set('b', '1')
    await written
    await store.commit()
    await store.close()
    const again = await openStore()
    expect([again.get('a'), again.get('b')]).toEqual(['2', '1'])
  })

  it('that was made and killed before anything was in it is a new one', async () => {
    const db = new ClassicLevel(dir)
    await db.open()
    await db.close()
    await openStore()
    expect(scene.warnings).toEqual([])
  })
})

describe('a corrupt store', () => {
  it.each<[string, () => Promise<void>]>([
    ['garbage in its MANIFEST', async () => writeFile(await fileOf(/^MANIFEST/), 'garbage, and more of it')],
    ['an empty MANIFEST', async () => writeFile(await fileOf(/^MANIFEST/), '')],
    ['no MANIFEST', async () => rm(await fileOf(/^MANIFEST/))],
    ['garbage in CURRENT', async () => writeFile(path.join(dir, 'CURRENT'), 'garbage\n')],
    ['an empty CURRENT', async () => writeFile(path.join(dir, 'CURRENT'), '')],
    ['no CURRENT', async () => rm(path.join(dir, 'CURRENT'))],
    ['a table that was cut off', async () => truncate(await fileOf(/\.ldb$/), 100)],
    ['an empty table', async () => truncate(await fileOf(/\.ldb$/), 0)],
    ['no table', async () => rm(await fileOf(/\.ldb$/))],
    ['a flipped bit in a table', async () => flipBit(await fileOf(/\.ldb$/), 150)],
    ['a flipped bit in its MANIFEST', async () => flipBit(await fileOf(/^MANIFEST/), 30)],
    ['an entry of another program', async () => putRaw('stranger', '1')],
    ['an entry less', async () => putRaw('7', undefined)],
    ['another number', async () => putRaw('7', '8')]
  ])('is set aside with one warning, and a new one begun: %s', async (_, damage) => {
    await makeStore()
    await damage()
    const store = await openStore()
    expect(store.get('1')).toBeUndefined()
    store.set('1', 'new')
    expect(await store.commit()).toBe(true)
    await store.close()
    expect(scene.warnings).toHaveLength(1)
    expect(scene.warnings[0]).toContain(path.join(root, 'history.broken-2026-07-30'))
    expect((await openStore()).get('1')).toBe('new')
    expect(scene.warnings).toHaveLength(1)
  })

  it('keeps its files as they were', async () => {
    await makeStore()
    const table = await fileOf(/\.ldb$/)
    const before = await readFile(table)
    await rm(path.join(dir, 'CURRENT'))
    await openStore()
    expect(await readFile(path.join(`${dir}.broken-2026-07-30`, path.basename(table)))).toEqual(before)
  })

  it('does not take the place of one from the same day', async () => {
    for (let i = 0; i < 3; i++) {
      await makeStore()
      await rm(path.join(dir, 'CURRENT'))
      await (await openStore()).close()
    }
    expect((await readdir(root)).sort()).toEqual([
      'history',
      'history.broken-2026-07-30',
      'history.broken-2026-07-30-2',
      'history.broken-2026-07-30-3'
    ])
  })

  it('that is found while running costs nothing', async () => {
    await makeStore()
    const store = await openStore()
    await flipBit(await fileOf(/\.ldb$/), 150)
    await store.refresh()
    store.set('new', '1')
    expect(await store.commit()).toBe(true)
    expect(store.writable).toEqual({ ok: true })
    await store.close()
    expect(scene.warnings).toHaveLength(1)
    expect(scene.warnings[0]).toContain('history.broken-2026-07-30')
    const again = await openStore()
    expectWhole(again)
    expect(again.get('new')).toBe('1')
  })

  it('that was deleted while running is written anew', async () => {
    await makeStore()
    const store = await openStore()
    await rm(dir, { recursive: true })
    await store.refresh()
    await store.close()
    expectWhole(await openStore())
  })

  it('that lost the end of its journal goes on from before, and says so', async () => {
    const store = await openStore()
    for (const value of ['1', '2', '3']) {
      store.set('a', value)
      await store.commit()
    }
    await store.close()
    const journal = await fileOf(/\.log$/)
    await flipBit(journal, (await readFile(journal)).length - 5)
    expect((await openStore()).get('a')).toBe('2')
    expect(scene.warnings).toEqual([expect.stringContaining('the end of the history was damaged')])
  })
})

describe('a store that cannot be used', () => {
  it('because another has it open says so', async () => {
    await openStore()
    await expect(openStore()).rejects.toMatchObject({ code: 'already-running', details: { dir } })
  })

  it('because a file is in its place says so', async () => {
    await writeFile(dir, '')
    await expect(openStore()).rejects.toMatchObject({ code: 'data-folder-unusable', details: { dir } })
  })

  it.runIf(posix)('because this user may not write there says so, and stays', async () => {
    await chmod(root, 0o755)
    await mkdir(dir)
    const error = await asOrdinaryUser(() => openStore()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'data-folder-unusable', details: { dir } })
    expect((error as Error).message).toContain('this user may not write there')
    expect(await readdir(root)).toEqual(['history'])
  })
})

describe('an error of LevelDB', () => {
  it.each([
    ['LEVEL_LOCKED', 'IO error: lock /x/LOCK: Resource temporarily unavailable', 'locked'],
    ['LEVEL_IO_ERROR', 'IO error: /x/000003.log: No space left on device', 'full'],
    ['LEVEL_IO_ERROR', 'IO error: /x/000003.log: Disk quota exceeded', 'full'],
    ['LEVEL_IO_ERROR', 'IO error: /x/LOCK: Read-only file system', 'refused'],
    ['LEVEL_IO_ERROR', 'IO error: /x/LOCK: Permission denied', 'refused'],
    ['LEVEL_IO_ERROR', 'IO error: /x/000005.ldb: Too many open files', 'refused'],
    ['LEVEL_IO_ERROR', 'IO error: /x/000005.ldb: Invalid argument', 'corrupt'],
    ['LEVEL_CORRUPTION', 'Corruption: bad block type', 'corrupt']
  ])('%s, %s, is %s', async (code, text, kind) => {
    const cause = Object.assign(new Error(text), { code })
    const wrapped = Object.assign(new Error('Database failed to open', { cause }), {
      code: 'LEVEL_DATABASE_NOT_OPEN'
    })
    expect(await problemOf(root, wrapped)).toMatchObject({ kind, cause: wrapped })
  })

  it.runIf(posix)('in words not known is judged by what the system lets us write', async () => {
    await mkdir(dir)
    await chmod(root, 0o755)
    const error = Object.assign(new Error('IO error: Kein Zugriff'), { code: 'LEVEL_IO_ERROR' })
    expect((await asOrdinaryUser(() => problemOf(dir, error))).kind).toBe('refused')
    expect((await problemOf(dir, error)).kind).toBe('corrupt')
  })
})

describe('an older store', () => {
  const migrations = {
    1: (entries: Map<string, string>) => new Map([...entries].map(([key, value]) => [`v2/${key}`, value])),
    2: (entries: Map<string, string>) => new Map([...entries].filter(([key]) => key !== 'v2/99'))
  }

  it('is migrated step by step, after a copy of it was made', async () => {
    await makeStore()
    const store = await openStore(3, migrations)
    expect([store.get('v2/98'), store.get('98'), store.get('v2/99')]).toEqual([
      `${MANY}98`,
      undefined,
      undefined
    ])
    await store.close()
    expect((await openStore(3, {})).get('v2/98')).toBe(`${MANY}98`)
    expect(scene.warnings).toEqual([])
    expect(scene.lines).toEqual([expect.stringContaining('history.backup-v1-2026-07-30')])

    dir = path.join(root, 'history.backup-v1-2026-07-30')
    expectWhole(await openStore(1))
  })

  it('stays as it is if a migration fails', async () => {
    await makeStore()
    const failing = {
      1: () => {
        throw new Error('a bug')
      }
    }
    await expect(openStore(2, failing)).rejects.toThrow('a bug')
    expectWhole(await openStore(1))
  })

  it('is migrated at the next start if the copy was cut off', async () => {
    await makeStore()
    const partial = `${dir}.backup-v1-2026-07-30.partial`
    await mkdir(partial)
    await copyFile(path.join(dir, 'CURRENT'), path.join(partial, 'CURRENT'))
    expect((await openStore(3, migrations)).get('v2/98')).toBe(`${MANY}98`)
    expect((await readdir(root)).sort()).toEqual(['history', 'history.backup-v1-2026-07-30'])
  })
})

describe('a newer store', () => {
  it('is refused by both versions, and stays as it is', async () => {
    await makeStore(3)
    const error = await openStore(2).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'history-newer', details: { dir, version: 3, known: 2 } })
    expect((error as Error).message).toContain('Update Waystation')
    expectWhole(await openStore(3))
  })

  it('is a corrupt one if only its version is damaged', async () => {
    await makeStore()
    await putRaw('version', '9')
    expect((await openStore()).get('1')).toBeUndefined()
    expect(scene.warnings).toEqual([expect.stringContaining('history.broken')])
  })
})

/** Past the check. */
async function putRaw(key: string, value: string | undefined): Promise<void> {
  const db = new ClassicLevel(dir)
  await (value === undefined ? db.del(key) : db.put(key, value))
  await db.close()
}
