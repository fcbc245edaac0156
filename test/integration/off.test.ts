import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it, vi } from 'vitest'
import type { App } from '../../app/main/app.ts'
import { connectControl } from '../../app/main/control-folder.ts'
import type { ApiEvent } from '../../app/shared/api.ts'
import { createApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { addressOf } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

afterEach(() => void vi.restoreAllMocks())

const DESKTOP = { entry: 'desktop', patient: true } as const
const withPages = { 'http.enabled': true }

/** What happens to the mode, without what repeats. */
function modesOf(app: App): () => string[] {
  const seen: string[] = []
  app.events.listen((event: ApiEvent) => {
    if (event.name !== 'mode-changed') return
    const { mode, starting, fault } = event.value
    seen.push([mode, starting === true && 'starting', fault?.code].filter(Boolean).join(' '))
  })
  return () => seen.filter((text, at) => text !== seen[at - 1])
}

const switchOn = (app: App, on: boolean): Promise<unknown> =>
  app.api.setSettings({ values: { 'relay.enabled': on } })

/** Ports that this process listens on. */
const listeners = (): number =>
  process.getActiveResourcesInfo().filter(name => name === 'TCPServerWrap' || name === 'UDPWrap').length

it('opens nothing but the control API in the desktop app until the person opts in', async () => {
  await using folder = await temporaryFolder()
  const before = listeners()
  const { app } = createApp(folder.dir, withPages, DESKTOP)

  await app.start()

  expect(listeners() - before).toBe(1)
  expect(app.mode).toEqual({ mode: 'off', circuitsLeft: 0 })
  expect(await app.api.status()).toMatchObject({
    addresses: [],
    announced: [],
    publicUrls: [],
    mapping: { state: 'off' },
    connections: { peers: 0 }
  })
  const control = await connectControl(folder.dir)
  expect((await control.call('status')).mode.mode).toBe('off')
  await app.stop()
})

it('runs with all that was chosen together with the opt-in, and keeps it over a restart', async () => {
  await using folder = await temporaryFolder()
  await using peer = await createPlainClient()
  const bootstrap = `/ip4/127.0.0.1/tcp/9/p2p/${peer.peerId.toString()}`
  const { app } = createApp(folder.dir, withPages, DESKTOP)
  await app.start()
  const values = {
    'relay.enabled': true,
    'dht.bootstrap': [bootstrap],
    'dht.protocol': '/chat/kad/1.0.0',
    'identity.agentVersion': 'chat-relay',
    'quota.bytesPerMonth': '100 GB',
    'updates.check': true,
    upnp: false
  }

  const refused = app.api.setSettings({ values: { ...values, 'dht.protocol': 'no slash' } })
  await expect(refused).rejects.toMatchObject({ code: 'bad-setting' })
  expect(app.mode.mode).toBe('off')
  const changed = await app.api.setSettings({ values })

  expect(changed).toMatchObject({ needsRestart: [], saved: true })
  // The quota is that of the home profile already.
  const others = Object.keys(values).filter(key => key !== 'quota.bytesPerMonth')
  expect([...changed.applied].sort()).toEqual(others.sort())
  await until('it is open', () => app.addresses.length > 0, 10)
  await until('its pages are open', () => app.identityUrls.length > 0, 10)
  const { services } = await identified(app)
  expect(services).toContain('/chat/kad/1.0.0')
  const page = (await (await fetch(app.identityUrls[0] ?? '')).json()) as Record<string, unknown>
  expect(page['agent_version']).toBe('chat-relay')
  await app.stop()

  const { app: again } = createApp(folder.dir, { ...withPages, 'relay.enabled': true }, DESKTOP)
  await again.start()
  expect(again.mode).toEqual({ mode: 'open' })
  expect(again.addresses.length).toBeGreaterThan(0)
  await again.stop()
})

/** The protocols that the node says it speaks. */
async function identified(app: App): Promise<{ services: string[] }> {
  await using client = await createPlainClient()
  const connection = await client.dial(multiaddr(addressOf(app.addresses, 'tcp')))
  let services: string[] = []
  await until('it is identified', async () => {
    services = (await client.peerStore.get(connection.remotePeer)).protocols
    return services.length > 0
  })
  return { services }
}

it('closes soon after it was switched off: circuits may finish, for five seconds', async () => {
  await using folder = await temporaryFolder()
  const { app, logTail } = createApp(folder.dir, { ...withPages, 'shutdown.timeoutSeconds': 86_400 })
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  const [page = ''] = app.identityUrls
  const seen = modesOf(app)

  await switchOn(app, false)

  expect(app.mode).toEqual({ mode: 'off', circuitsLeft: 1 })
  expect(await exchange(stream, 1000)).toBe(true)
  await until(
    'its pages are closed',
    () =>
      fetch(page).then(
        () => false,
        () => true
      ),
    2
  )
  await until('it is closed', () => app.addresses.length === 0, 8)
  expect(seen()).toEqual(['off'])
  expect(app.figures.counters.circuitEnds).toEqual({ drained: 1 })
  await until('its connections are closed', () => listener.getConnections().length === 0, 2)
  expect(logTail.newest().map(({ message }) => message)).toContain(
    'the node sleeps until relay.enabled is on'
  )

  await switchOn(app, true)
  await until('it is open again', () => app.addresses.length > 0 && app.identityUrls.length > 0, 10)
  expect(seen()).toEqual(['off', 'open', 'open starting', 'open'])
  await app.stop()
})

it('goes on with its circuits where that is taken back at once', async () => {
  await using folder = await temporaryFolder()
  const { app } = createApp(folder.dir)
  await app.start()
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)

  await switchOn(app, false)
  await switchOn(app, true)

  await sleep(5_500)
  expect(await exchange(stream, 1000)).toBe(true)
  expect(app.mode).toEqual({ mode: 'open' })
  await app.stop()
})

