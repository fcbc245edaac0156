import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBy, showFolder } from '../../../app/main/desktop/show-folder.ts'

describe.skipIf(process.platform === 'win32')('showing a folder', () => {
  let dir: string

  beforeAll(async () => (dir = await mkdtemp(path.join(tmpdir(), 'waystation-show-'))))
  afterAll(async () => rm(dir, { recursive: true, force: true }))

  /** Stands in for xdg-open. */
  async function program(name: string, script: string): Promise<string> {
    const file = path.join(dir, name)
    await writeFile(file, `#!/bin/sh\n${script}\n`)
    await chmod(file, 0o755)
    return file
  }

  it('gives the folder to the program', async () => {
    const file = await program('opens', `printf %s "$1" > ${dir}/given`)
    expect(await openBy(file, '/tmp/with space')).toBe('')
    expect(await readFile(path.join(dir, 'given'), 'utf8')).toBe('/tmp/with space')
  })

  it('does not wait for a file manager that stays open', async () => {
    const file = await program('stays', `echo $$ > ${dir}/pid; exec sleep 30`)
    expect(await openBy(file, dir)).toBe('')
    // It runs on.
    process.kill(Number(await readFile(path.join(dir, 'pid'), 'utf8')), 'SIGKILL')
  })

  it('says why where there is none', async () => {
    expect(await openBy(await program('fails', 'exit 3'), dir)).toMatch(/no program that shows folders/)
    expect(await openBy(path.join(dir, 'absent'), dir)).toMatch(/ENOENT/)
  })

  it("takes Electron's way elsewhere", async () => {
    const asked: string[] = []
    const system = { openPath: async (folder: string) => (asked.push(folder), 'no') }
    expect(await showFolder('/data', { system, platform: 'darwin' })).toBe('no')
    expect(asked).toEqual(['/data'])
  })
})
