import { readFile, stat, writeFile, chmod } from 'node:fs/promises'
import { request } from 'node:http'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ApiEvent } from '../../app/shared/api.ts'
import { createApp, type TestApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { addressOf } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

interface Control extends TestApp {
  dir: string
  url: string
  token: string
  [Symbol.asyncDispose](): Promise<void>
}

async function start(
  ...[settings, options]: [Parameters<typeof createApp>[1]?, Parameters<typeof createApp>[2]?]
) {
  const folder = await temporaryFolder()
  const test = createApp(folder.dir, settings, options)
  await test.app.start()
  const control: Control = {
    ...test,
    dir: folder.dir,
    url: test.app.controlUrl ?? '',
    token: (await readFile(path.join(folder.dir, 'control.token'), 'utf8')).trim(),
    async [Symbol.asyncDispose]() {
      await test.app.stop()
      await folder[Symbol.asyncDispose]()
    }
  }
  return control
}

interface Answer {
  status: number
  body: string
}

/** fetch hides Host and Origin from us; this sends what it is told. */
function send(
  url: string,
  {
    method = 'POST',
    headers = {},
    body
  }: { method?: string; headers?: Record<string, string>; body?: string } = {}
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }

describe('who may ask', () => {
  it('answers the token, and nothing without it', async () => {
    await using node = await start()
    const url = `${node.url}/api/status`

    expect((await send(url, { headers: bearer(node.token) })).status).toBe(200)
    for (const headers of [{}, bearer('x'.repeat(43)), { authorization: `Basic ${node.token}` }]) {
      const answer = await send(url, { headers })
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.body)).toMatchObject({ ok: false, error: { code: 'not-authorised' } })
    }
    expect((await send(`${node.url}/metrics`, { method: 'GET' })).status).toBe(401)
    expect((await send(`${node.url}/api/events`, { method: 'GET' })).status).toBe(401)
  })

  it('refuses another Host and another Origin, which a web page can send, with the token too', async () => {
    await using node = await start()
    const port = new URL(node.url).port
    const ask = (headers: Record<string, string>): Promise<Answer> =>
      send(`${node.url}/api/status`, { headers: { ...bearer(node.token), ...headers } })

    expect((await ask({ host: `localhost:${port}` })).status).toBe(200)
    expect((await ask({ origin: node.url, host: new URL(node.url).host })).status).toBe(200)
    expect((await ask({ host: `relay.example:${port}` })).status).toBe(401)
    expect((await ask({ origin: 'https://relay.example' })).status).toBe(401)
    expect((await ask({ origin: 'null' })).status).toBe(401)
  })

  it('changes nothing at a GET', async () => {
    await using node = await start()
    const answer = await send(`${node.url}/api/pause`, { method: 'GET', headers: bearer(node.token) })
    expect(answer.status).toBe(404)
    expect(node.app.mode.mode).toBe('open')
  })

  it('keeps its files from others and its token over restarts, and takes its address back', async () => {
    await using folder = await temporaryFolder()
    const { app: first } = createApp(folder.dir)
    await first.start()
    const file = (name: string): string => path.join(folder.dir, name)
    const token = await readFile(file('control.token'), 'utf8')
    for (const name of ['control.token', 'control.json'])
      expect((await stat(file(name))).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file('control.json'), 'utf8'))).toEqual({
      url: first.controlUrl,
      pid: process.pid,
      version: '0.0.0'
    })
    await first.stop()
    await expect(stat(file('control.json'))).rejects.toThrow('ENOENT')

    await chmod(file('control.token'), 0o644)
    const { app: second } = createApp(folder.dir)
    await second.start()
    expect(await readFile(file('control.token'), 'utf8')).toBe(token)
    expect((await stat(file('control.token'))).mode & 0o777).toBe(0o600)
    expect((await second.api.status()).warnings).toEqual([expect.stringContaining('control.token')])
    await second.stop()
  })

  it('makes a new token where the file holds none', async () => {
    await using folder = await temporaryFolder()
    await writeFile(path.join(folder.dir, 'control.token'), '\n')
    const { app } = createApp(folder.dir)
    await app.start()
    expect(await readFile(path.join(folder.dir, 'control.token'), 'utf8')).toMatch(/^[\w-]{43}\n$/)
    await app.stop()
  })

  it('takes another port where its own is in use, unless a flag says which', async () => {
    await using first = await start()
    const taken = Number(new URL(first.url).port)
    await using second = await start({ 'control.port': taken })
    expect((await send(`${second.url}/api/status`, { headers: bearer(second.token) })).status).toBe(200)
    expect((await second.app.api.status()).warnings).toEqual([expect.stringContaining(second.url)])

    await expect(start({}, { flags: ['--control-port', String(taken)] })).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining('--control-port') as string
    })
  })

  it('opens nothing when it is switched off', async () => {
    await using folder = await temporaryFolder()
    const { app } = createApp(folder.dir, { 'control.enabled': false })
    await app.start()
    expect(app.controlUrl).toBeUndefined()
    await expect(stat(path.join(folder.dir, 'control.json'))).rejects.toThrow('ENOENT')
    await app.stop()
  })
})

