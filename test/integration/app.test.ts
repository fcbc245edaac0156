import { pino } from 'pino'
import { expect, it } from 'vitest'
import { App } from '../../app/main/app.ts'
import { defaultsOf, type Settings } from '../../app/shared/settings.ts'
import { temporaryFolder } from '../support/command.ts'
import { unlimited } from '../support/relay.ts'

const settings: Settings = { ...defaultsOf('server'), ...unlimited, 'http.enabled': true, 'http.port': 0 }
const log = pino({ level: 'silent' })

it('applies what is live, and says what needs a restart', async () => {
  await using folder = await temporaryFolder()
  const app = new App({ log }, { settings, dataDir: folder.dir, version: '0.0.0' })
  await app.start()

  const result = app.applySettings({ ...settings, 'relay.circuits.total': 5, 'tcp.port': 1234 })

  expect(result).toEqual({ applied: ['relay.circuits.total'], needsRestart: ['tcp.port'] })
  await app.stop()
})

it('serves its identity with addresses a client can dial, and is ready until it drains', async () => {
  await using folder = await temporaryFolder()
  const app = new App({ log }, { settings, dataDir: folder.dir, version: '1.2.3' })
  await app.start()
  const [url = ''] = app.identityUrls

  const identity = (await (await fetch(url)).json()) as Record<string, unknown>

  expect(identity).toEqual({
    peer_id: app.node.peerId,
    addresses: app.node.addresses.all,
    protocol_version: '/waystation/relay/1.0.0',
    agent_version: 'waystation/1.2.3'
  })
  expect((await fetch(new URL('/readyz', url))).status).toBe(200)
  await app.drain(0)
  expect((await fetch(new URL('/readyz', url))).status).toBe(503)
  expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  await app.stop()
})

it('goes on without its public pages if their port is taken, unless they were asked for', async () => {
  await using folders = await temporaryFolder()
  const first = new App({ log }, { settings, dataDir: `${folders.dir}/1`, version: '0.0.0' })
  await first.start()
  const taken = { ...settings, 'http.port': Number(new URL(first.identityUrls[0] ?? '').port) }

  const second = new App({ log }, { settings: taken, dataDir: `${folders.dir}/2`, version: '0.0.0' })
  await second.start()
  expect(second.identityUrls).toEqual([])
  await second.stop()

  const asked = {
    settings: taken,
    dataDir: `${folders.dir}/2`,
    version: '0.0.0',
    askedFor: new Set(['http'])
  }
  await expect(new App({ log }, asked).start()).rejects.toMatchObject({ code: 'port-in-use' })
  await first.stop()
})

it('starts again on the same folder after it stopped, with the same peer id', async () => {
  await using folder = await temporaryFolder()
  const options = { settings, dataDir: folder.dir, version: '0.0.0' }
  const first = new App({ log }, options)
  await first.start()
  const { peerId } = first.node
  await first.stop()

  const second = new App({ log }, options)
  await second.start()

  expect(second.node.peerId).toBe(peerId)
  await second.stop()
  await second.stop()
})
