import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectControl } from '../../app/main/control-folder.ts'
import { openDataFolder } from '../../app/main/data-folder.ts'
import type { ApiEvent } from '../../app/shared/api.ts'
import { AppError } from '../../app/shared/errors.ts'
import { startNode, temporaryFolder } from '../support/command.ts'

/** The error a promise ends with. */
async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    value => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (reason: unknown) => reason
  )
  if (error instanceof AppError) return error
  throw error
}

/** A data folder that this process holds, as if it were its node: with a control file that says `url`. */
async function heldFolder(url?: string) {
  const temporary = await temporaryFolder()
  const folder = await openDataFolder(temporary.dir)
  await folder.lock()
  const { dir } = temporary
  const serve = async (at: string): Promise<void> => {
    await writeFile(path.join(dir, 'control.token'), 'secret\n')
    const content = { url: at, pid: process.pid, version: '9.9.9' }
    await writeFile(path.join(dir, 'control.json'), JSON.stringify(content))
  }
  if (url !== undefined) await serve(url)
  return {
    dir,
    serve,
    async [Symbol.asyncDispose]() {
      await folder.unlock()
      await temporary[Symbol.asyncDispose]()
    }
  }
}

/** A server that is no node. */
async function stranger(server: Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    }
  }
}

describe('the client of a running node', () => {
  it('calls the methods of its Api', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    const { peerId } = await node.listening()

    const client = await connectControl(folder.dir)

    expect(client.pid).toBe(node.pid)
    expect((await client.call('status')).peerId).toBe(peerId)
    expect(await client.call('circuits', {})).toEqual([])
    expect((await client.call('logs', { lines: 2 })).length).toBe(2)
    expect((await client.call('pause', { seconds: 60 })).mode).toBe('paused')
    expect((await client.call('resume')).mode).toBe('open')
  })

  it("throws the node's own errors, with the setting to blame", async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const client = await connectControl(folder.dir)

    const call = client.call('setSettings', { values: { 'relay.circuits.total': 'lots' } })

    await expect(call).rejects.toMatchObject({
      code: 'bad-setting',
      details: { field: 'relay.circuits.total' }
    })
  })

  it('gets the events after one that it knows, and then those that come', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const client = await connectControl(folder.dir)
    const { eventId } = await client.call('status')
    await client.call('pause')

    const stream = await client.events({ names: ['mode-changed'], lastId: eventId })
    await client.call('resume')
    const got: ApiEvent[] = []
    for await (const event of stream) if (got.push(event) === 2) break

    expect(got.map(({ value }) => value)).toEqual([{ mode: 'paused' }, { mode: 'open' }])
    expect(stream.lastId).toBe(got[1]?.id)
  })

  it('ends the events when the node stops, and finds none any more', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const client = await connectControl(folder.dir)
    const stream = await client.events({ names: ['peer-connected'] })

    await node.kill('SIGKILL')
    const got: ApiEvent[] = []
    for await (const event of stream) got.push(event)

    expect(got).toEqual([])
    expect((await errorOf(client.call('status'))).code).toBe('not-running')
    // The killed node has left its control file behind.
    expect(await readFile(path.join(folder.dir, 'control.json'), 'utf8')).toContain(String(node.pid))
    expect((await errorOf(connectControl(folder.dir))).code).toBe('not-running')
  })

  it('says that a node hangs', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const client = await connectControl(folder.dir, { timeoutMs: 300 })
    node.child.kill('SIGSTOP')

    const { code, message } = await errorOf(client.call('status'))

    expect(code).toBe('control-unreachable')
    expect(message).toMatch(new RegExp(`pid ${node.pid}.*did not answer within 0\\.3 s`))
  })

  it('says that its token is not the one of the node', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const file = path.join(folder.dir, 'control.token')
    const token = (await readFile(file, 'utf8')).trim()
    await writeFile(file, `${'x'.repeat(43)}\n`)
    const client = await connectControl(folder.dir)

    for (const attempt of [() => client.call('status'), () => client.events()]) {
      const { code, message } = await errorOf(attempt())
      expect(code).toBe('not-authorised')
      expect(message).toMatch(/refuses the token.*Restart the node/)
      expect(message).not.toContain(token)
      expect(message).not.toContain('xxxx')
    }
  })

  it('says that a node serves no control API', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir, ['--no-control-enabled'])
    await node.listening()

    const { code, message } = await errorOf(connectControl(folder.dir, { startMs: 0 }))

    expect(code).toBe('control-unreachable')
    expect(message).toContain('--control-enabled')
  })
})

