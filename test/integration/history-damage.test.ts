import { cp, open, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/command.ts'
import { diskBytes, simulate } from '../support/busy-history.ts'
import { amountsOf, countOf, Scene, sums } from '../support/history.ts'

const FLIPS = 150
const FLUSHES = 700

it('a flipped bit, wherever it is, is harmless or is said, and never a wrong figure', async () => {
  await using folder = await temporaryFolder()
  const [whole, dir] = [path.join(folder.dir, 'whole'), path.join(folder.dir, 'history')]
  const scene = new Scene('2026-07-30T22:30:00Z')
  await record(scene, whole)
  const outcomes = { harmless: 0, 'set aside': 0, 'end lost': 0 }
  for (let flip = 0; flip < FLIPS; flip++) {
    await cp(whole, dir, { recursive: true })
    const where = await flipOneBit(dir)
    scene.warnings.length = 0
    const history = await scene.open(dir)
    const { minute, hour, day, ever } = await sums(history)
    await history.close()
    expect({ minute, hour, day }, where).toEqual({ minute: ever, hour: ever, day: ever })
    const [warning, ...more] = scene.warnings
    expect(more, where).toEqual([])
    const outcome =
      warning === undefined ? 'harmless' : warning.includes('history.broken-') ? 'set aside' : 'end lost'
    if (outcome === 'harmless') expect(ever, where).toBe(FLUSHES)
    if (outcome === 'set aside') expect(ever, where).toBe(0)
    outcomes[outcome]++
    await rm(dir, { recursive: true })
  }
  console.log(JSON.stringify(outcomes))
  expect(outcomes['set aside']).toBeGreaterThan(0)
})

it('days of a busy node stay small, and exact', async () => {
  await using folder = await temporaryFolder()
  const dir = path.join(folder.dir, 'history')
  const sizes = await simulate({ dir, days: 1.25, flushSeconds: 60, restartEveryDays: 1 })
  const refusals = Object.values(sizes.ever.refusals).reduce((sum, count) => sum + count, 0)
  const { bytes, circuits, uptimeSeconds } = sizes.ever
  expect({ toTarget: bytes.toTarget, circuits, refusals, uptimeSeconds }).toEqual(sizes.expected)
  expect(sizes.warnings).toEqual([])
  // What a year adds to this is a few hundred bytes a day: test/bench/history-size.ts.
  expect(Math.max(sizes.mostBytes, await diskBytes(dir))).toBeLessThan(3e6)
})

/** In tables and in the journal. */
async function record(scene: Scene, dir: string): Promise<void> {
  let history = await scene.open(dir)
  for (let flush = 1; flush <= FLUSHES; flush++) {
    history.add(amountsOf(1))
    scene.now += 10_000
    await history.flush()
    if (flush % 300 === 0) {
      await history.close()
      history = await scene.open(dir)
    }
  }
  expect(countOf(history.totals().ever)).toBe(FLUSHES)
  await history.close()
}

/** Of all files that LevelDB reads. */
async function flipOneBit(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter(name => !name.startsWith('LO'))
  const name = names[Math.floor(Math.random() * names.length)] ?? ''
  const file = path.join(dir, name)
  const { size } = await stat(file)
  if (size === 0) return `${name} is empty`
  const [at, bit] = [Math.floor(Math.random() * size), Math.floor(Math.random() * 8)]
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  await handle.write(Buffer.from([(byte[0] ?? 0) ^ (1 << bit)]), 0, 1, at)
  await handle.close()
  return `bit ${bit} of byte ${at} of ${size} in ${name}`
}
