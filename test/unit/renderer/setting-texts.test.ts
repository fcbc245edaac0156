import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { HELP } from '../../../app/renderer/text/setting-help.ts'
import { LABELS } from '../../../app/renderer/text/setting-labels.ts'
import { settings as texts } from '../../../app/renderer/text/settings.ts'
import { GERMAN_FIELDS } from '../../../app/renderer/text/storage.ts'
import { storageOf } from '../../../app/main/storage.ts'
import { fieldOf, keys } from '../../../app/shared/settings.ts'

test.each(Object.entries(LABELS))(
  'every setting has a name in the language %s, and no two the same',
  (_, labels) => {
    expect(Object.keys(labels).sort()).toEqual([...keys].sort())
    const names = Object.values(labels)
    expect(names.filter(name => name.trim() === '')).toEqual([])
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  }
)

test.each(Object.entries(HELP))('every setting has its help in the language %s', (_, help) => {
  expect(Object.keys(help).sort()).toEqual([...keys].sort())
  for (const key of keys) {
    expect(help[key].trim(), key).not.toBe('')
    expect(help[key], key).not.toBe(fieldOf(key).help)
    // The page ends them with a full stop.
    expect(help[key], key).not.toMatch(/[.!?]$/)
  }
})

test('every group of settings has a name', () => {
  const groups = new Set(keys.map(key => fieldOf(key).group))
  expect(Object.keys(texts.groups).sort()).toEqual([...groups].sort())
})

test('all that the node says of what it stores has German words', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'waystation-stored-'))
  try {
    const [settingsFile, identityFile] = [
      path.join(dataDir, 'settings.json'),
      path.join(dataDir, 'identity.key')
    ]
    const names = ['settings.json', 'settings.json.v1', 'identity.key', 'identity.key.old', 'control.token']
    for (const name of [
      ...names,
      'control.json',
      'node.lock',
      'window.json',
      'starts.json',
      'history',
      'auto-tls',
      'chromium'
    ])
      await writeFile(path.join(dataDir, name), '')
    const { files } = await storageOf({ dataDir, settingsFile, identityFile }, { settingsInFile: [] })
    expect(files.filter(({ kind }) => kind === 'other')).toEqual([])
    const words = files.flatMap(({ fields }) => fields).flatMap(field => field.split(', in '))
    expect(words.filter(word => !(word in GERMAN_FIELDS))).toEqual([])
  } finally {
    await rm(dataDir, { recursive: true })
  }
})