describe('metrics on an address of their own', () => {
  it('need no token, and there is nothing else', async () => {
    await using node = await start({ 'metrics.listen': '127.0.0.1:0' })
    const { metricsUrls } = await node.app.api.status()
    const [withToken = '', without = ''] = metricsUrls
    const text = (await send(without, { method: 'GET' })).body
    expect(text).toContain('libp2p_relaysvc_status 1')
    const same = await send(withToken, { method: 'GET', headers: bearer(node.token) })
    expect(same.body.split('\n').filter(line => line.startsWith('# HELP'))).toEqual(
      text.split('\n').filter(line => line.startsWith('# HELP'))
    )
    expect((await send(without)).status).toBe(405)
    expect((await send(new URL('/api/status', without).href)).status).toBe(404)
  })

  it('are done without where the address is taken, unless it was asked for by flag', async () => {
    await using first = await start({ 'metrics.listen': '127.0.0.1:0' })
    const taken = new URL((await first.app.api.status()).metricsUrls[1] ?? '').host
    await using second = await start({ 'metrics.listen': taken })
    const { metricsUrls, warnings } = await second.app.api.status()
    expect(metricsUrls).toHaveLength(1)
    expect(warnings).toEqual([expect.stringContaining(taken)])
    await expect(start({}, { flags: ['--metrics-listen', taken] })).rejects.toMatchObject({
      code: 'port-in-use'
    })
  })
})

describe('requests', () => {
  const cases = [
    ['an unknown method', 'fly', '{}', 404, 'unknown-method'],
    ["a name of Object's", 'constructor', '{}', 404, 'unknown-method'],
    ['no JSON', 'status', '{', 400, 'bad-request'],
    ['a field too many', 'status', '{"fast":true}', 400, 'bad-request'],
    ['a field of the wrong type', 'closeCircuit', '{"id":"1"}', 400, 'bad-request'],
    ['a circuit that is not there', 'closeCircuit', '{"id":1}', 404, 'unknown-circuit'],
    ['an unknown setting', 'setSettings', '{"values":{"tcp.prot":1}}', 400, 'unknown-setting'],
    ['a bad value', 'setSettings', '{"values":{"tcp.port":-1}}', 400, 'bad-setting'],
    ['a peer that is none', 'blockPeer', '{"peer":"me"}', 400, 'bad-setting'],
    ['a peer that is not blocked', 'unblockPeer', '{"peer":"me"}', 404, 'unknown-peer'],
    ['a date that is none', 'history', '{"step":"day","from":"yesterday"}', 400, 'bad-request']
  ] as const

  it.each(cases)('answers %s with its code', async (_what, method, body, status, code) => {
    await using node = await start()
    const headers = { ...bearer(node.token), ...json }
    const answer = await send(`${node.url}/api/${method}`, { headers, body })
    expect(JSON.parse(answer.body)).toMatchObject({ ok: false, error: { code } })
    expect(answer.status).toBe(status)
  })

  it('takes no body as an empty request', async () => {
    await using node = await start()
    const answer = await send(`${node.url}/api/resume`, { headers: bearer(node.token) })
    expect(JSON.parse(answer.body)).toEqual({ ok: true, value: { mode: 'open' } })
  })
})

