import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  PAGES,
  postJson,
  send,
  startDashboard,
  writePages,
  type TestDashboard
} from '../support/dashboard.ts'
import { temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'

let node: TestDashboard
beforeAll(async () => {
  node = await startDashboard()
})
afterAll(() => node[Symbol.asyncDispose]())

const asBrowser = { accept: 'text/html,application/xhtml+xml;q=0.9' }
const codeOf = ({ url }: { url: string }): string => url.split('#')[1] ?? ''
const errorCode = ({ body }: { body: string }): string =>
  (JSON.parse(body) as { error: { code: string } }).error.code

describe('without a session', () => {
  it.each(['/', '/assets/index-aaaa.js', '/metrics', '/api/events', '/anything'])(
    '%s is refused',
    async path => {
      const { status, body } = await send(node.url + path)
      expect(status).toBe(401)
      expect(body).not.toContain(PAGES['index.html'])
      expect(errorCode({ body })).toBe('not-authorised')
    }
  )

  it.each([
    ['/open', PAGES['open.html'], 'text/html; charset=utf-8'],
    ['/assets/open-bbbb.js', PAGES['assets/open-bbbb.js'], 'text/javascript; charset=utf-8'],
    ['/assets/shared-cccc.js', PAGES['assets/shared-cccc.js'], 'text/javascript; charset=utf-8'],
    ['/icon.svg', PAGES['icon.svg'], 'image/svg+xml; charset=utf-8']
  ])('%s is answered: it is the sign-in page, or a part of it', async (path, text, type) => {
    const { status, headers, body } = await send(node.url + path)
    expect({ status, body, type: headers['content-type'] }).toEqual({ status: 200, body: text, type })
  })

  it('a person is told which command to run, in English or German', async () => {
    const english = await send(node.url, { headers: asBrowser })
    expect(english.status).toBe(401)
    expect(english.body).toContain('<code>waystation dashboard</code>')
    expect(english.body).toContain('<html lang="en">')
    const german = await send(node.url, {
      headers: { ...asBrowser, 'accept-language': 'de-AT,de;q=0.9,en;q=0.8' }
    })
    expect(german.body).toContain('<html lang="de">')
    const french = await send(node.url, { headers: { ...asBrowser, 'accept-language': 'fr' } })
    expect(french.body).toBe(english.body)
  })

  it('no method can be called', async () => {
    expect((await postJson(`${node.url}/api/status`, {})).status).toBe(401)
    expect((await postJson(`${node.url}/api/openDashboard`, {})).status).toBe(401)
    expect((await postJson(`${node.url}/session/end`, {})).status).toBe(401)
  })
})

describe('a one-time link', () => {
  it('has its secret behind the #, and lasts five minutes', async () => {
    const { url, expiresAt, built } = await node.link()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open#[\w-]{22}$/)
    expect(new URL(url).origin).toBe(node.url)
    const minutes = (Date.parse(expiresAt) - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(4.9)
    expect(minutes).toBeLessThanOrEqual(5)
    expect(built).toBe(true)
  })

  it('opens the dashboard once', async () => {
    const code = codeOf(await node.link())
    const first = await postJson(`${node.url}/session`, { code })
    expect(first.status).toBe(200)
    const again = await postJson(`${node.url}/session`, { code })
    expect(again.status).toBe(401)
    expect(errorCode(again)).toBe('link-unusable')
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  it('is not used up by a wrong code', async () => {
    const code = codeOf(await node.link())
    expect((await postJson(`${node.url}/session`, { code: `${code}x` })).status).toBe(401)
    expect((await postJson(`${node.url}/session`, { code })).status).toBe(200)
  })

  it('is not made for a browser that is signed in', async () => {
    const { headers } = await node.signIn()
    expect((await postJson(`${node.url}/api/openDashboard`, {}, { headers })).status).toBe(401)
  })

  it.each([[{}], [{ code: 7 }], [{ code: '' }], [{ code: 'x'.repeat(65) }], [[]], [null]])(
    'cannot be %j',
    async body => {
      const answer = await postJson(`${node.url}/session`, body)
      expect(answer.status).toBe(401)
    }
  )

  it('cannot be guessed for long', async () => {
    await using other = await startDashboard()
    const statuses: number[] = []
    for (let i = 0; i < 25; i++)
      statuses.push((await postJson(`${other.url}/session`, { code: `${i}` })).status)
    expect(statuses.filter(status => status === 401)).toHaveLength(20)
    expect(statuses.slice(20)).toEqual([429, 429, 429, 429, 429])
    const late = await postJson(`${other.url}/session`, { code: codeOf(await other.link()) })
    expect(errorCode(late)).toBe('too-many-attempts')
    expect(late.headers['retry-after']).toBe('60')
  })
})

describe('a session', () => {
  it('is a cookie for this host alone and a key', async () => {
    const answer = await postJson(`${node.url}/session`, { code: codeOf(await node.link()) })
    const [cookie = ''] = answer.headers['set-cookie'] ?? []
    const port = new URL(node.url).port
    expect(cookie).toMatch(
      new RegExp(`^waystation-${port}=[\\w.-]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000$`)
    )
    const { value } = JSON.parse(answer.body) as { value: { key: string; expiresAt: string } }
    expect(cookie).not.toContain(value.key)
    expect(Date.parse(value.expiresAt) - Date.now()).toBeCloseTo(30 * 86_400_000, -4)
  })

  it('is named by the port that the browser sees, so that two tunnels do not disturb each other', async () => {
    const code = codeOf(await node.link())
    const headers = { host: '127.0.0.1:5999', origin: 'http://127.0.0.1:5999' }
    const answer = await postJson(`${node.url}/session`, { code }, { headers })
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^waystation-5999=/)
  })

  it('calls methods and hears events', async () => {
    const { headers } = await node.signIn()
    const status = await postJson(`${node.url}/api/status`, {}, { headers })
    expect(JSON.parse(status.body)).toMatchObject({ ok: true, value: { peerId: node.app.peerId } })
    const controller = new AbortController()
    const events = await fetch(`${node.url}/api/events`, { headers, signal: controller.signal })
    expect(events.headers.get('content-type')).toContain('text/event-stream')
    controller.abort()
  })

  it('gets pages by its cookie alone', async () => {
    const { cookie } = await node.signIn()
    const page = await send(node.url, { headers: { cookie } })
    expect({ status: page.status, body: page.body }).toEqual({ status: 200, body: PAGES['index.html'] })
    expect((await send(`${node.url}/assets/index-aaaa.js`, { headers: { cookie } })).status).toBe(200)
  })

  it('can do nothing with its cookie alone, which other ports of this machine get to see', async () => {
    const { cookie } = await node.signIn()
    const asked = await Promise.all([
      postJson(`${node.url}/api/status`, {}, { headers: { cookie } }),
      postJson(`${node.url}/session/end`, {}, { headers: { cookie } }),
      send(`${node.url}/api/events`, { headers: { cookie } }),
      send(`${node.url}/metrics`, { headers: { cookie } })
    ])
    expect(asked.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  })

  it('can do nothing with its key alone', async () => {
    const { key } = await node.signIn()
    const headers = { 'x-waystation-key': key }
    expect((await postJson(`${node.url}/api/status`, {}, { headers })).status).toBe(401)
    expect((await send(node.url, { headers })).status).toBe(401)
  })

  it('takes no key of another session', async () => {
    const [one, other] = [await node.signIn(), await node.signIn()]
    const headers = { cookie: one.cookie, 'x-waystation-key': other.key }
    expect((await postJson(`${node.url}/api/status`, {}, { headers })).status).toBe(401)
  })

  it.each([
    ['another id', (value: string) => value.replace(/^./, first => (first === 'A' ? 'B' : 'A'))],
    ['a later end', (value: string) => value.replace(/\.(\d+)\./, (_, end) => `.${Number(end) + 1}.`)],
    ['another signature', (value: string) => value.slice(0, -2) + (value.endsWith('AA') ? 'BB' : 'AA')],
    ['no signature', (value: string) => value.replace(/[^.]+$/, '')],
    ['nothing', () => '']
  ])('cannot be forged: %s', async (_, forge) => {
    const { cookie, key } = await node.signIn()
    const [name = '', value = ''] = cookie.split('=')
    const headers = { cookie: `${name}=${forge(value)}`, 'x-waystation-key': key }
    expect((await postJson(`${node.url}/api/status`, {}, { headers })).status).toBe(401)
    expect((await send(node.url, { headers })).status).toBe(401)
  })

  it('is found beside the cookies that others have set for this host', async () => {
    const { cookie, key } = await node.signIn()
    const [name = ''] = cookie.split('=')
    const headers = { cookie: `a=1; ${name}=old; ${cookie}; ${name}x=2`, 'x-waystation-key': key }
    expect((await postJson(`${node.url}/api/status`, {}, { headers })).status).toBe(200)
  })

  it('outlives a restart of the node, and ends with another token', async () => {
    await using other = await startDashboard()
    const { headers } = await other.signIn()
    // Every listener has another port here, and the cookie's name with it; only the value counts.
    const ask = async () => {
      const [, value = ''] = headers['cookie']?.split('=') ?? []
      const cookie = `waystation-${new URL(other.url).port}=${value}`
      return (await postJson(`${other.url}/api/status`, {}, { headers: { ...headers, cookie } })).status
    }
    await other.restart()
    expect(await ask()).toBe(200)
    await other.restart('the-token-file-was-deleted-so-this-is-new')
    expect(await ask()).toBe(401)
  })

  it('ends when it is signed out, with the events it hears', async () => {
    const { headers } = await node.signIn()
    const events = await fetch(`${node.url}/api/events?names=log`, { headers })
    const ended = events.text().then(
      () => true,
      () => true
    )
    const listeners = node.app.events.listeners
    const answer = await postJson(`${node.url}/session/end`, {}, { headers })
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^waystation-\d+=; .*Max-Age=0$/)
    expect((await postJson(`${node.url}/api/status`, {}, { headers })).status).toBe(401)
    expect((await send(node.url, { headers })).status).toBe(401)
    expect(await ended).toBe(true)
    await until('nobody listens', () => node.app.events.listeners < listeners)
  })
})

describe('what other sites make a browser send', () => {
  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['no origin to speak of', { origin: 'null' }],
    ['a name that points here', { host: 'evil.example' }],
    [
      'a frame of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
    ],
    ['a script of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a script of another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }]
  ])('%s is refused, with a whole session too', async (_, given) => {
    const { headers } = await node.signIn()
    const both = { ...headers, ...given }
    expect((await postJson(`${node.url}/api/status`, {}, { headers: both })).status).toBe(401)
    expect((await send(node.url, { headers: both })).status).toBe(401)
    expect((await send(`${node.url}/open`, { headers: given })).status).toBe(401)
    const code = codeOf(await node.link())
    expect((await postJson(`${node.url}/session`, { code }, { headers: given })).status).toBe(401)
  })

  it('a form is refused, even from here', async () => {
    const { headers } = await node.signIn()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x'
    ]) {
      const asForm = { method: 'POST', headers: { ...headers, 'content-type': type }, body: '{}' }
      expect((await send(`${node.url}/api/pause`, asForm)).status).toBe(400)
      expect((await send(`${node.url}/session`, asForm)).status).toBe(400)
    }
    expect((await send(`${node.url}/api/pause`, { method: 'POST', headers })).status).toBe(400)
    expect(node.app.mode.mode).toBe('open')
  })

  it('a link to it may stand anywhere', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document'
    }
    expect((await send(`${node.url}/open`, { headers })).status).toBe(200)
  })

  it.each([
    '/../index.html',
    '/%2e%2e/index.html',
    '/assets/../../data/control.token',
    '/assets/..%2f..%2fdata%2fcontrol.token',
    '/assets/%00',
    '//etc/passwd',
    '/index.html',
    '/open.html'
  ])('%s leads nowhere', async path => {
    const { headers } = await node.signIn()
    const { status } = await send(`${node.url}${path}`, { headers })
    expect([400, 404]).toContain(status)
  })

  it('a huge body is refused', async () => {
    const body = { code: 'x'.repeat(300 * 1024) }
    expect((await postJson(`${node.url}/session`, body)).status).toBe(413)
  })
})

