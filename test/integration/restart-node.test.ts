import { expect, it } from 'vitest'
import type { App } from '../../app/main/app.ts'
import type { ApiEvent, SettingsChanged } from '../../app/shared/api.ts'
import { createApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, reserve } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { carry } from '../support/quota.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { multiaddr } from '@multiformats/multiaddr'

const MB = 1_000_000

const info = async (app: App, key: string) =>
  (await app.api.settings()).settings.find(setting => setting.key === key)

function changesOf(app: App): SettingsChanged[] {
  const seen: SettingsChanged[] = []
  app.events.listen((event: ApiEvent) => {
    if (event.name === 'settings-changed') seen.push(event.value)
  })
  return seen
}

it('opens a new node with the settings that waited for it, and ends the circuits', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'http.enabled': true })
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  await dialThrough(dialer, address, listener)
  const values = { 'ws.enabled': false, 'identity.agentVersion': 'other', 'control.enabled': false }

  expect((await app.api.checkSettings({ values })).needsRestart.sort()).toEqual(Object.keys(values).sort())
  expect(await app.api.setSettings({ values })).toMatchObject({ applied: [], restart: 'program' })
  expect(await info(app, 'ws.enabled')).toMatchObject({ pending: true, restart: 'node', applies: 'restart' })
  expect(await info(app, 'control.enabled')).toMatchObject({ pending: true, restart: 'program' })
  expect(app.addresses.some(each => each.includes('/ws/'))).toBe(true)
  const changes = changesOf(app)

  expect(await app.api.restartNode()).toEqual({ mode: 'open' })

  expect(app.addresses.some(each => each.includes('/ws/'))).toBe(false)
  expect(app.figures.counters.circuitEnds).toEqual({ stopped: 1 })
  expect(changes).toEqual([
    {
      applied: ['ws.enabled', 'identity.agentVersion'],
      needsRestart: ['control.enabled'],
      restart: 'program',
      saved: true,
      warnings: []
    }
  ])
  expect(await info(app, 'ws.enabled')).toMatchObject({ pending: false, value: false })
  expect(await info(app, 'control.enabled')).toMatchObject({ pending: true })
  await until('its pages are open', () => app.identityUrls.length > 0, 5)
  const page = (await (await fetch(app.identityUrls[0] ?? '')).json()) as Record<string, unknown>
  expect(page).toMatchObject({ agent_version: 'other', addresses: app.addresses })
  await using late = await createPlainClient()
  const connection = await late.dial(multiaddr(addressOf(app.addresses, 'tcp')))
  expect((await reserve(connection)).status).toBe(100)
  await app.stop()
})

it('is one restart where two ask for it, and ends well where the program stops meanwhile', async () => {
  await using folder = await temporaryFolder()
  const { app, logTail } = createApp(folder.dir)
  await app.start()
  await Promise.all([app.api.restartNode(), app.api.restartNode()])
  const awake = (): number => logTail.newest().filter(({ message }) => message === 'the node is awake').length
  expect(awake()).toBe(1)

  const restarting = app.api.restartNode()
  await app.stop()
  await restarting
  expect(app.addresses).toEqual([])
})

it('stays paused over it', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir)
  await app.start()
  await app.api.pause()
  expect(await app.api.restartNode()).toEqual({ mode: 'paused' })
  await using client = await createPlainClient()
  const connection = await client.dial(multiaddr(addressOf(app.addresses, 'tcp')))
  expect((await reserve(connection)).status).toBe(200)
  await app.stop()
})

it('wakes nothing that sleeps, and settings of the node apply there at once', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, { 'quota.bytesPerMonth': MB })
  await app.start()
  await app.api.setSettings({ values: { 'quic.enabled': false } })
  expect(await info(app, 'quic.enabled')).toMatchObject({ pending: true })
  carry(app, MB)
  await until('it sleeps', () => app.addresses.length === 0, 10)
  await until('what waited is taken', async () => (await info(app, 'quic.enabled'))?.pending === false, 5)

  const check = await app.api.checkSettings({ values: { 'ws.enabled': false, 'control.port': 1 } })
  expect(check).toMatchObject({ problems: [], warnings: [], needsRestart: ['control.port'] })
  expect(await app.api.setSettings({ values: { 'ws.enabled': false } })).toMatchObject({
    applied: ['ws.enabled'],
    needsRestart: []
  })
  expect((await app.api.restartNode()).mode).toBe('held')
  expect(app.addresses).toEqual([])

  await app.api.setSettings({ values: { 'quota.bytesPerMonth': 0 } })
  await until('it is awake', () => app.addresses.length > 0, 10)
  expect(app.addresses.filter(each => /quic|\/ws\//.test(each))).toEqual([])
  await app.stop()
})
