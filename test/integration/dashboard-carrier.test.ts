import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Connection } from '../../app/renderer/client/client.ts'
import { createHttpCarrier, type HttpCarrierOptions } from '../../app/renderer/client/http.ts'
import type { Page } from '../../app/renderer/client/page.ts'
import type { ApiEvent } from '../../app/shared/api.ts'
import { postJson, startDashboard, type TestDashboard } from '../support/dashboard.ts'
import { sleep, until } from '../support/until.ts'

/** A page that this test can hide, with a browser's ways: relative URLs, and a cookie that goes along. */
class TestPage implements Page {
  hidden = false
  url: string
  cookie: string
  key: string | null
  readonly requests: string[] = []
  readonly #listeners = new Set<() => void>()

  constructor(url: string, { cookie = '', key = null }: { cookie?: string; key?: string | null } = {}) {
    this.url = url
    this.cookie = cookie
    this.key = key
  }

  fetch: typeof fetch = (input, init) => {
    this.requests.push(input as string)
    const headers = { ...(init?.headers as Record<string, string>), cookie: this.cookie }
    return fetch(new URL(input, this.url), { ...init, headers })
  }

  sessionKey(): string | null {
    return this.key
  }

  forgetSessionKey(): void {
    this.key = null
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  change(hidden: boolean): void {
    this.hidden = hidden
    for (const listener of this.#listeners) listener()
  }
}

async function signedIn(node: TestDashboard): Promise<TestPage> {
  return new TestPage(node.url, await node.signIn())
}

function listen(page: TestPage, lastId?: string, options: HttpCarrierOptions = {}) {
  const events: ApiEvent[] = []
  const states: Connection[] = []
  const timing = { firstWaitMs: 20, longestWaitMs: 100, ...options }
  const stop = createHttpCarrier(page, timing).subscribe(
    lastId === undefined ? {} : { lastId },
    event => void events.push(event as ApiEvent),
    state => void states.push(state)
  )
  const modes = (): string[] =>
    events.flatMap(({ name, value }) => (name === 'mode-changed' ? [value.mode] : []))
  return { events, states, modes, stop, [Symbol.dispose]: stop }
}

describe('calls of the dashboard', () => {
  it('are answered in a session', async () => {
    await using node = await startDashboard()
    const { call } = createHttpCarrier(await signedIn(node))
    expect(await call('status')).toMatchObject({ ok: true, value: { peerId: node.app.peerId } })
    expect(await call('closeCircuit', { id: 1 })).toMatchObject({
      ok: false,
      error: { code: 'unknown-circuit' }
    })
  })

  it('are refused without one, without the key too, and answered where no node is', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    page.key = null
    const { call } = createHttpCarrier(page)
    expect(await call('status')).toMatchObject({ ok: false, error: { code: 'not-authorised' } })
    page.url = 'http://127.0.0.1:1'
    expect(await call('status')).toMatchObject({ ok: false, error: { code: 'control-unreachable' } })
  })

  it('end with signing out, also for a copy of the cookie and the key', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    const copy = new TestPage(page.url, page)
    expect(await createHttpCarrier(page).signOut?.()).toEqual({ ok: true, value: null })
    expect(page.key).toBeNull()
    expect(await createHttpCarrier(copy).call('status')).toMatchObject({ error: { code: 'not-authorised' } })
  })

  it('of the desktop are none', async () => {
    const page = new TestPage('http://127.0.0.1:1')
    expect(await createHttpCarrier(page).call('shell.info')).toMatchObject({
      ok: false,
      error: { code: 'unknown-method' }
    })
    expect(page.requests).toEqual([])
  })
})

