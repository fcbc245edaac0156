import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../app/main/api/client.ts'
import { connectControl } from '../../app/main/control-folder.ts'
import { createApp, type TestApp } from '../support/app.ts'
import { createPlainClient, reserve } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { carry } from '../support/quota.ts'
import { addressOf } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

interface Node extends TestApp {
  dir: string
  control: ControlClient
  [Symbol.asyncDispose](): Promise<void>
}

/** A node, and a client of its control API. */
async function start(
  ...[settings, options]: [Parameters<typeof createApp>[1]?, { dir?: string }?]
): Promise<Node> {
  const folder = options?.dir === undefined ? await temporaryFolder() : undefined
  const dir = options?.dir ?? folder?.dir ?? ''
  const test = createApp(dir, settings)
  await test.app.start()
  return {
    ...test,
    dir,
    control: await connectControl(dir, { timeoutMs: 30_000 }),
    async [Symbol.asyncDispose]() {
      await test.app.stop()
      await folder?.[Symbol.asyncDispose]()
    }
  }
}

/** Asks for a reservation, `count` times. */
async function askFor(node: Node, count: number): Promise<void> {
  await using client = await createPlainClient()
  const connection = await client.dial(multiaddr(addressOf(node.app.addresses, 'tcp')))
  for (let i = 0; i < count; i++) await reserve(connection)
}

describe('checking a change', () => {
  it('names every setting to blame, and changes nothing', async () => {
    await using node = await start()
    const before = await readFile(path.join(node.dir, 'settings.json'), 'utf8')
    const values = { 'relay.circuits.total': -1, 'quic.port': 'x', 'tcp.prot': 1, 'dht.enabled': false }
    const { problems, needsRestart } = await node.control.call('checkSettings', { values })
    expect(problems.map(({ field, message }) => [field, message.length > 20])).toEqual([
      ['relay.circuits.total', true],
      ['quic.port', true],
      ['tcp.prot', true]
    ])
    expect(needsRestart).toEqual(['dht.enabled'])
    expect(await readFile(path.join(node.dir, 'settings.json'), 'utf8')).toBe(before)
  })
})

describe('refusals over a time', () => {
  it('come from the history, over a restart too, each with its setting', async () => {
    await using folder = await temporaryFolder()
    {
      await using node = await start({ 'access.deny': ['127.0.0.0/8'] }, folder)
      await askFor(node, 3)
    }
    await using node = await start({ 'access.deny': [] }, folder)
    await node.control.call('pause')
    await askFor(node, 2)

    expect(await node.control.call('refusals')).toEqual([{ request: 'reserve', reason: 'paused', count: 2 }])
    expect(await node.control.call('refusals', { seconds: 3600 })).toEqual([
      { request: 'reserve', reason: 'denied', count: 3, setting: 'access.deny' },
      { request: 'reserve', reason: 'paused', count: 2 }
    ])
    expect(await node.control.call('refusals', { seconds: 40 * 86_400 })).toHaveLength(2)
  })

  it.each([0, -5, 1.5])('are refused for %d seconds', async seconds => {
    await using node = await start()
    await expect(node.control.call('refusals', { seconds })).rejects.toMatchObject({ code: 'bad-request' })
  })
})

describe('what is stored', () => {
  it('is listed file by file, and there is nothing else', async () => {
    await using node = await start({ 'relay.circuits.total': 7 })
    await writeFile(path.join(node.dir, 'notes.txt'), 'mine')
    const { dir, files } = await node.control.call('storage')
    expect(dir).toBe(node.dir)
    const kinds = Object.fromEntries(files.map(file => [path.relative(dir, file.path), file.kind]))
    expect(kinds).toEqual({
      'settings.json': 'settings',
      'identity.key': 'identity',
      history: 'history',
      'control.token': 'control-token',
      'control.json': 'control',
      'node.lock': 'lock',
      'notes.txt': 'other'
    })
    expect(Object.keys(kinds).sort()).toEqual((await readdir(dir)).sort())
    const settings = files.find(({ kind }) => kind === 'settings')
    expect(settings?.fields).toContain('relay.circuits.total')
    expect(settings?.bytes).toBe((await stat(path.join(dir, 'settings.json'))).size)
  })

  it('has no figures of the past once they are deleted; the pause and the use of the month stay', async () => {
    await using folder = await temporaryFolder()
    {
      await using node = await start({ 'quota.bytesPerMonth': 10_000_000 }, folder)
      await askFor(node, 1)
      carry(node.app, 2_000_000)
      await node.control.call('pause')
    }
    {
      await using node = await start({ 'quota.bytesPerMonth': 10_000_000 }, folder)
      expect((await node.control.call('stats')).totals.ever.traffic.sent).toBe(1_000_000)

      await node.control.call('deleteHistory')

      const { totals, quota, since } = await node.control.call('stats')
      expect(totals.ever.traffic).toEqual({ received: 0, sent: 0 })
      expect(totals.today.circuits).toBe(0)
      expect(quota.usedBytes).toBe(2_000_000)
      expect(Date.now() - Date.parse(since)).toBeLessThan(60_000)
      for (const step of ['minute', 'hour', 'day'] as const) {
        const records = await node.control.call('history', { step })
        expect(records.map(({ traffic }) => traffic.sent).filter(sent => sent > 0)).toEqual([])
      }
      carry(node.app, 500)
      expect((await node.control.call('stats')).totals.ever.traffic.sent).toBe(250)
    }
    await using node = await start({ 'quota.bytesPerMonth': 10_000_000 }, folder)
    const { mode, quota, totals } = await node.control.call('status')
    expect(mode.mode).toBe('paused')
    expect(quota.usedBytes).toBe(2_000_500)
    expect(totals.ever.traffic.sent).toBe(250)
  })
})