describe('the client of a folder', () => {
  it.each(['', 'nothing/here'])(
    'without a node says where it looked and how to start one: "%s"',
    async below => {
      await using folder = await temporaryFolder()
      const dir = path.join(folder.dir, below)

      const { code, message } = await errorOf(connectControl(dir))

      expect(code).toBe('not-running')
      for (const words of [dir, 'npm run relay', '--data-dir']) expect(message).toContain(words)
    }
  )

  it('waits for a node that is starting', async () => {
    await using folder = await heldFolder()
    let looks = 0

    const client = await connectControl(folder.dir, {
      sleep: async () => {
        looks++
        if (looks === 3) await folder.serve('http://127.0.0.1:1')
      }
    })

    expect(looks).toBe(3)
    expect(client).toMatchObject({ pid: process.pid, version: '9.9.9', url: 'http://127.0.0.1:1' })
  })

  it.each([
    'http://192.0.2.1:80',
    'http://127.0.0.1.example.org:80',
    'https://127.0.0.1:80',
    'http://x@127.0.0.1:80'
  ])('takes its token nowhere else: %s', async url => {
    await using folder = await heldFolder(url)

    expect((await errorOf(connectControl(folder.dir))).code).toBe('control-unreachable')
  })

  it('says that nothing answers where a node should', async () => {
    const free = await stranger(createServer())
    await free[Symbol.asyncDispose]()
    await using folder = await heldFolder(free.url)
    const client = await connectControl(folder.dir)

    const { code, message } = await errorOf(client.call('status'))

    expect(code).toBe('control-unreachable')
    expect(message).toContain(`${free.url} cannot be reached`)
  })

  it.each([
    ['a page', () => createHttpServer((_, response) => response.end('<html>'))],
    ['other JSON', () => createHttpServer((_, response) => response.end('{"status":"ok"}'))],
    ['null', () => createHttpServer((_, response) => response.end('null'))],
    ['an error page', () => createHttpServer((_, response) => response.writeHead(404).end('gone'))],
    [
      'another protocol',
      () =>
        createServer(socket =>
          socket
            .on('error', () => {})
            .resume()
            .end('SSH-2.0-OpenSSH_9.6\r\n')
        )
    ]
  ])('says that something else answers: %s', async (_, server) => {
    await using other = await stranger(server())
    await using folder = await heldFolder(other.url)
    const client = await connectControl(folder.dir)

    for (const attempt of [() => client.call('status'), () => client.events()]) {
      const { code, message } = await errorOf(attempt())
      expect(code).toBe('control-unreachable')
      expect(message).toContain('Something other than a Waystation node answers')
    }
  })

  it('ends events that have gone silent', async () => {
    const server = createHttpServer((_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write('id: r.1\nevent: tick\ndata: {"at":"x","value":1}\n\n')
    })
    await using other = await stranger(server)
    await using folder = await heldFolder(other.url)
    const client = await connectControl(folder.dir, { silenceMs: 100 })

    const stream = await client.events()
    const got: ApiEvent[] = []
    for await (const event of stream) got.push(event)

    expect(got).toEqual([{ id: 'r.1', name: 'tick', at: 'x', value: 1 }])
    expect(stream.lastId).toBe('r.1')
  })
})
