import { X509Certificate } from 'node:crypto'
import dns from 'node:dns'
import { readFile, stat } from 'node:fs/promises'
import { request } from 'node:https'
import path from 'node:path'
import { connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../app/main/api/client.ts'
import type { Status } from '../../app/shared/api.ts'
import { controlAccess } from '../e2e/support/control.ts'
import { AcmeWorld } from '../support/acme.ts'
import { createPlainClient } from '../support/clients.ts'
import { Command, startNode, temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'
import { until } from '../support/until.ts'

const cannot = missing(
  'pebble, with pebble-challtestsrv (Debian: pebble), and openssl',
  ['pebble', 'pebble-challtestsrv', 'openssl'].every(program => findProgram(program) !== undefined)
)
/** Public, and nobody's here: the stand-in for the forge dials 127.0.0.1 in its place. */
const IP = '198.41.30.4'
const DASHED = '198-41-30-4'
const HOUR = 3600

describe.skipIf(cannot)('a certificate by ws.autoTls', () => {
  it('comes from the authority once the forge has dialled back, is announced by its name, and stays', async () => {
    await using folder = await temporaryFolder()
    const data = path.join(folder.dir, 'data')
    let serial: string
    {
      await using world = await AcmeWorld.open(path.join(folder.dir, 'acme'), HOUR)
      await using node = startOn(world, data, ['--announce-ip', IP])
      const { peerId } = await node.listening()
      const { announced, autoTls } = await statusWhen(data, 'held')

      const domain = autoTls.name?.replace('*.', '') ?? ''
      expect(domain).toMatch(/^k51[a-z0-9]{59}\.forge\.example$/)
      await until('all of it is logged', () => states(node).at(-1) === 'held')
      expect(states(node)).toEqual(['registering', 'requesting', 'held'])
      expect(world.registrations.map(({ peer }) => peer)).toEqual([peerId])
      const dialled = world.registrations.flatMap(({ addresses }) => addresses)
      expect(dialled.filter(address => !address.startsWith(`/ip4/${IP}/`))).toEqual([])

      const port = await announcedPort(data, `/dns4/${DASHED}.${domain}/tcp/`)
      expect(announced.concat(...(await statusOf(data)).announced).join(' ')).not.toContain(
        `/ip4/${IP}/tcp/${port}/`
      )
      const root = await world.root()
      serial = await serialAt(port, `${DASHED}.${domain}`, root)
      expect(await identityAt(port, `${DASHED}.${domain}`, root)).toMatchObject({ peer_id: peerId })
      expect(await dialSecurely(port, `${DASHED}.${domain}`, root)).toBe(peerId)
      for (const file of ['certificate.pem', 'account.pem']) {
        expect((await stat(path.join(data, 'auto-tls', file))).mode & 0o777).toBe(0o600)
      }
      const kept = new X509Certificate(await readFile(path.join(data, 'auto-tls/certificate.pem')))
      expect(kept.serialNumber).toBe(serial)
      await node.kill('SIGTERM')
    }
    // Nobody answers there any more, and nobody is asked.
    const closed = ['--auto-tls-forge', 'https://localhost:1', '--auto-tls-acme', 'https://localhost:1/dir']
    const flags = ['--ws-auto-tls', '--auto-tls-domain', 'forge.example', '--announce-ip', IP, ...closed]
    await using again = startNode(data, [...flags, '--tls-port', '0'])
    await again.listening()
    const { autoTls } = await statusWhen(data, 'held')
    const domain = autoTls.name?.replace('*.', '') ?? ''
    const port = await announcedPort(data, `/dns4/${DASHED}.${domain}/tcp/`)
    expect(await serialAt(port, `${DASHED}.${domain}`)).toBe(serial)
    await until('it is logged', () => states(again).length > 0)
    expect(states(again)).toEqual(['held'])
  })

  it('is renewed before it runs out, without closing what is open', async () => {
    await using folder = await temporaryFolder()
    await using world = await AcmeWorld.open(path.join(folder.dir, 'acme'), 20)
    const data = path.join(folder.dir, 'data')
    await using node = startOn(world, data, ['--announce-ip', IP])
    await node.listening()
    const { autoTls } = await statusWhen(data, 'held')
    const name = `${DASHED}.${autoTls.name?.replace('*.', '') ?? ''}`
    const port = await announcedPort(data, `/dns4/${name}/tcp/`)
    const root = await world.root()
    const first = await serialAt(port, name, root)
    using open = await tlsTo(port, name, root)
    const before = autoTls.validTo
    await until('it was renewed', async () => (await statusOf(data)).autoTls.validTo !== before, 40)
    expect(await serialAt(port, name, root)).not.toBe(first)
    expect(open.socket.readyState).toBe('open')
    expect(world.registrations.length).toBeGreaterThanOrEqual(2)
  })

  describe('of which nothing comes', { concurrent: true }, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let world: AcmeWorld
    beforeAll(async () => {
      folder = await temporaryFolder()
      world = await AcmeWorld.open(path.join(folder.dir, 'acme'), HOUR)
      world.refusal = 'error testing addresses: failed to dial'
    })
    afterAll(async () => {
      await world[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    })

    it('is not asked for while no public address is known', async () => {
      const data = path.join(folder.dir, 'waiting')
      await using node = startOn(world, data)
      await node.listening()
      const { autoTls } = await statusWhen(data, 'waiting')
      expect(autoTls.validTo).toBeUndefined()
      const { stdout } = await new Command(['status', '--data-dir', data]).finished
      expect(stdout).toMatch(/Certificate +waiting for an address that is verified from outside/)
      expect(states(node)).toEqual(['waiting'])
    })

    it('is asked for again later where the forge refuses, and the reason is told', async () => {
      const data = path.join(folder.dir, 'refused')
      await using node = startOn(world, data, ['--announce-ip', IP])
      await node.listening()
      const { autoTls } = await statusWhen(data, 'failed')
      expect(autoTls).toMatchObject({ code: 'forge-refused', detail: `HTTP 400: ${world.refusal}` })
      const wait = Date.parse(autoTls.retryAt ?? '') - Date.now()
      expect(wait).toBeGreaterThan(4 * 60_000)
      expect(wait).toBeLessThan(6 * 60_000)
      const { stdout } = await new Command(['status', '--data-dir', data]).finished
      expect(stdout).toMatch(/Certificate +failed, for \d+ s, tried again at 20/)
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(world.refusal)
    })
  })
})

function startOn(world: AcmeWorld, data: string, flags: readonly string[] = []): Command {
  return startNode(data, [...world.flags, '--tls-port', '0', ...flags], { env: world.env })
}

async function statusOf(data: string): Promise<Status> {
  const access = controlAccess(data)
  if (access === undefined) throw new Error('the node does not answer')
  return createClient({ access, stillRuns: () => Promise.resolve(true) }).call('status')
}

async function statusWhen(data: string, state: Status['autoTls']['state']): Promise<Status> {
  let status = await statusOf(data)
  await until(
    `the certificate is ${state}`,
    async () => (status = await statusOf(data)).autoTls.state === state,
    40
  )
  return status
}

/** The stages that the log tells of. */
function states(node: Command): string[] {
  const start = 'certificate of ws.autoTls '
  return node.lines.filter(({ msg }) => msg.startsWith(start)).map(({ msg }) => msg.slice(start.length))
}

async function announcedPort(data: string, beginning: string): Promise<number> {
  let address: string | undefined
  await until(
    `${beginning}… is announced`,
    async () =>
      (address = (await statusOf(data)).announced.find(
        each => each.startsWith(beginning) && each.includes('/tls/ws/')
      )) !== undefined,
    20
  )
  return Number(address?.slice(beginning.length).split('/')[0])
}

/** Over 127.0.0.1, as that name; only if its certificate holds, where a root is given. */
async function tlsTo(port: number, name: string, root?: string): Promise<{ socket: TLSSocket } & Disposable> {
  const trust = root === undefined ? { rejectUnauthorized: false } : { ca: root }
  const socket = connect({ host: '127.0.0.1', port, servername: name, ...trust })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return { socket, [Symbol.dispose]: () => socket.destroy() }
}

async function serialAt(port: number, name: string, root?: string): Promise<string> {
  using open = await tlsTo(port, name, root)
  return open.socket.getPeerX509Certificate()?.serialNumber ?? ''
}

async function identityAt(port: number, name: string, root: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options = { host: '127.0.0.1', port, servername: name, ca: root, path: '/api/v1/identity' }
  const asked = request({ ...options, headers: { host: name } }, response => {
    response.toArray().then(chunks => resolve(Buffer.concat(chunks as Buffer[]).toString()), reject)
  })
  asked.on('error', reject).end()
  return JSON.parse(await promise)
}

/** By stock js-libp2p, with a DNS in which that name is this machine. Returns who answered. */
async function dialSecurely(port: number, name: string, root: string): Promise<string> {
  const cas = getCACertificates('default')
  const real = dns.lookup
  const lookup = vi.spyOn(dns, 'lookup')
  setDefaultCACertificates([...cas, root])
  lookup.mockImplementation(((host: string, ...rest: [object, () => void]) =>
    (real as (...args: unknown[]) => void)(host === name ? '127.0.0.1' : host, ...rest)) as typeof real)
  try {
    await using client = await createPlainClient()
    const connection = await client.dial(multiaddr(`/dns4/${name}/tcp/${port}/tls/ws`))
    return connection.remotePeer.toString()
  } finally {
    lookup.mockRestore()
    setDefaultCACertificates(cas)
  }
}
