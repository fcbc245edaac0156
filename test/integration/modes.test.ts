import { access } from 'node:fs/promises'
import path from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it, vi } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import { createApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, reserve } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { connectControl } from '../../app/main/control-folder.ts'
import { carry } from '../support/quota.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'

const MB = 1_000_000
const HOUR_MS = 3_600_000

afterEach(() => void vi.useRealTimers())

it('opens its ports once where it was paused before its restart', async () => {
  await using folder = await temporaryFolder()
  const { app: first } = createApp(folder.dir)
  await first.start()
  await first.api.pause({ seconds: 3600 })
  await first.stop()

  const { app, logTail } = createApp(folder.dir)
  await app.start()

  expect(app.mode.mode).toBe('paused')
  // What wakes opened them a second time.
  expect(logTail.newest().map(({ message }) => message)).not.toContain('the node is awake')
  await app.stop()
})

it('takes work from its start where a pause ended while it did not run', async () => {
  await using folder = await temporaryFolder()
  const { app: first } = createApp(folder.dir)
  await first.start()
  await first.api.pause({ seconds: 3600 })
  await first.stop()

  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR_MS })
  const { app } = createApp(folder.dir)
  await app.start()

  expect(app.mode).toEqual({ mode: 'open' })
  await app.stop()
})

it('leaves nothing behind where it is stopped while it starts', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir)

  const starting = app.start()
  await app.stop()

  expect(await starting).toBe(false)
  expect(app.addresses).toEqual([])
  for (const file of ['node.lock', 'control.json']) {
    await expect(access(path.join(folder.dir, file))).rejects.toThrow('ENOENT')
  }
  const { app: second } = createApp(folder.dir)
  expect(await second.start()).toBe(true)
  await second.stop()
})

it('stops at once while it waits for circuits because of its quota', async () => {
  await using folder = await temporaryFolder()
  const settings = { 'quota.bytesPerMonth': MB, 'shutdown.timeoutSeconds': 86_400 }
  const { app } = createApp(folder.dir, settings)
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  await dialThrough(dialer, address, listener)
  carry(app, 0.992 * MB)
  await until('circuits may finish', () => app.mode.rule === 'quota-month', 10)

  await app.stop()

  expect(app.addresses).toEqual([])
})

it('takes no new work where a larger quota is used up too, while circuits finish', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  await dialThrough(dialer, address, listener)
  await using late = await createPlainClient()
  const connection = await late.dial(multiaddr(address))
  carry(app, 0.992 * MB)
  await until('circuits may finish', () => app.mode.rule === 'quota-month', 10)
  app.settings.change({ 'quota.bytesPerMonth': 2 * MB })
  expect(app.mode).toEqual({ mode: 'open' })

  carry(app, 0.992 * MB)
  await until('that is used up too', () => app.mode.rule === 'quota-month', 10)

  expect((await reserve(connection)).status).toBe(Status.RESERVATION_REFUSED)
  expect((await app.api.refusals())[0]).toMatchObject({ request: 'reserve', reason: 'quota' })
  await app.stop()
})

it('runs with settings that were changed while it woke', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  carry(app, MB)
  await until('it sleeps', () => app.addresses.length === 0, 10)
  await using client = await createPlainClient()

  app.settings.change({ 'quota.bytesPerMonth': 0 })
  expect(app.addresses).toEqual([])
  app.settings.change({ 'access.deny': [client.peerId.toString()] })
  await until('it is awake', () => app.addresses.length > 0, 10)

  const connection = await client.dial(multiaddr(addressOf(app.addresses, 'tcp')))
  expect((await reserve(connection)).status).toBe(Status.PERMISSION_DENIED)
  await app.stop()
})

it('takes changes of settings before it has started', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  expect(app.settings.change({ 'relay.circuits.total': 5 })).toMatchObject({
    applied: ['relay.circuits.total']
  })
})

it('lets circuits finish at the first signal also where it drains already', async () => {
  await using folder = await temporaryFolder()
  await using node = startNode(folder.dir, ['--shutdown-timeout-seconds', '1'])
  const address = addressOf((await node.listening()).addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  await dialThrough(dialer, address, listener)
  const control = await connectControl(folder.dir)
  await control.call('drain', { seconds: 3600 })

  const { code } = await node.kill('SIGTERM')

  expect(code).toBe(0)
  expect(node.logged('stopping at once')).toEqual([])
  expect(node.logged('circuit closed').map(({ reason }) => reason)).toEqual(['drained'])
})