it('says in its log and its status that it is off, and what to do, and is switched on by a command', async () => {
  await using folder = await temporaryFolder()
  await using node = startNode(folder.dir, ['--no-relay-enabled'])
  await until('it runs', () => node.lines.some(({ msg }) => msg.startsWith('off: relay.enabled')), 20)
  const control = await connectControl(folder.dir)
  expect((await control.call('status')).mode).toEqual({ mode: 'off', circuitsLeft: 0 })
  const modes = (await control.call('metrics')).find(({ name }) => name === 'waystation_mode')
  expect(modes?.values.filter(({ value }) => value === 1).map(({ labels }) => labels['mode'])).toEqual([
    'off'
  ])
  expect((await node.kill('SIGTERM')).code).toBe(0)
})

/** A TCP port that is taken until it is given up. */
async function takenPort(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  return { port, close: () => new Promise(resolve => void server.close(() => resolve())) }
}

const onlyTcp = (port: number) => ({ 'tcp.port': port, 'quic.enabled': false, 'ws.enabled': false })

it('starts in the desktop app where its port is taken, says why, and opens it at a restart', async () => {
  await using folder = await temporaryFolder()
  const { port, close } = await takenPort()
  const settings = { 'relay.enabled': true, ...onlyTcp(port) }
  const { app } = createApp(folder.dir, settings, DESKTOP)
  const seen = modesOf(app)

  expect(await app.start()).toBe(true)

  expect(app.mode).toMatchObject({ mode: 'open', fault: { code: 'port-in-use' } })
  expect(app.mode.fault?.message).toContain(String(port))
  expect((await app.api.status()).mode.fault?.code).toBe('port-in-use')
  expect((await app.api.restartNode()).fault?.code).toBe('port-in-use')
  await close()
  expect(await app.api.restartNode()).toEqual({ mode: 'open' })
  expect(app.addresses.some(address => address.includes(`/tcp/${port}/`))).toBe(true)
  expect(seen()).toEqual([
    'open starting',
    'open port-in-use',
    'open starting port-in-use',
    'open port-in-use',
    'open starting port-in-use',
    'open'
  ])
  await app.stop()
})

it('tries again by itself after half a minute', async () => {
  await using folder = await temporaryFolder()
  const { port, close } = await takenPort()
  const { app } = createApp(folder.dir, { 'relay.enabled': true, ...onlyTcp(port) }, DESKTOP)
  await app.start()
  await close()
  await sleep(1_500)
  expect(app.addresses).toEqual([])

  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + 30_000)
  await until('it is open', () => app.addresses.length > 0, 10)

  expect(app.mode).toEqual({ mode: 'open' })
  await app.stop()
})

it('opens with another port as soon as that is set, and has no fault while it is off', async () => {
  await using folder = await temporaryFolder()
  const { port, close } = await takenPort()
  const { app } = createApp(folder.dir, { 'relay.enabled': true, ...onlyTcp(port) }, DESKTOP)
  await app.start()
  await switchOn(app, false)
  expect(app.mode).toEqual({ mode: 'off', circuitsLeft: 0 })
  await switchOn(app, true)
  await until('it has failed again', () => app.mode.fault !== undefined, 5)

  const changed = await app.api.setSettings({ values: { 'tcp.port': 0 } })

  expect(changed).toMatchObject({ applied: ['tcp.port'], needsRestart: [] })
  await until('it is open', () => app.addresses.length > 0, 10)
  expect(app.mode).toEqual({ mode: 'open' })
  await app.stop()
  await close()
})

it('does not start headless where its port is taken', async () => {
  await using folder = await temporaryFolder()
  const { port, close } = await takenPort()
  const { app } = createApp(folder.dir, onlyTcp(port))
  await expect(app.start()).rejects.toMatchObject({ code: 'port-in-use' })
  await close()
})

it('does not start in the desktop app either where its key cannot be read', async () => {
  await using folder = await temporaryFolder()
  await writeFile(path.join(folder.dir, 'identity.key'), 'no key')
  const { app } = createApp(folder.dir, {}, DESKTOP)
  await expect(app.start()).rejects.toMatchObject({ code: expect.stringMatching(/^identity-/) as string })
})
