import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCommand } from '../../app/main/cli/operate/command-table.ts'
import { runOperate } from '../../app/main/cli/operate/run.ts'
import type {
  CircuitInfo,
  DataExport,
  NetworkInfo,
  Networks,
  PeerInfo,
  PeriodStats,
  SettingsInfo,
  Status
} from '../../app/shared/api.ts'
import { shortPeerId } from '../../app/shared/format.ts'
import { connect, createListener, createPlainClient, dialThrough, type Client } from '../support/clients.ts'
import { Command, startNode, temporaryFolder, type Finished } from '../support/command.ts'
import { sleep } from '../support/until.ts'

/** One node for all of them: each command is tried on it from outside, as a person does. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: Command
let listener: Client
let dialer: Client
let token = ''
/** All that any command wrote. */
let written = ''

async function waystation(...args: string[]): Promise<Finished> {
  const finished = await new Command([...args, '--data-dir', folder.dir]).finished
  written += finished.stdout + finished.stderr
  return finished
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await waystation(...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as T
}

/** As on a terminal of 80 columns. */
async function onTerminal(name: string): Promise<string[]> {
  const command = findCommand(name)
  if (command === undefined) throw new Error(`no command ${name}`)
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  const shown = text(stdout)
  const io = { stdout, stderr: new PassThrough(), env: {} }
  const code = await runOperate(command, [name, '--data-dir', folder.dir], io, { now: Date.now, sleep })
  stdout.end()
  expect(code).toBe(0)
  return (await shown).trimEnd().split('\n')
}

beforeAll(async () => {
  folder = await temporaryFolder()
  node = startNode(folder.dir)
  const { addresses } = await node.listening()
  const address = addresses.find(each => /\/tcp\/\d+\/p2p/.test(each)) ?? ''
  token = (await readFile(path.join(folder.dir, 'control.token'), 'utf8')).trim()
  listener = await createListener(address)
  dialer = await createPlainClient()
  await dialThrough(dialer, address, listener)
  const stranger = await createPlainClient()
  await connect(await dialer.dial(multiaddr(address)), stranger)
  await stranger[Symbol.asyncDispose]()
})

afterAll(async () => {
  await dialer?.[Symbol.asyncDispose]()
  await listener?.[Symbol.asyncDispose]()
  await node?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

describe('what commands show', () => {
  it('status: the node, as a page and as JSON', async () => {
    const { stdout } = await waystation('status')
    const status = await json<Status>('status')

    for (const words of [status.peerId, 'open: takes new work', '1 of 1024', '1 of 512', 'Port mapping']) {
      expect(stdout).toContain(words)
    }
    expect(status.circuits).toEqual({ running: 1, limit: 512 })
  })

  it('reservations, circuits and peers: with whole ids where it is no terminal', async () => {
    const ids = [listener.peerId.toString(), dialer.peerId.toString()]

    const reservations = (await waystation('reservations')).stdout
    const circuits = (await waystation('circuits')).stdout
    const peers = (await waystation('peers')).stdout

    expect(reservations).toContain(ids[0])
    for (const id of ids) expect([circuits.includes(id), peers.includes(id)]).toEqual([true, true])
  })

  it('the same on a terminal of 80 columns: nothing wider, ids by their ends', async () => {
    for (const name of [
      'status',
      'reservations',
      'circuits',
      'peers',
      'refusals',
      'stats',
      'history',
      'storage'
    ]) {
      const lines = await onTerminal(name)
      expect(lines.filter(line => line.length > 80)).toEqual([])
    }
    expect((await onTerminal('peers')).join('\n')).toContain(shortPeerId(dialer.peerId.toString()))
  })

  it('refusals: with their reason', async () => {
    expect((await waystation('refusals')).stdout).toMatch(/1 +connect +no-reservation +none/)
  })

  it('the same with flags before the command', async () => {
    expect((await waystation('--full', '--json', 'circuits')).stdout).toContain(dialer.peerId.toString())
  })

  it('settings: those that begin so', async () => {
    const { stdout } = await waystation('settings', 'relay.circuits')
    const { settings } = await json<SettingsInfo>('settings', 'relay.circuits', 'upnp')

    expect(stdout).toMatch(/relay\.circuits\.total +512 +default/)
    expect(stdout).not.toContain('relay.reservations')
    expect(settings.filter(({ key }) => key !== 'upnp' && !key.startsWith('relay.circuits.'))).toEqual([])
    expect(settings.length).toBeGreaterThan(3)
  })

  it.each(['stats', 'history', 'metrics', 'refusals'])('%s: as JSON, and for people', async name => {
    expect(await json<unknown>(name)).toBeDefined()
    expect((await waystation(name)).code).toBe(0)
  })

  it('stats since a time: as a page, as JSON and as CSV', async () => {
    const page = (await waystation('stats', '--since', '30d')).stdout
    const { amounts, records, step } = await json<PeriodStats>('stats', '--since', '2026-01-01')
    const csv = (await waystation('stats', '--since', '1h', '--csv')).stdout.trimEnd().split('\n')

    expect(page).toMatch(/^SINCE \d{4}-\d\d-\d\d/)
    expect([step, amounts.circuits, records.length > 0]).toEqual(['day', 1, true])
    expect(csv[0]).toMatch(/^at,relayed_to_target_bytes,/)
    expect(csv.length).toBeGreaterThan(1)
    expect((await waystation('history', '--csv')).stdout.split('\n')[0]).toBe(csv[0])
  })

  it('storage: what is kept, and all of it in a new file', async () => {
    const file = path.join(folder.dir, 'export.json')
    const list = (await waystation('storage')).stdout
    const made = await waystation('storage', 'export', file)
    const again = await waystation('storage', 'export', file)
    const { format, history } = JSON.parse(await readFile(file, 'utf8')) as DataExport
    const shown = JSON.parse((await waystation('storage', 'export')).stdout) as DataExport

    expect(list).toMatch(/identity\.key +identity/)
    expect(list).toContain('\n    bytes the node sent\n')
    expect([made.code, again.code]).toEqual([0, 1])
    expect([format, history.totals.ever.circuits]).toEqual(['waystation-data', 1])
    expect(Object.keys(shown)).toEqual(Object.keys(JSON.parse(await readFile(file, 'utf8')) as object))
    await rm(file)
  })

  it('logs: the newest lines, one JSON object each where that is asked for', async () => {
    const shown = (await waystation('logs', '-n', '2')).stdout.trimEnd().split('\n')
    const objects = (await waystation('logs', '--lines', '2', '--json')).stdout.trimEnd().split('\n')

    expect(shown.length).toBe(2)
    expect(shown[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (info|warn) /)
    for (const line of objects) expect(JSON.parse(line)).toHaveProperty('message')
    expect(objects.length).toBe(2)
  })
})

describe('what commands change', () => {
  it('set and reset: applied, and in the settings file', async () => {
    const file = path.join(folder.dir, 'settings.json')

    const set = await waystation(
      'set',
      'relay.reservations.total=256',
      'relay.rate.totalBytesPerSecond=10Mbit/s'
    )
    const saved = JSON.parse(await readFile(file, 'utf8')) as object
    const limit = (await json<Status>('status')).reservations.limit
    const reset = await waystation('reset', 'relay.reservations.total', 'relay.rate.totalBytesPerSecond')

    expect(set).toMatchObject({
      code: 0,
      stdout: 'Applied: relay.reservations.total, relay.rate.totalBytesPerSecond.\n'
    })
    expect(saved).toMatchObject({
      relay: { reservations: { total: 256 }, rate: { totalBytesPerSecond: 1_250_000 } }
    })
    expect(limit).toBe(256)
    expect(reset.code).toBe(0)
    expect((await json<Status>('status')).reservations.limit).toBe(1024)
  })

  it('set: says what waits for a restart, and settings shows it', async () => {
    const { stdout } = await waystation('set', 'dht.queryTimeoutSeconds=30s')
    expect(stdout).toContain('Applies after a restart: dht.queryTimeoutSeconds.')
    expect((await waystation('settings', 'dht')).stdout).toMatch(/30 s +file, after a restart/)
    await waystation('reset', 'dht.queryTimeoutSeconds')
  })

  it('set: changes nothing where one value cannot be', async () => {
    const { code, stderr } = await waystation('set', 'relay.circuits.total=7', 'relay.circuits.perPeer=lots')

    expect(code).toBe(4)
    expect(stderr).toContain('relay.circuits.perPeer cannot be "lots"')
    expect((await json<Status>('status')).circuits.limit).toBe(512)
  })

  it('reload: takes over what was written into the file, or says what is wrong with it', async () => {
    const file = path.join(folder.dir, 'settings.json')
    const before = await readFile(file, 'utf8')
    await writeFile(file, '{ "version": 1, "relay": { "circuits": { "total": 99 } } }')

    const good = await waystation('reload')
    await writeFile(file, '{ "version": 1, ')
    const bad = await waystation('reload')
    await writeFile(file, before)

    expect(good.stdout).toContain('Applied: relay.circuits.total.')
    expect(bad).toMatchObject({ code: 4, stdout: '' })
    expect(bad.stderr).toContain('settings.json')
    expect((await waystation('reload')).code).toBe(0)
  })

  it('pause and resume', async () => {
    const paused = await waystation('pause', '--for', '1h')
    const mode = (await waystation('status')).stdout
    const resumed = await waystation('resume')

    expect(paused.stdout).toMatch(/paused: takes no new work, until \d{4}.* in (1 h|59 min)/)
    expect(mode).toMatch(/Mode +paused/)
    expect(resumed.stdout).toBe('The node is open: takes new work.\n')
  })

  it('limit: by what the table shows, and off again', async () => {
    const id = dialer.peerId.toString()
    const rateOf = async (): Promise<number | undefined> =>
      (await json<PeerInfo[]>('peers')).find(({ peer }) => peer === id)?.limitBytesPerSecond

    const limited = await waystation('limit', shortPeerId(id), '--rate', '50kB/s')
    const rate = await rateOf()
    const off = await waystation('limit', id.slice(-6), '--rate', 'off')

    expect(limited.stdout).toBe(`${id} has 50 kB/s in each direction.\n`)
    expect(rate).toBe(50_000)
    expect(off.code).toBe(0)
    expect(await rateOf()).toBeUndefined()
  })

  it('close: ends that circuit; block: the reservation of that peer', async () => {
    const id = listener.peerId.toString()
    const [circuit] = await json<CircuitInfo[]>('circuits')

    const closed = await waystation('close', String(circuit?.id))
    const blocked = await waystation('block', id.slice(-8))
    const reservations = await waystation('reservations')
    const unblocked = await waystation('unblock', id.slice(-8))

    expect(closed.stdout).toContain(`Closed circuit ${circuit?.id}`)
    expect(await json<CircuitInfo[]>('circuits')).toEqual([])
    expect(blocked.stdout).toBe(`${id} may neither reserve nor connect.\n`)
    expect(reservations.stdout).toBe('No peer holds a reservation now.\n')
    expect(unblocked.stdout).toBe(`${id} is no longer blocked.\n`)
  })
})

describe('what is refused', () => {
  it.each([
    { args: ['sttaus'], code: 2, says: 'Did you mean status?' },
    { args: ['help', 'sttaus'], code: 2, says: 'Did you mean status?' },
    { args: ['status', '--port', '5'], code: 2, says: 'waystation set tcp.port=5' },
    { args: ['set', 'relay.circuits.total'], code: 2, says: 'no KEY=VALUE' },
    { args: ['set', 'upnp=on', 'upnp=off'], code: 2, says: 'given twice' },
    { args: ['reset', 'upnp=on'], code: 2, says: 'keys alone' },
    { args: ['pause', '--for', 'long'], code: 2, says: '90s, 30min or 1h' },
    { args: ['pause', '--for', '0'], code: 2, says: '--for 0' },
    { args: ['pause', '--for', '400d'], code: 2, says: '366 d is the most' },
    { args: ['drain', '--timeout', '2d'], code: 2, says: '1 d is the most' },
    { args: ['--wiat', 'drain'], code: 2, says: 'Did you mean --wait?' },
    { args: ['limit', 'w7Xb2q'], code: 2, says: '--rate RATE' },
    { args: ['limit', 'w7Xb2q', '--rate', '50kb/s'], code: 2, says: '50kB/s' },
    { args: ['limit', 'w7Xb2q', '--rate', '0'], code: 2, says: '--rate off' },
    { args: ['close', 'seven'], code: 2, says: '"seven"' },
    { args: ['logs', '--lines', 'all'], code: 2, says: '"all"' },
    { args: ['stats', '--since', 'noon'], code: 2, says: '30d or 12h' },
    { args: ['stats', '--csv'], code: 2, says: '--since' },
    { args: ['storage', 'delete'], code: 2, says: '--yes' },
    { args: ['storage', 'show'], code: 2, says: 'storage does not know' },
    { args: ['history', '--step', 'week'], code: 2, says: 'minute, hour or day' },
    { args: ['events', 'circuit-acepted'], code: 2, says: 'Did you mean circuit-accepted?' },
    { args: ['set', 'relay.circuit.total=5'], code: 4, says: 'Did you mean relay.circuits.total?' },
    { args: ['set', 'tcp.port=5'], code: 4, says: 'flag --port' },
    { args: ['settings', 'relay.circuit'], code: 4, says: 'waystation settings' },
    { args: ['close', '999999'], code: 4, says: 'no circuit 999999' },
    { args: ['block', 'nobody'], code: 4, says: 'peers --full' },
    { args: ['block', '203.0.113.0/99'], code: 4, says: 'access.deny' },
    { args: ['unblock', '203.0.113.9'], code: 4, says: 'not blocked' }
  ])('$args: exit code $code, on stderr', async ({ args, code, says }) => {
    const finished = await waystation(...args)

    expect(finished).toMatchObject({ code, stdout: '' })
    expect(finished.stderr).toContain(says)
    expect(finished.stderr).toMatch(/^waystation: [^\n]+\n$/)
  })

  it('all where no node runs: exit code 3, with the folder', async () => {
    await using empty = await temporaryFolder()

    const { code, stdout, stderr } = await new Command(['status'], {
      env: { WAYSTATION_DATA_DIR: empty.dir }
    }).finished

    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    for (const words of [empty.dir, 'npm run relay', '--data-dir']) expect(stderr).toContain(words)
  })
})

it('joins, shows and leaves networks', async () => {
  const file = path.join(folder.dir, 'chat.json')
  await writeFile(
    file,
    JSON.stringify({ name: 'Chat', dht: '/chat/kad/1.0.0', namespaces: ['/chat/relays'] })
  )
  const added = await waystation('networks', 'add', file, '--share', '50%', '--allow', '192.0.2.0/24')
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('The node joins Chat') as string })
  expect(added.stderr).toContain('relay.rate.totalBytesPerSecond')
  const { networks } = await json<Networks>('networks')
  expect(networks.map(({ name }) => name)).toEqual(['/ipfs/kad/1.0.0', 'Chat'])
  expect(await json<NetworkInfo>('networks', 'show', 'chat')).toMatchObject({
    ...{ name: 'Chat', dht: '/chat/kad/1.0.0', own: false, state: 'alone', dhtSize: 0 },
    ...{ sharePercent: 50, allow: ['192.0.2.0/24'], recordsProvided: 0 },
    namespaces: [{ namespace: '/chat/relays' }]
  })
  expect((await waystation('networks', 'remove', 'Chat')).code).toBe(0)
  expect(await waystation('networks', 'remove', 'Chat')).toMatchObject({ code: 4 })
  expect(await waystation('networks', 'add', '--name', 'a', '--dht', 'chat')).toMatchObject({ code: 4 })
})

it('prints help of a command, without a node', async () => {
  const [long, short] = await Promise.all([
    new Command(['help', 'set']).finished,
    new Command(['set', '--help']).finished
  ])

  expect(long).toMatchObject({ code: 0, stderr: '' })
  expect(long.stdout).toContain('waystation set relay.reservations.total=256')
  expect(short).toEqual(long)
})

it('prints the token nowhere', () => {
  expect(written.length).toBeGreaterThan(1000)
  expect(written).not.toContain(token)
})
