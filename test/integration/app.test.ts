import { expect, it } from 'vitest'
import { createApp } from '../support/app.ts'
import { temporaryFolder } from '../support/command.ts'

const withPages = { 'http.enabled': true }

it('applies what is live, and says what needs a restart', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir)
  await app.start()

  const result = app.settings.change({ 'relay.circuits.total': 5, 'tcp.port': 1234 })

  expect(result).toEqual({
    applied: ['relay.circuits.total'],
    needsRestart: ['tcp.port'],
    restart: 'node',
    saved: true,
    warnings: []
  })
  await app.stop()
})

it('serves its identity with addresses a client can dial, and is ready until it drains', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir, withPages, { version: '1.2.3' })
  await app.start()
  const [url = ''] = app.identityUrls

  const identity = (await (await fetch(url)).json()) as Record<string, unknown>

  expect(identity).toEqual({
    peer_id: app.peerId,
    addresses: app.addresses,
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
  const { app: first } = createApp(`${folders.dir}/1`, withPages)
  await first.start()
  const port = Number(new URL(first.identityUrls[0] ?? '').port)

  const { app: second } = createApp(`${folders.dir}/2`, { ...withPages, 'http.port': port })
  await second.start()
  expect(second.identityUrls).toEqual([])
  expect((await second.api.status()).warnings).toEqual([expect.stringContaining(`TCP port ${port}`)])
  await second.stop()

  const { app: asked } = createApp(`${folders.dir}/2`, withPages, { flags: ['--http-port', String(port)] })
  await expect(asked.start()).rejects.toMatchObject({ code: 'port-in-use' })
  await first.stop()
})

it('starts again on the same folder after it stopped, with the same peer id', async () => {
  await using folder = await temporaryFolder()
  const { app: first } = createApp(folder.dir)
  await first.start()
  const { peerId } = first
  await first.stop()

  const { app: second } = createApp(folder.dir)
  await second.start()

  expect(second.peerId).toBe(peerId)
  await second.stop()
  await second.stop()
})