describe('stats since a time', () => {
  it('have what was done since then, the quotas and why the node was held; the export has it all', async () => {
    await using node = await start({ 'quota.bytesPerMonth': 10_000_000, 'quota.bytesPerDay': 10_000_000 })
    await askFor(node, 1)
    carry(node.app, 2_000_000)
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const { period, totals } = await node.control.call('stats', { since })
    expect(period?.step).toBe('minute')
    expect(period?.amounts.traffic.sent).toBe(totals.ever.traffic.sent)
    expect(period?.quotas.map(({ rule }) => rule).sort()).toEqual(['quota-day', 'quota-month'])
    for (const { limitBytes, usedBytes } of period?.quotas ?? []) {
      expect([limitBytes, usedBytes]).toEqual([10_000_000, 2_000_000])
    }
    expect((await node.control.call('stats')).period).toBeUndefined()

    await node.control.call('setSettings', { values: { 'quota.bytesPerDay': 1_000_000 } })
    await until('the rule is on record', async () => {
      const { records } = (await node.control.call('stats', { since })).period ?? { records: [] }
      return records.some(({ heldSeconds }) => (heldSeconds['quota-day'] ?? 0) > 0)
    })

    const all = await node.control.call('exportData')
    expect(all.peerId).toBe(node.app.peerId)
    expect(all.settings).toMatchObject({ 'quota.bytesPerDay': 1_000_000 })
    expect(all.history.totals.ever.traffic.sent).toBe(totals.ever.traffic.sent)
    expect(all.history.quotas.find(({ rule }) => rule === 'quota-day')).toMatchObject({
      limitBytes: 1_000_000
    })
    expect(all.history.days).toHaveLength(1)
    expect(all.leftOut.join(' ')).toContain('identity export')
    const secret = (await readFile(path.join(node.dir, 'control.token'), 'utf8')).trim()
    expect(JSON.stringify(all)).not.toContain(secret)
  })

  it('are refused for a time that is none', async () => {
    await using node = await start()
    await expect(node.control.call('stats', { since: 'noon' })).rejects.toMatchObject({ code: 'bad-request' })
  })
})

describe('a backup of the identity', () => {
  const passphrase = 'four or five random words'
  let text: string
  let peerId: string

  beforeAll(async () => {
    await using node = await start()
    const backup = await node.control.call('exportIdentity', { passphrase })
    text = backup.text
    peerId = node.app.peerId
    expect(backup.fileName).toBe(`waystation-${peerId.slice(-6)}.age`)
  })

  it('is taken by another node, which keeps its own key beside it and has the new one from its next start', async () => {
    await using folder = await temporaryFolder()
    let kept: Buffer
    {
      await using node = await start({}, folder)
      kept = await readFile(path.join(folder.dir, 'identity.key'))
      const own = node.app.peerId
      expect(await node.control.call('importIdentity', { text, passphrase })).toEqual({ peerId })
      const status = await node.control.call('status')
      expect(status.peerId).toBe(own)
      expect(status.warnings).toEqual([expect.stringContaining(peerId)])
      const copy = (await readdir(folder.dir)).find(name => name.startsWith('identity.key.replaced-')) ?? ''
      expect(await readFile(path.join(folder.dir, copy))).toEqual(kept)
      expect((await stat(path.join(folder.dir, 'identity.key'))).mode & 0o777).toBe(0o600)
    }
    await using node = await start({}, folder)
    expect(node.app.peerId).toBe(peerId)
  })

  it('is made while the relay goes on', async () => {
    await using node = await start()
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 5)
    await sleep(20)
    const began = performance.now()
    await node.app.api.exportIdentity({ passphrase })
    const seconds = (performance.now() - began) / 1000
    clearInterval(timer)
    // What it takes in all is scrypt; in the loop's own thread it would be one gap of that length.
    expect(longest / 1000).toBeLessThan(seconds / 3)
    expect(seconds).toBeGreaterThan(0.2)
  })

  it.each([
    ['another passphrase', () => ({ text, passphrase: 'not that one' }), 'passphrase-wrong'],
    ['a text that is none', () => ({ text: 'hello', passphrase }), 'backup-corrupt'],
    ['a text that is cut off', () => ({ text: text.slice(0, 300), passphrase }), 'backup-corrupt'],
    ['one that is too long', () => ({ text: 'x'.repeat(70_000), passphrase }), 'bad-request']
  ])('is refused with %s, and the key stays', async (_, request, code) => {
    await using node = await start()
    const before = await readFile(path.join(node.dir, 'identity.key'))
    await expect(node.control.call('importIdentity', request())).rejects.toMatchObject({ code })
    expect(await readFile(path.join(node.dir, 'identity.key'))).toEqual(before)
    expect((await readdir(node.dir)).filter(name => name.includes('replaced'))).toEqual([])
  })

  it('needs a passphrase of some length', async () => {
    await using node = await start()
    await expect(node.control.call('exportIdentity', { passphrase: 'short' })).rejects.toMatchObject({
      code: 'passphrase-unusable',
      details: { field: 'passphrase' }
    })
  })
})
