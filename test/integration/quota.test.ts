import { afterEach, expect, it, vi } from 'vitest'
import { monthAt, wakeAt } from '../../app/main/budget/periods.ts'
import { createApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, exchange, reserve } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { carry } from '../support/quota.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { multiaddr } from '@multiformats/multiaddr'

const MB = 1_000_000

/** When a node that a quota put to sleep this month wakes. */
const wakes = (peerId: string): number => wakeAt(monthAt(Date.now(), 1), peerId)

afterEach(() => void vi.useRealTimers())

it('lets circuits finish when the month is used up, takes no new work, and then sleeps', async () => {
  await using folder = await temporaryFolder()
  const { app, logTail } = createApp(folder.dir, { 'quota.bytesPerMonth': 5 * MB })
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  await using late = await createPlainClient()
  const connection = await late.dial(multiaddr(address))

  carry(app, 4 * MB)
  expect(await exchange(stream, 1000)).toBe(true)
  expect(app.mode.mode).toBe('open')
  // Into the last percent, in which circuits may finish.
  carry(app, 0.97 * MB)
  await until('the quota is noticed', () => app.mode.rule === 'quota-month', 5)

  expect(app.mode).toEqual({
    mode: 'held',
    rule: 'quota-month',
    until: new Date(wakes(app.peerId)).toISOString(),
    circuitsLeft: 1
  })
  expect((await reserve(connection)).status).toBe(200)
  expect((await app.api.refusals())[0]).toMatchObject({ reason: 'quota', setting: 'quota.bytesPerMonth' })
  expect(await exchange(stream, 1000)).toBe(true)
  await dialer.hangUp(listener.peerId)
  await until('the node sleeps', () => app.addresses.length === 0, 10)
  await until('its connections are closed', () => late.getConnections().length === 0)

  const status = await app.api.status()
  expect(status).toMatchObject({
    mode: { mode: 'held', rule: 'quota-month', circuitsLeft: 0 },
    addresses: [],
    peerId: app.peerId,
    quota: { limitBytes: 5 * MB, usedBytes: 4.97 * MB },
    budget: { rules: [{ rule: 'quota-month', state: 'holding' }], holding: 'quota-month' }
  })
  expect(logTail.newest().map(({ message }) => message)).toContain(
    'the node sleeps until the month ends or quota.bytesPerMonth is raised'
  )
  await app.stop()
})

it('wakes when the quota is raised, with its identity, and sleeps over a restart otherwise', async () => {
  await using folder = await temporaryFolder()
  const { app: first } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await first.start()
  carry(first, 2 * MB)
  await until('it sleeps', () => first.addresses.length === 0, 10)
  await first.stop()

  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  expect(app.mode).toMatchObject({ mode: 'held', rule: 'quota-month' })
  expect(app.addresses).toEqual([])
  expect(await app.api.circuits()).toEqual([])

  app.settings.change({ 'quota.bytesPerMonth': '1GB' })
  await until('it is awake', () => app.addresses.length > 0, 10)
  expect(app.mode).toEqual({ mode: 'open' })
  await using client = await createPlainClient()
  const connection = await client.dial(multiaddr(addressOf(app.addresses, 'tcp')))
  expect(connection.remotePeer.toString()).toBe(app.peerId)
  expect((await reserve(connection)).status).toBe(100)
  await app.stop()
})

it('wakes in the first hour of the next month', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  carry(app, MB)
  await until('it sleeps', () => app.addresses.length === 0, 10)

  vi.useFakeTimers({ toFake: ['Date'], now: wakes(app.peerId) })
  await until('it is awake', () => app.addresses.length > 0, 10)

  const { quota, totals, mode } = await app.api.status()
  expect(mode).toEqual({ mode: 'open' })
  expect(quota.usedBytes).toBe(0)
  expect(totals.ever.traffic).toEqual({ received: MB / 2, sent: MB / 2 })
  await app.stop()
})

it('counts circuits on where it left off after it slept', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  const circuit = async (): Promise<number> => {
    const address = addressOf(app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    await dialThrough(dialer, address, listener)
    return (await app.api.circuits())[0]?.id ?? 0
  }
  expect(await circuit()).toBe(1)
  carry(app, MB)
  await until('it sleeps', () => app.addresses.length === 0, 10)
  app.settings.change({ 'quota.bytesPerMonth': 0 })
  await until('it is awake', () => app.addresses.length > 0, 10)
  expect(await circuit()).toBe(2)
  await app.stop()
})