describe('events of the dashboard', () => {
  it('come as they happen, with those after the last id first', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    const { eventId } = await node.app.api.status()
    await node.app.api.pause()

    using feed = listen(page, eventId)
    await until('what was missed came', () => feed.modes().includes('paused'))
    await node.app.api.resume()
    await until('what happened came', () => feed.modes().includes('open'))

    expect(feed.modes()).toEqual(['paused', 'open'])
    expect(feed.states).toEqual(['connected'])
    const [first] = feed.events.filter(({ name }) => name === 'mode-changed')
    expect(first).toMatchObject({
      id: expect.stringMatching(/./) as string,
      at: expect.stringMatching(/^2/) as string
    })
  })

  it('go on where they were after a lost connection, each once', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    using feed = listen(page)
    await until('it listens', () => feed.states.includes('connected'))
    await node.app.api.pause()
    await until('the first came', () => feed.modes().length === 1)
    const [, value = ''] = page.cookie.split('=')

    const stopped = node.restart()
    await until('it is told', () => feed.states.includes('lost'))
    await stopped
    await node.app.api.resume()
    page.cookie = `waystation-${new URL(node.url).port}=${value}`
    page.url = node.url

    await until('the second came', () => feed.modes().length === 2)
    expect(feed.modes()).toEqual(['paused', 'open'])
    expect(feed.states.at(-1)).toBe('connected')
  })

  it('rest while the page is hidden, and catch up when it is shown', async () => {
    await using node = await startDashboard()
    const before = node.app.events.listeners
    const page = await signedIn(node)
    using feed = listen(page)
    await until('it listens', () => feed.states.includes('connected'))
    await until('the node knows', () => node.app.events.listeners === before + 1)

    page.change(true)
    await until('the node is free of it', () => node.app.events.listeners === before)
    await node.app.api.pause()
    await sleep(300)
    expect(feed.modes()).toEqual([])
    // Nobody is told that it was lost: it was put down.
    expect(feed.states).toEqual(['connected'])

    page.change(false)
    await until('it caught up', () => feed.modes().length === 1)
    expect(feed.states).toEqual(['connected', 'connected'])
  })

  it('begin when a page that was hidden from the start is shown', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    page.hidden = true
    using feed = listen(page)
    await sleep(100)
    expect(page.requests).toEqual([])
    page.change(false)
    await until('it listens', () => feed.states.includes('connected'))
  })

  it('end when the session does, and are not asked for again', async () => {
    await using node = await startDashboard()
    const page = await signedIn(node)
    using feed = listen(page)
    await until('it listens', () => feed.states.includes('connected'))
    const headers = { cookie: page.cookie, 'x-waystation-key': page.key ?? '' }
    await postJson(`${node.url}/session/end`, {}, { headers })
    await until('it is told', () => feed.states.includes('signed-out'))
    const asked = page.requests.length
    await sleep(300)
    expect(page.requests).toHaveLength(asked)
  })

  it('end when nobody wants them any more', async () => {
    await using node = await startDashboard()
    const before = node.app.events.listeners
    const page = await signedIn(node)
    const feed = listen(page)
    await until('the node knows', () => node.app.events.listeners === before + 1)
    feed.stop()
    await until('the node is free of it', () => node.app.events.listeners === before)
    expect(page.listeners).toBe(0)
    page.change(false)
    await sleep(100)
    expect(page.requests).toHaveLength(1)
    expect(feed.states).toEqual(['connected'])
  })
})

describe('a connection of the dashboard', () => {
  async function server(answer: Parameters<typeof createServer>[1]) {
    const listening: Server = createServer(answer)
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
    return {
      url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
      [Symbol.dispose]() {
        listening.closeAllConnections()
        listening.close()
      }
    }
  }

  it('counts as lost when it has gone silent, and is opened anew', async () => {
    using silent = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: a.1\n: listening\n\n')
    })
    const page = new TestPage(silent.url)
    using feed = listen(page, undefined, { silenceMs: 100 })
    await until('it came back', () => feed.states.filter(state => state === 'connected').length > 1)
    expect(feed.states.slice(0, 3)).toEqual(['connected', 'lost', 'connected'])
  })

  it('is tried less and less often, and at once when the page is shown', async () => {
    using broken = await server((_, response) => response.writeHead(503).end())
    const page = new TestPage(broken.url)
    using feed = listen(page, undefined, { firstWaitMs: 100, longestWaitMs: 60_000 })
    await until('it was tried four times', () => page.requests.length === 4)
    const asked = page.requests.length
    await sleep(200)
    // The next would come after 600 ms at the soonest.
    expect(page.requests).toHaveLength(asked)
    page.change(false)
    await until('it was tried at once', () => page.requests.length === asked + 1)
    expect(feed.states).not.toContain('connected')
  })
})
