import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { History } from '../../app/main/observe/history/history.ts'
import { temporaryFolder } from '../support/command.ts'
import { countOf, Scene, sums } from '../support/history.ts'
import { sleep, until } from '../support/until.ts'

const CHILD = fileURLToPath(new URL('../support/history-child.ts', import.meta.url))
const ROUNDS = 20

interface Said {
  word: string
  count: number
  at: number
}

/** Runs it until `killAt` resolves, kills it with -9, and returns all that it said. */
async function runAndKill(args: string[], killAt: (said: () => Said[]) => Promise<void>): Promise<Said[]> {
  const child = spawn(process.execPath, ['--no-warnings', CHILD, ...args])
  let text = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = once(child, 'close')
  const said = (): Said[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => line.split(' '))
      .map(([word = '', count, at]) => ({ word, count: Number(count), at: Number(at) }))
  try {
    await until('it counts', () => text.includes('\n') || child.exitCode !== null)
    await killAt(said)
  } finally {
    child.kill('SIGKILL')
    await closed
  }
  expect(errors).toBe('')
  return said()
}

async function openAt(dir: string, now: number, use: (history: History) => Promise<void>): Promise<void> {
  const scene = new Scene(new Date(now).toISOString())
  const history = await scene.open(dir)
  await use(history)
  await history.close()
  expect(scene.warnings).toEqual([])
}

it('whenever it is killed, all records agree, and at most the flush under way is missing', async () => {
  await using folder = await temporaryFolder()
  const dir = path.join(folder.dir, 'history')
  const begin = Date.parse('2026-07-31T20:00:00Z')
  let total = 0
  for (let round = 0; round < ROUNDS; round++) {
    // Over minutes, hours, midnight and the month's end; all within a day, so that no minute is pruned.
    const now = begin + total * 10_000
    const said = await runAndKill(['flush', dir, String(now)], () => sleep(Math.random() * 200))
    const most = (word: string): number =>
      Math.max(0, ...said.filter(line => line.word === word).map(({ count }) => count))
    await openAt(dir, now, async history => {
      const { minute, hour, day, ever } = await sums(history)
      expect({ minute, hour, day }).toEqual({ minute: ever, hour: ever, day: ever })
      expect(ever).toBeGreaterThanOrEqual(total + most('flushed'))
      expect(ever).toBeLessThanOrEqual(total + most('counted'))
      total = ever
    })
  }
  expect(total).toBeGreaterThan(ROUNDS)
  expect(total).toBeLessThan(8640)
})

it('a killed node lacks nothing from before the last full ten seconds', async () => {
  await using folder = await temporaryFolder()
  const dir = path.join(folder.dir, 'history')
  const tens = (at: number): number => Math.floor(at / 10_000)
  const said = await runAndKill(['record', dir], async lines => {
    const first = lines()[0]?.at ?? NaN
    // It has flushed at the first full ten seconds, and gone on after that.
    await until(
      'ten seconds were flushed',
      () => (lines().at(-1)?.at ?? 0) > (tens(first) + 1) * 10_000 + 3000
    )
  })
  const last = tens(said.at(-1)?.at ?? NaN) * 10_000
  const before = said.filter(({ at }) => at < last).length
  await openAt(dir, Date.now(), async history => {
    const ever = countOf(history.totals().ever)
    expect(before).toBeGreaterThan(0)
    expect(ever).toBeGreaterThanOrEqual(before)
    expect(ever).toBeLessThanOrEqual(said.length)
    expect(await sums(history)).toEqual({ minute: ever, hour: ever, day: ever, ever })
  })
})

it('a second process is refused while the first has the history open', async () => {
  await using folder = await temporaryFolder()
  const dir = path.join(folder.dir, 'history')
  await runAndKill(['record', dir], async () => {
    const error = await new Scene('2026-07-30T12:00:00Z').open(dir).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'already-running', details: { dir } })
    expect((error as Error).message).toContain('--data-dir')
  })
  await (await new Scene('2026-07-30T12:00:00Z').open(dir)).close()
})
