import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNode, temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(missing('root on Linux, to mount a small file system,', canMount))('on a full disk', () => {
  it('stops with what to do, leaves no half a key, and starts when there is room again', async () => {
    await using folder = await temporaryFolder()
    await using disk = mountSmall(folder.dir)
    const ballast = path.join(disk.dir, 'ballast')
    await writeFile(ballast, Buffer.alloc(64 * 1024)).catch(() => {})

    const full = await startNode(path.join(disk.dir, 'data')).finished
    expect(full.code).toBe(1)
    expect(full.stderr).toMatch(/disk|space/i)

    await rm(ballast)
    await using node = startNode(path.join(disk.dir, 'data'))
    const { peerId } = await node.listening()
    expect(peerId).toMatch(/^12D3Koo/)
  })
})

/** A file system of 64 KiB in that folder. */
function mountSmall(dir: string): { dir: string; [Symbol.asyncDispose](): Promise<void> } {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
  return {
    dir,
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['-l', dir])
    }
  }
}
