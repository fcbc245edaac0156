import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { amountsOf, Scene } from '../../support/history.ts'

/**
 * The files of a LevelDB folder as version 1 left it, by name, in base64: one minute before midnight, one of the next
 * day with refusals, and a pause.
 */
const FOLDER = new URL('history-version-1.json', import.meta.url)

let dir: string
let scene: Scene

beforeEach(async () => {
  dir = path.join(await mkdtemp(path.join(tmpdir(), 'waystation-history-')), 'history')
  await mkdir(dir)
  const files = JSON.parse(await readFile(FOLDER, 'utf8')) as Record<string, string>
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(dir, name), Buffer.from(content, 'base64'))
  }
  scene = new Scene('2026-07-30T12:00:30Z')
})
afterEach(() => rm(path.dirname(dir), { recursive: true, force: true }))

/** Of that time, without what version 1 did not know. */
const known = (count: number, refusals: Record<string, number>): object => {
  return { ...amountsOf(count), refusals, networks: {}, heldSeconds: {} }
}
const LATER = { full: 3, denied: 4 }

it('a history of version 1 keeps every figure, and has what version 2 adds from then on', async () => {
  const history = await scene.open(dir)
  expect(history.totals()).toEqual({
    today: known(10, LATER),
    month: known(11, LATER),
    ever: known(11, LATER)
  })
  for (const step of ['minute', 'hour', 'day'] as const) {
    const records = await history.query({ step })
    expect(records.map(({ at: _, ...figures }) => figures)).toEqual([
      { ...known(1, {}), peers: 2 },
      { ...known(10, LATER), peers: 1 }
    ])
  }
  expect(history.refusalsSince(scene.now - 3_600_000)).toEqual([
    { request: 'reserve', reason: 'denied', count: 4 },
    { request: 'connect', reason: 'full', count: 3 }
  ])
  expect(history.getState('paused')).toEqual({ until: 5 })
  expect(history.since).toBe('2026-07-29T23:58:00.000Z')

  const { networks, heldSeconds } = amountsOf(1)
  history.add({ ...amountsOf(0), refusals: {}, networks, heldSeconds })
  await history.close()
  const again = await scene.open(dir)
  expect(again.totals().ever).toEqual({ ...known(11, LATER), networks, heldSeconds })
  await again.close()
})

it('is copied as it was before, once, and the copy goes when the history is deleted', async () => {
  await (await scene.open(dir)).close()
  const history = await scene.open(dir)
  expect(await readdir(path.dirname(dir))).toEqual(['history', 'history.backup-v1-2026-07-30'])
  expect(scene.lines).toEqual([expect.stringContaining('from version 1 to 2')])
  expect(scene.warnings).toEqual([])
  await history.clear()
  expect(await readdir(path.dirname(dir))).toEqual(['history'])
  await history.close()
})
