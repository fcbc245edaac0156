import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { createApp } from '../support/app.ts'
import { temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'

async function start() {
  const folder = await temporaryFolder()
  const { app } = createApp(folder.dir)
  await app.start()
  const token = (await readFile(path.join(folder.dir, 'control.token'), 'utf8')).trim()
  const authorization = `Bearer ${token}`
  return {
    app,
    get: (url: string) => fetch(new URL(url, app.controlUrl), { headers: { authorization } }),
    post: (method: string, body: string) =>
      fetch(new URL(`/api/${method}`, app.controlUrl), {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body
      }),
    async [Symbol.asyncDispose]() {
      await app.stop()
      await folder[Symbol.asyncDispose]()
    }
  }
}

it('takes names of events that are given one by one', async () => {
  await using node = await start()
  const response = await node.get('/api/events?names=tick&names=log')
  expect(response.headers.get('content-type')).toMatch('text/event-stream')
  await response.body?.cancel()
})

it('answers commands however many listen to events, and listeners again when one has gone', async () => {
  await using node = await start()
  const open = Array.from({ length: 200 }, () => node.get('/api/events?names=tick'))
  const responses = await Promise.all(open)
  const listening = responses.filter(({ status }) => status === 200)
  expect(listening).toHaveLength(128)
  const refused = responses.find(({ status }) => status === 429)
  expect(await refused?.json()).toMatchObject({ error: { code: 'too-many-listeners' } })
  expect((await node.post('status', '{}')).status).toBe(200)

  await listening[0]?.body?.cancel()
  await until('there is room', async () => {
    const response = await node.get('/api/events?names=tick')
    await response.body?.cancel()
    return response.status === 200
  })
  for (const { body } of listening.slice(1)) await body?.cancel()
})

it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('knows no setting %s', async name => {
  await using node = await start()
  const response = await node.post('setSettings', `{"values":{"${name}":{"prototype":{"polluted":1}}}}`)
  expect(response.status).toBe(400)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

it.each(['__proto__', 'constructor', 'toString'])('has no method %s', async method => {
  await using node = await start()
  expect((await node.post(method, '{}')).status).toBe(404)
})

it('answers a path that cannot be decoded as it answers all others', async () => {
  await using node = await start()
  const response = await node.get('/%')
  expect(response.status).toBe(400)
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await response.json()).toMatchObject({ ok: false, error: { code: 'bad-request' } })
})
