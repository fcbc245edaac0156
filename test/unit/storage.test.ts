import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { storageOf } from '../../app/main/storage.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'waystation-storage-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const list = async (places: { settingsFile?: string; identityFile?: string } = {}) => {
  const { files } = await storageOf(
    {
      dataDir: dir,
      settingsFile: path.join(dir, 'settings.json'),
      identityFile: path.join(dir, 'identity.key'),
      ...places
    },
    { settingsInFile: ['tcp.port'] }
  )
  return Object.fromEntries(files.map(file => [path.basename(file.path), file]))
}

it.each([
  ['settings.json', 'settings'],
  ['settings.json.v1', 'settings'],
  ['settings.json.v1-2', 'settings'],
  ['identity.key', 'identity'],
  ['identity.key.replaced-20260730T120000Z', 'identity'],
  ['control.token', 'control-token'],
  ['control.json', 'control'],
  ['node.lock', 'lock'],
  ['window.json', 'window'],
  ['starts.json', 'starts'],
  ['history.broken-2026-07-30', 'history'],
  ['history.backup-v1-2026-07-30', 'history'],
  ['holiday.jpg', 'other'],
  ['toString', 'other']
])('calls %s %s, and says how large it is', async (name, kind) => {
  await writeFile(path.join(dir, name), '12345')
  const files = await list()
  expect(Object.keys(files)).toEqual([name])
  expect(files[name]).toMatchObject({ kind, bytes: 5 })
  expect(files[name]?.fields.length === 0).toBe(kind === 'other')
})

it('adds up what is in a folder', async () => {
  await mkdir(path.join(dir, 'history', 'deep'), { recursive: true })
  await writeFile(path.join(dir, 'history', 'CURRENT'), '123')
  await writeFile(path.join(dir, 'history', 'deep', 'more'), '4567')
  const { history } = await list()
  expect(history).toMatchObject({ kind: 'history', bytes: 7 })
  expect(history?.fields).toContain('bytes relayed from dialers to listeners, in each minute of the last day')
})

it('names the settings in the file, and finds it and the key where they are', async () => {
  const elsewhere = path.join(dir, 'elsewhere')
  await mkdir(elsewhere)
  await writeFile(path.join(elsewhere, 'relay.json'), '{}')
  await writeFile(path.join(elsewhere, 'my.key'), 'k')
  const files = await list({
    settingsFile: path.join(elsewhere, 'relay.json'),
    identityFile: path.join(elsewhere, 'my.key')
  })
  expect(files['relay.json']).toMatchObject({
    kind: 'settings',
    fields: ['version of the format', 'tcp.port']
  })
  expect(files['my.key']).toMatchObject({ kind: 'identity', bytes: 1 })
})
