import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Dialog } from 'electron'
import { afterAll, describe, expect, it } from 'vitest'
import { PersonFiles } from '../../../app/main/desktop/person-files.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-files-'))
const dataDir = mkdtempSync(path.join(tmpdir(), 'waystation-data-'))
afterAll(() => [folder, dataDir].forEach(each => rmSync(each, { recursive: true })))

/** A person who chooses that file, or gives up. */
const choosing = (file?: string): PersonFiles => {
  const canceled = file === undefined
  const dialog = {
    showSaveDialog: async () => ({ canceled, filePath: file ?? '' }),
    showOpenDialog: async () => ({ canceled, filePaths: canceled ? [] : [file] })
  } as unknown as Dialog
  return new PersonFiles({ dialog, window: () => undefined }, { dataDir, documents: folder })
}

describe('a file that the person chooses', () => {
  it('is written for its owner alone', async () => {
    const file = path.join(folder, 'backup.age')
    expect(await choosing(file).save('backup.age', 'text')).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe('text')
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is not written where the person gave up', async () => {
    expect(await choosing().save('backup.age', 'text')).toBe(false)
    expect(await choosing().open('Backup')).toBeNull()
  })

  it('is never one in the data folder, such as the key', async () => {
    const key = path.join(dataDir, 'identity.key')
    writeFileSync(key, 'key')
    await expect(choosing(key).save('identity.key', 'text')).rejects.toMatchObject({
      code: 'file-unwritable'
    })
    expect(readFileSync(key, 'utf8')).toBe('key')
  })

  it('is read with its name, not its path', async () => {
    const file = path.join(folder, 'network.json')
    writeFileSync(file, '{"name": "Käse"}')
    expect(await choosing(file).open('Network')).toEqual({ name: 'network.json', text: '{"name": "Käse"}' })
  })

  it.each([
    ['larger than 1 MiB', Buffer.alloc(1024 * 1024 + 1, 'a'), '1 MiB'],
    ['no text', Buffer.from([0xff, 0xfe, 0x00]), 'no text']
  ])('is not read if it is %s', async (_, content, why) => {
    const file = path.join(folder, 'wrong')
    writeFileSync(file, content)
    await expect(choosing(file).open('Backup')).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(why) as string
    })
  })
})