describe('what runs', () => {
  it('tells of reservations, circuits and peers, with their bytes', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    expect(await exchange(stream, 200_000)).toBe(true)

    const [reservation] = await node.app.api.reservations()
    expect(reservation).toMatchObject({
      peer: listener.peerId.toString(),
      ip: '127.0.0.1',
      transport: 'tcp',
      circuits: 1
    })
    expect(reservation?.agent).toContain('js-libp2p')
    expect(Date.parse(reservation?.expiresAt ?? '') - Date.parse(reservation?.since ?? '')).toBeCloseTo(
      3_600_000,
      -3
    )
    const [circuit] = await node.app.api.circuits()
    expect(circuit).toMatchObject({ source: dialer.peerId.toString(), target: listener.peerId.toString() })
    expect(circuit?.bytes.toTarget).toBeGreaterThan(200_000)
    expect(circuit?.bytes.toSource).toBeGreaterThan(200_000)
    expect(circuit?.rate.toTarget).toBeGreaterThan(0)
    const peers = await node.app.api.peers()
    expect(peers).toHaveLength(2)
    expect(peers.find(({ peer }) => peer === dialer.peerId.toString())).toMatchObject({
      reserved: false,
      circuits: 1,
      bytes: { sent: circuit?.bytes.toTarget, received: circuit?.bytes.toSource }
    })
    const status = await node.app.api.status()
    expect(status).toMatchObject({
      circuits: { running: 1, limit: 0 },
      reservations: { held: 1, limit: 0 },
      connections: { peers: 2, byTransport: { tcp: 2 } },
      relayedConnections: 1
    })
  })

  it('closes one circuit and leaves the other', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    await using other = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    const kept = await dialThrough(other, address, listener)
    const id =
      (await node.app.api.circuits()).find(({ source }) => source === dialer.peerId.toString())?.id ?? 0

    expect(await node.app.api.closeCircuit({ id })).toMatchObject({ id })

    await until('the stream ends', () => stream.status !== 'open')
    expect(await exchange(kept, 1000)).toBe(true)
    expect(node.app.figures.counters.circuitEnds).toEqual({ operator: 1 })
  })

  it('ends circuits that a lowered limit leaves outside, within a second, and no others', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    await using other = await createPlainClient()
    const large = await dialThrough(dialer, address, listener)
    const small = await dialThrough(other, address, listener)
    expect(await exchange(large, 400_000)).toBe(true)
    expect(await exchange(small, 1000)).toBe(true)

    const values = { 'relay.circuits.bytesEachWay': '300kB', 'relay.rate.totalBytesPerSecond': '10MB/s' }
    expect((await node.app.api.setSettings({ values })).applied.sort()).toEqual(Object.keys(values).sort())

    await until('the large one ends', () => large.status !== 'open', 1)
    expect(await exchange(small, 100_000)).toBe(true)
    await node.app.api.setSettings({ values: { 'relay.circuits.bytesEachWay': 'unlimited' } })
    expect(await exchange(small, 400_000)).toBe(true)
  })

  it('blocks a peer, also after a restart of the node, until it is unblocked', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    const peer = dialer.peerId.toString()

    expect(await node.app.api.blockPeer({ peer })).toMatchObject({ applied: ['access.deny'], saved: true })

    await until('its stream ends', () => stream.status !== 'open')
    await expect(dialThrough(dialer, address, listener)).rejects.toThrow()
    expect((await node.app.api.refusals())[0]).toMatchObject({
      request: 'connect',
      reason: 'denied',
      setting: 'access.deny'
    })
    expect(await readFile(path.join(node.dir, 'settings.json'), 'utf8')).toContain(peer)
    await node.app.api.unblockPeer({ peer })
    await expect(dialThrough(dialer, address, listener)).resolves.toBeDefined()
  })
})

