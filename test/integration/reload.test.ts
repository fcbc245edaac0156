import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'

it('applies the changed file at SIGHUP and keeps its circuits; a broken file changes nothing', async () => {
  await using folder = await temporaryFolder()
  const file = path.join(folder.dir, 'settings.json')
  await using node = startNode(folder.dir)
  const { addresses } = await node.listening()
  const address = addressOf(addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  expect(await exchange(stream, 1000)).toBe(true)

  await writeFile(file, JSON.stringify({ relay: { circuits: { total: 1 } }, ws: { enabled: false } }))
  node.child.kill('SIGHUP')
  await until('the file is read', () => node.logged('settings changed').length === 1)
  expect(node.logged('settings changed')[0]).toMatchObject({
    applied: ['relay.circuits.total'],
    needsRestart: ['ws.enabled']
  })
  await using late = await createPlainClient()
  await expect(dialThrough(late, address, listener)).rejects.toThrow()
  expect(await exchange(stream, 1000)).toBe(true)

  await writeFile(file, '{"relay": {"circuits": {"total": 5}},}')
  node.child.kill('SIGHUP')
  await until('the file is refused', () => node.lines.some(({ msg }) => msg.includes('line 1, column')))
  expect(await readFile(file, 'utf8')).toBe('{"relay": {"circuits": {"total": 5}},}')
  await expect(dialThrough(late, address, listener)).rejects.toThrow()
  expect(await exchange(stream, 1000)).toBe(true)
})
