import { execFileSync } from 'node:child_process'
import { open, readdir, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { History } from '../../app/main/observe/history/history.ts'
import { temporaryFolder } from '../support/command.ts'
import { amountsOf, countOf, Scene, sums } from '../support/history.ts'
import { missing } from '../support/needs.ts'

const PAGE = 4096
const canMount = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(missing('root on Linux, to mount a small file system,', canMount))(
  'the history on a full disk',
  () => {
    it('waits in memory with one warning, and is written whole when there is room', async () => {
      await using disk = await smallDisk()
      const scene = new Scene('2026-07-30T22:00:00Z')
      const dir = path.join(disk.dir, 'history')
      const history = await scene.open(dir)
      await count(scene, history, 5)
      await disk.fill()
      // Over midnight: records begin and are pruned meanwhile, and the daily reading of the folder is due.
      await count(scene, history, 1000)
      expect(history.writable).toMatchObject({ ok: false, reason: 'the disk is full' })
      expect(await history.setState('pause', true)).toBe(false)
      expect(await sums(history)).toEqual({ minute: 1005, hour: 1005, day: 1005, ever: 1005 })

      await disk.empty()
      const flushes = await countUntilWritable(scene, history)
      expect(scene.warnings).toEqual([expect.stringContaining('the disk is full')])
      expect(scene.lines).toEqual([expect.stringContaining('can be written again')])
      await history.close()

      const again = await scene.open(dir)
      const ever = 1005 + flushes
      expect(await sums(again)).toEqual({ minute: ever, hour: ever, day: ever, ever })
      expect(again.getState('pause')).toBe(true)
      await again.close()
      expect(scene.warnings).toHaveLength(1)
    })

    it('keeps what was written when the node ends meanwhile, and says what is lost', async () => {
      await using disk = await smallDisk()
      const scene = new Scene('2026-07-30T12:00:00Z')
      const dir = path.join(disk.dir, 'history')
      const history = await scene.open(dir)
      await count(scene, history, 5)
      await disk.fill()
      await count(scene, history, 100)
      await history.close()
      expect(scene.warnings).toEqual([
        expect.stringContaining('the disk is full'),
        expect.stringContaining('are lost')
      ])
      await expect(scene.open(dir)).rejects.toMatchObject({ code: 'disk-full', details: { dir } })

      await disk.empty()
      const again = await scene.open(dir)
      const { minute, hour, day, ever } = await sums(again)
      expect({ minute, hour, day }).toEqual({ minute: ever, hour: ever, day: ever })
      expect(ever).toBeGreaterThanOrEqual(5)
      await again.close()
      expect(await readdir(disk.dir)).toEqual(['history'])
    })

    it('is exact however much room is left, time after time', async () => {
      await using disk = await smallDisk()
      const scene = new Scene('2026-07-30T12:00:00Z')
      const dir = path.join(disk.dir, 'history')
      let history = await scene.open(dir)
      let counted = 0
      let failed = 0
      for (let pages = 0; pages < 24; pages++) {
        await disk.fill(pages)
        counted += await count(scene, history, 40)
        if (!history.writable.ok) failed++
        await disk.empty()
        counted += await countUntilWritable(scene, history)
        await history.close()
        history = await scene.open(dir)
        const { minute, hour, day, ever } = await sums(history)
        expect({ minute, hour, day, ever }).toEqual({
          minute: counted,
          hour: counted,
          day: counted,
          ever: counted
        })
      }
      await history.close()
      expect(failed).toBeGreaterThan(0)
      expect(scene.warnings).toHaveLength(failed)
      expect(await readdir(disk.dir)).toEqual(['history'])
    })
  }
)

async function count(scene: Scene, history: History, times: number): Promise<number> {
  for (let i = 0; i < times; i++) {
    history.add(amountsOf(1))
    scene.now += 10_000
    await history.flush()
  }
  return times
}

/** How often it was counted until then. */
async function countUntilWritable(scene: Scene, history: History): Promise<number> {
  const before = countOf(history.totals().ever)
  for (let tries = 0; !history.writable.ok; tries++) {
    if (tries === 100) throw new Error('it is not written although there is room')
    await count(scene, history, 1)
  }
  return countOf(history.totals().ever) - before
}

/** A file system of 1.5 MiB, to be filled but for some pages. */
async function smallDisk() {
  const folder = await temporaryFolder()
  const { dir } = folder
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1536k', 'tmpfs', dir])
  const ballast = path.join(dir, 'ballast')
  return {
    dir,
    async fill(freePages = 0) {
      const file = await open(ballast, 'w')
      let size = 0
      try {
        for (;;) size += (await file.write(Buffer.alloc(PAGE))).bytesWritten
      } catch {
        // Full, as wanted.
      } finally {
        await file.close()
      }
      await truncate(ballast, Math.max(0, size - freePages * PAGE))
    },
    empty: () => rm(ballast),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', dir])
      await folder[Symbol.asyncDispose]()
    }
  }
}