describe('new work', () => {
  it('is refused while paused, and what runs goes on', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    await using late = await createPlainClient()

    expect(await node.app.api.pause()).toEqual({ mode: 'paused' })

    expect(await exchange(stream, 1000)).toBe(true)
    await expect(dialThrough(late, address, listener)).rejects.toThrow()
    expect(await node.app.api.resume()).toEqual({ mode: 'open' })
    await expect(dialThrough(late, address, listener)).resolves.toBeDefined()
  })

  it('is taken again when a pause ends by itself', async () => {
    await using node = await start()
    const info = await node.app.api.pause({ seconds: 1 })
    expect(Date.parse(info.until ?? '') - Date.now()).toBeLessThanOrEqual(1000)
    await until('it is open', () => node.app.mode.mode === 'open', 5)
  })

  it('stays refused over a restart while the node is paused', async () => {
    await using folder = await temporaryFolder()
    const { app: first } = createApp(folder.dir)
    await first.start()
    await first.api.pause()
    await first.stop()
    const { app: second } = createApp(folder.dir)
    await second.start()
    expect(second.mode).toEqual({ mode: 'paused' })
    await second.api.resume()
    await second.stop()
    const { app: third } = createApp(folder.dir)
    await third.start()
    expect(third.mode).toEqual({ mode: 'open' })
    await third.stop()
  })

  it('is refused while draining, with progress until the circuits have ended', async () => {
    await using node = await start()
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    const modes: unknown[] = []
    node.app.events.listen(({ value }) => modes.push(value), ['mode-changed'])

    const draining = node.app.drain(20)
    await until('progress is told', () => modes.length >= 2)
    expect(modes.at(-1)).toMatchObject({ mode: 'draining', circuitsLeft: 1 })
    expect(await exchange(stream, 1000)).toBe(true)
    await dialer.hangUp(listener.peerId)
    await draining
  })

  it('asks the process to stop when drained over the Api', async () => {
    await using node = await start()
    await node.app.api.drain({ seconds: 7 })
    await node.app.api.drain()
    expect(node.stopRequests).toEqual([7, 30])
  })
})

describe('events', () => {
  /** Reads Server-Sent Events until `enough` of them came. */
  async function read(node: Control, query: string, enough: number, lastId?: string): Promise<string[]> {
    const end = new AbortController()
    const headers = { ...bearer(node.token), ...(lastId !== undefined && { 'last-event-id': lastId }) }
    const response = await fetch(`${node.url}/api/events${query}`, { headers, signal: end.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    let text = ''
    for await (const part of response.body ?? []) {
      text += Buffer.from(part as Uint8Array).toString()
      if (text.split('\nevent: ').length > enough) break
    }
    end.abort()
    return text.split('\n\n').filter(block => block.includes('event: '))
  }
  const idOf = (block = ''): string => /^id: (.*)$/m.exec(block)?.[1] ?? ''

  it('come with ids, and those that were missed come again', async () => {
    await using node = await start()
    const first = read(node, '?names=mode-changed', 1)
    await sleep(200)
    await node.app.api.pause()
    const [paused] = await first
    await node.app.api.resume()
    await node.app.api.pause()

    const missed = await read(node, '?names=mode-changed', 2, idOf(paused))

    expect(missed.map(block => /"mode":"(\w+)"/.exec(block)?.[1])).toEqual(['open', 'paused'])
    const numbers = [idOf(paused), ...missed.map(idOf)].map(id => Number(id.split('.')[1]))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    const newest = (await node.app.api.status()).eventId
    expect(numbers.at(-1)).toBeLessThanOrEqual(Number(newest.split('.')[1]))
  })

  it('say so when what was missed is not known any more, or belongs to another run', async () => {
    await using node = await start()
    for (const id of [
      '00000000.3',
      'nonsense',
      `${(await node.app.api.status()).eventId.split('.')[0]}.99`
    ]) {
      const [event] = await read(node, '?names=mode-changed', 1, id)
      expect(event).toContain('event: missed-events')
    }
  })

  it("carry no one else's IP address", async () => {
    await using node = await start()
    const seen: ApiEvent[] = []
    // Those of the node itself are its own.
    node.app.events.listen(event => event.name !== 'address-changed' && seen.push(event))
    const address = addressOf(node.app.addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    await dialThrough(dialer, address, listener)
    expect(seen.map(({ name }) => name)).toContain('circuit-accepted')
    expect(JSON.stringify(seen)).not.toContain('127.0.0.1')
  })
})
