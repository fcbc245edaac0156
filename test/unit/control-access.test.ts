import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { loadOrCreateToken, writeControlFile } from '../../app/main/control-access.ts'

it.each([
  { name: 'control.token', use: (dir: string) => loadOrCreateToken(dir) },
  {
    name: 'control.json',
    use: (dir: string) => writeControlFile(dir, { url: 'http://127.0.0.1:1', pid: 1, version: '1' })
  }
])('names $name where that is a folder', async ({ name, use }) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'waystation-test-'))
  try {
    const file = path.join(dir, name)
    await mkdir(file)
    await expect(use(dir)).rejects.toMatchObject({
      code: 'data-folder-unusable',
      message: `${file} is a folder, where the node keeps a file. Move it away, and start the node again.`
    })
  } finally {
    await rm(dir, { recursive: true })
  }
})