describe('what it answers a browser', () => {
  it('is held to a strict policy', async () => {
    const { headers } = await node.signIn()
    const answers = await Promise.all([
      send(node.url, { headers }),
      send(`${node.url}/open`),
      send(`${node.url}/assets/open-bbbb.js`),
      postJson(`${node.url}/api/status`, {}, { headers }),
      send(`${node.url}/nothing`, { headers })
    ])
    for (const answer of answers) {
      expect(answer.headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      )
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin'
      })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('is kept where its name changes with it, and nowhere else', async () => {
    const { headers } = await node.signIn()
    const cacheControl = async (path: string) =>
      (await send(`${node.url}${path}`, { headers })).headers['cache-control']
    expect(await cacheControl('/')).toBe('no-store')
    expect(await cacheControl('/open')).toBe('no-store')
    expect(await cacheControl('/icon.svg')).toBe('private, no-cache')
    expect(await cacheControl('/assets/index-aaaa.js')).toBe('private, max-age=31536000, immutable')
  })

  it('is not sent again to who has it', async () => {
    const { headers } = await send(`${node.url}/icon.svg`)
    const known = { 'if-none-match': headers.etag ?? '' }
    const again = await send(`${node.url}/icon.svg`, { headers: known })
    expect({ status: again.status, body: again.body }).toEqual({ status: 304, body: '' })
  })

  it('has the one style of its own pages allowed by its hash', async () => {
    const { headers, body } = await send(node.url, { headers: asBrowser })
    const [, style = ''] = /<style>(.*)<\/style>/.exec(body) ?? []
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(style))).toString('base64')
    expect(headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
    expect(body).not.toContain('<script')
  })
})

