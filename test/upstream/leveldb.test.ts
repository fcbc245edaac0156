import { open, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/command.ts'

/**
 * Why app/main/observe/history looks at LevelDB's files itself before it opens them, and sums up what it reads. A
 * failure says that one of the reasons is gone.
 */

/** One table with a number in it; closed. */
async function makeTable(dir: string): Promise<string> {
  const db = new ClassicLevel(dir, { compression: false })
  await db.put('bytes', '1000000')
  await db.compactRange('a', 'z')
  await db.close()
  return path.join(dir, (await readdir(dir)).find(name => name.endsWith('.ldb')) ?? '')
}

it('reads a damaged table without a word', async () => {
  await using folder = await temporaryFolder()
  const table = await makeTable(folder.dir)
  const at = (await readFile(table)).indexOf('1000000')
  const file = await open(table, 'r+')
  await file.write('9', at)
  await file.close()

  const db = new ClassicLevel(folder.dir)
  expect(await db.get('bytes')).toBe('9000000')
  await db.close()
})

it('takes a store without CURRENT for a new one, and deletes its tables', async () => {
  await using folder = await temporaryFolder()
  const table = await makeTable(folder.dir)
  await rm(path.join(folder.dir, 'CURRENT'))

  const db = new ClassicLevel(folder.dir)
  await db.open()
  expect(await db.keys().all()).toEqual([])
  expect(await readdir(folder.dir)).not.toContain(path.basename(table))
  await db.close()
})

it('only notes in its own log that the end of a journal was not readable', async () => {
  await using folder = await temporaryFolder()
  const db = new ClassicLevel(folder.dir)
  await db.put('bytes', '1000000')
  await db.close()
  const journal = path.join(folder.dir, (await readdir(folder.dir)).find(name => name.endsWith('.log')) ?? '')
  const file = await open(journal, 'r+')
  await file.write('9', (await readFile(journal)).indexOf('1000000'))
  await file.close()

  await db.open()
  expect(await db.keys().all()).toEqual([])
  expect(await readFile(path.join(folder.dir, 'LOG'), 'utf8')).toMatch(/: dropping \d+ bytes/)
  await db.close()
})

it('tells of an open store before it looks at anything in it', async () => {
  await using folder = await temporaryFolder()
  const first = new ClassicLevel(folder.dir)
  await first.open()
  // Not earlier: what is made opens by itself a moment later, and might be first.
  const second = new ClassicLevel(folder.dir)
  const probe = { createIfMissing: false, errorIfExists: true }
  await expect(second.open(probe)).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  await first.close()
  await expect(second.open(probe)).rejects.not.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  await second.close()
})
