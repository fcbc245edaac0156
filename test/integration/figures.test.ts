import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Totals } from '../../app/shared/api.ts'
import { VERSION } from '../../app/main/observe/history/migrations.ts'
import { Store } from '../../app/main/observe/history/store.ts'
import { connectControl } from '../../app/main/control-folder.ts'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder, type Command } from '../support/command.ts'
import { addressOf } from '../support/relay.ts'
import { sleep } from '../support/until.ts'

const MB = 1_000_000

/** Relays that many bytes there and back. */
async function relay(node: Command, bytes: number): Promise<void> {
  const { addresses } = await node.listening()
  const address = addressOf(addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  expect(await exchange(await dialThrough(dialer, address, listener), bytes)).toBe(true)
}

async function totals(dataDir: string): Promise<Totals> {
  return (await (await connectControl(dataDir)).call('stats')).totals
}

it('has exact totals over a stop in order, and loses ten seconds at most by kill -9', async () => {
  await using folder = await temporaryFolder()
  await using first = startNode(folder.dir)
  await relay(first, 2 * MB)
  const before = await totals(folder.dir)
  expect(before.ever.bytes.toTarget).toBeGreaterThan(2 * MB)
  expect(before.ever.circuits).toBe(1)
  await first.kill('SIGTERM')

  await using second = startNode(folder.dir)
  await second.listening()
  expect((await totals(folder.dir)).ever).toMatchObject({ bytes: before.ever.bytes, circuits: 1 })
  await relay(second, MB)
  const flushed = await totals(folder.dir)
  // A flush comes at every full ten seconds.
  await sleep(10_500)
  await relay(second, MB)
  const newest = await totals(folder.dir)
  await second.kill('SIGKILL')

  await using third = startNode(folder.dir)
  await third.listening()
  const after = await totals(folder.dir)
  for (const { ever, month, today } of [after]) {
    expect(ever.bytes.toTarget).toBeGreaterThanOrEqual(flushed.ever.bytes.toTarget)
    expect(ever.bytes.toTarget).toBeLessThanOrEqual(newest.ever.bytes.toTarget)
    expect([month.bytes, today.bytes]).toEqual([ever.bytes, ever.bytes])
  }
})

it('sets a corrupt history aside, says so, and begins anew', async () => {
  await using folder = await temporaryFolder()
  await using first = startNode(folder.dir)
  await relay(first, 100_000)
  await first.kill('SIGTERM')
  const store = path.join(folder.dir, 'history')
  const manifest = (await readdir(store)).find(name => name.startsWith('MANIFEST')) ?? ''
  await writeFile(path.join(store, manifest), 'nothing of sense')

  await using second = startNode(folder.dir)
  await second.listening()

  const kept = (await readdir(folder.dir)).filter(name => name.startsWith('history.broken-'))
  expect(kept).toHaveLength(1)
  expect(second.lines.map(({ msg }) => msg).join('\n')).toContain(kept[0])
  expect((await totals(folder.dir)).ever.bytes.toTarget).toBe(0)
})

it('refuses a history of a newer version by name, and leaves it as it is', async () => {
  await using folder = await temporaryFolder()
  await using first = startNode(folder.dir)
  await first.listening()
  await first.kill('SIGTERM')
  const store = path.join(folder.dir, 'history')
  const log = { info() {}, warn() {} }
  const migrations = { [VERSION]: (entries: ReadonlyMap<string, string>) => new Map(entries) }
  const newer = { dir: store, version: VERSION + 1, migrations }
  await (await Store.open({ log, now: () => Date.now() }, newer)).close()

  const { code, stderr } = await startNode(folder.dir).finished

  expect(code).toBe(1)
  expect(stderr).toContain(store)
  expect(stderr).toContain(`version ${VERSION + 1}`)
  await rm(store, { recursive: true })
  await using fresh = startNode(folder.dir)
  await fresh.listening()
})

it('keeps the history while a second node is refused on the same folder', async () => {
  await using folder = await temporaryFolder()
  await using first = startNode(folder.dir)
  await first.listening()
  // As from another container on the same volume: the lock file of this process does not tell.
  await rm(path.join(folder.dir, 'node.lock'))
  const { code, stderr } = await startNode(folder.dir).finished
  expect(code).toBe(1)
  expect(stderr).toMatch(/another|already/i)
  await relay(first, 100_000)
  await first.kill('SIGTERM')
  await using again = startNode(folder.dir)
  await again.listening()
  expect((await totals(folder.dir)).ever.circuits).toBe(1)
})