describe('a clone that was not built', () => {
  it('says what to run, and shows the pages once that was done', async () => {
    await using other = await startDashboard({ built: false })
    expect((await other.link()).built).toBe(false)
    const { headers } = await other.signIn()
    for (const path of ['/open', '/']) {
      const page = await send(other.url + path, { headers: { ...headers, ...asBrowser } })
      expect(page.status).toBe(503)
      expect(page.body).toContain('npm run build')
    }
    expect((await send(other.url, { headers: asBrowser })).status).toBe(401)

    await writePages(other.rendererDir)
    expect((await send(other.url, { headers })).body).toBe(PAGES['index.html'])
    expect((await other.link()).built).toBe(true)
    // What was read stays: the files of another version would not fit this node.
    await rm(other.rendererDir, { recursive: true })
    expect((await send(other.url, { headers })).status).toBe(200)
  })
})

describe('an address of this machine', () => {
  it.each(['::1', '127.0.0.2'])('%s is served like 127.0.0.1', async host => {
    await using other = await startDashboard({ host })
    expect(other.url).toMatch(host === '::1' ? /^http:\/\/\[::1\]:\d+$/ : /^http:\/\/127\.0\.0\.2:\d+$/)
    expect((await other.link()).url.startsWith(`${other.url}/open#`)).toBe(true)
    const { headers } = await other.signIn()
    expect((await postJson(`${other.url}/api/status`, {}, { headers })).status).toBe(200)
    const evil = { ...headers, host: 'evil.example' }
    expect((await postJson(`${other.url}/api/status`, {}, { headers: evil })).status).toBe(401)
  })

  it('that is none is named, with what to do', async () => {
    await expect(startDashboard({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'address-unusable',
      details: { setting: 'control.host' },
      message: expect.stringContaining('--control-host') as string
    })
  })
})

describe('pages that cannot be read', () => {
  it('do not keep the node from relaying; who asks for them is told', async () => {
    const folder = await temporaryFolder()
    const rendererDir = path.join(folder.dir, 'file')
    await writeFile(rendererDir, 'no folder')
    await using other = await startDashboard({ rendererDir })
    const headers = { authorization: `Bearer ${other.token}` }
    expect((await send(`${other.url}/metrics`, { headers })).status).toBe(200)
    expect((await send(other.url, { headers })).status).toBe(500)
    expect(other.logged).toContain('the control API failed')
    await folder[Symbol.asyncDispose]()
  })
})
