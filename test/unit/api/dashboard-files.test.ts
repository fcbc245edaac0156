import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtRenderer, readDashboard } from '../../../app/main/api/dashboard/files.ts'
import { PAGES, writePages } from '../../support/dashboard.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'waystation-test-'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('where the built renderer is', () => {
  it('out/renderer of this clone, seen from its sources', () => {
    expect(builtRenderer()).toBe(path.resolve(import.meta.dirname, '../../../out/renderer'))
  })

  it.each(['out/main', 'out/main/cli', 'out/desktop', 'out/desktop/chunks', 'app/main/api/dashboard'])(
    'beside what runs, from %s',
    async from => {
      await writeFile(path.join(dir, 'package.json'), '{}')
      await mkdir(path.join(dir, from), { recursive: true })
      expect(builtRenderer(path.join(dir, from))).toBe(path.join(dir, 'out/renderer'))
    }
  )
})

describe('the files of the dashboard', () => {
  it('are found by the path they are asked for', async () => {
    const files = await readDashboard(await writePages(dir))
    expect([...(files?.keys() ?? [])].sort()).toEqual(
      [
        '/',
        '/assets/index-aaaa.js',
        '/assets/open-bbbb.js',
        '/assets/shared-cccc.js',
        '/icon.svg',
        '/open'
      ].sort()
    )
    expect(files?.get('/')?.body.toString()).toBe(PAGES['index.html'])
  })

  it('are for anyone where the sign-in page loads them, and for nobody else', async () => {
    const files = await readDashboard(await writePages(dir))
    const forAnyone = [...(files ?? [])].filter(([, file]) => file.forAnyone).map(([name]) => name)
    expect(forAnyone.sort()).toEqual(['/assets/open-bbbb.js', '/assets/shared-cccc.js', '/icon.svg', '/open'])
  })

  it('are none where it was not built, or only half', async () => {
    expect(await readDashboard(path.join(dir, 'nothing'))).toBeUndefined()
    await writePages(dir)
    await rm(path.join(dir, 'open.html'))
    expect(await readDashboard(dir)).toBeUndefined()
  })

  it('are of known kinds alone: no source map goes out', async () => {
    await writePages(dir)
    await writeFile(path.join(dir, 'assets/index-aaaa.js.map'), '{}')
    const files = await readDashboard(dir)
    expect(files?.has('/assets/index-aaaa.js.map')).toBe(false)
  })

  it('have another tag when they are different', async () => {
    await writePages(dir)
    const before = (await readDashboard(dir))?.get('/icon.svg')?.etag
    await writeFile(path.join(dir, 'icon.svg'), '<svg/>')
    expect((await readDashboard(dir))?.get('/icon.svg')?.etag).not.toBe(before)
  })
})
