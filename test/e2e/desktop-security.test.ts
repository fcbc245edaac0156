import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { Desktop } from './support/desktop.ts'
import { Display } from './support/display.ts'
import { electronMissing, Home } from './support/electron.ts'
import { processTree, statusOf } from './support/processes.ts'

/** Electron's security guide, on the window that really runs. docs/desktop.md goes through it point by point. */
describe.skipIf(electronMissing())('the live window', () => {
  let display: Display
  let home: Home
  let desktop: Desktop
  let page: Page

  beforeAll(async () => {
    display = await Display.start()
    home = await Home.create()
    desktop = await Desktop.start({ home, display })
    page = await desktop.page()
    // What the app would open in the person's browser.
    await desktop.app.evaluate(({ shell }) => {
      const opened: string[] = []
      shell.openExternal = async url => void opened.push(url)
      Object.assign(globalThis, { opened })
    })
  })

  afterAll(async () => {
    await desktop[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
    await display[Symbol.asyncDispose]()
  })

  it('has a sandboxed, isolated renderer without Node', async () => {
    const preferences = await desktop.app.evaluate(({ BrowserWindow }) => {
      type Inspected = { getLastWebPreferences(): Record<string, unknown> }
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as Inspected
      return contents.getLastWebPreferences()
    })
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      experimentalFeatures: false
    })
    // Electron tells of this one only where it is on.
    expect(preferences['nodeIntegrationInWorker']).not.toBe(true)
    // The system confirms it: system calls are filtered, and no right can be gained.
    const pid = await desktop.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId()
    )
    expect(processTree(desktop.pid)).toContain(pid)
    expect(statusOf(pid!, 'Seccomp')).toBe('2')
    expect(statusOf(pid!, 'NoNewPrivs')).toBe('1')
  })

  it('gives the page call and subscribe, and nothing else', async () => {
    const found = await page.evaluate(() => {
      const scope = globalThis as unknown as Record<string, Record<string, unknown>>
      const bridge = scope['waystation'] ?? {}
      const node = [
        'require',
        'process',
        'module',
        'exports',
        'Buffer',
        'global',
        '__dirname',
        'electron',
        'ipcRenderer'
      ]
      return {
        bridge: Object.keys(bridge).sort(),
        frozen: Object.isFrozen(bridge),
        node: node.filter(name => name in scope)
      }
    })
    expect(found).toEqual({ bridge: ['call', 'subscribe'], frozen: true, node: [] })
  })

  it('refuses methods that there are not, and requests that are not theirs', async () => {
    const call = async (...args: unknown[]): Promise<unknown> =>
      page.evaluate(
        given =>
          (globalThis as unknown as { waystation: { call(...args: unknown[]): unknown } }).waystation.call(
            ...given
          ),
        args
      )
    for (const method of [
      'constructor',
      '__proto__',
      'shell.constructor',
      'shell.',
      'shell.exec',
      '',
      7,
      null
    ]) {
      expect(await call(method, {})).toMatchObject({ ok: false })
    }
    expect(await call('setSettings', { values: 'all' })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' }
    })
    expect(await call('shell.setStartAtLogin', { on: 'yes' })).toMatchObject({ ok: false })
    expect(await call('shell.copy', { text: 7 })).toMatchObject({ ok: false })
  })

  it('runs no script but its own, and loads nothing from elsewhere', async () => {
    const outcome = await page.evaluate(async () => {
      const refused: string[] = []
      const done: string[] = []
      document.addEventListener('securitypolicyviolation', event => refused.push(event.effectiveDirective))
      const add = (tag: string, properties: object): void => {
        const element = document.createElement(tag)
        try {
          document.body.append(Object.assign(element, properties))
        } catch {
          // Trusted types refuse the text itself, and that is told as a violation as well.
        }
        setTimeout(() => element.remove(), 200)
      }
      add('script', { textContent: 'globalThis.ran = true' })
      add('script', { src: 'https://example.org/a.js' })
      add('img', { src: 'https://example.org/a.png' })
      add('iframe', { src: 'https://example.org/' })
      add('style', { textContent: '* { color: red }' })
      add('base', { href: 'https://example.org/' })
      for (const url of ['https://example.org/', 'http://127.0.0.1:4010/', 'file:///etc/passwd']) {
        await fetch(url).then(
          () => done.push(`fetched ${url}`),
          () => {}
        )
      }
      await new Promise(resolve => setTimeout(resolve, 300))
      if ('ran' in globalThis) done.push('ran a script')
      return { refused, done }
    })
    expect(outcome.done).toEqual([])
    const directives = ['base-uri', 'connect-src', 'frame-src', 'img-src', 'style-src-elem']
    for (const directive of [...directives, 'require-trusted-types-for']) {
      expect(outcome.refused).toContain(directive)
    }
  })

  it('cannot be led elsewhere', async () => {
    const before = page.url()
    for (const url of [
      'https://example.org/',
      'file:///etc/passwd',
      'data:text/html,hi',
      'app://other/index.html'
    ]) {
      await page.evaluate(to => {
        const link = Object.assign(document.createElement('a'), { href: to })
        document.body.append(link)
        link.click()
        link.remove()
      }, url)
    }
    await page.waitForTimeout(500)
    expect(page.url()).toBe(before)
    expect(await page.evaluate(() => location.href)).toBe(before)
  })

  it('opens no other window, and no link of elsewhere in the browser', async () => {
    const opened = await page.evaluate(() =>
      [
        'https://example.org/',
        'file:///etc/passwd',
        'smb://example.org/share',
        'app://waystation/index.html',
        'about:blank'
      ].map(url => window.open(url) !== null)
    )
    expect(opened).toEqual([false, false, false, false, false])
    await page.waitForTimeout(300)
    expect(await desktop.app.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1)
    expect(await desktop.app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual(
      []
    )
  })

  it('serves the files of its pages alone', async () => {
    const answers = await desktop.app.evaluate(async ({ BrowserWindow }) => {
      const session = BrowserWindow.getAllWindows()[0]!.webContents.session
      const paths = [
        '/index.html',
        '/../desktop/index.js',
        '/%2e%2e/desktop/index.js',
        '/..%2fdesktop%2findex.js',
        '//etc/passwd',
        '/none.js'
      ]
      const ask = async (path: string): Promise<unknown> => {
        const response = await session.fetch(`app://waystation${path}`).catch(() => undefined)
        return [path, response?.status ?? 0, response?.headers.get('content-security-policy') ?? '']
      }
      return Promise.all(paths.map(ask))
    })
    const [index, ...others] = answers as [string, number, string][]
    expect(index?.[1]).toBe(200)
    expect(index?.[2]).toMatch(/^default-src 'none'/)
    expect(index?.[2]).not.toMatch(/unsafe|https?:|\*/)
    expect(others.map(([path, status]) => [path, status === 200])).toEqual(
      others.map(([path]) => [path, false])
    )
  })

  it('gives no permission to anything', async () => {
    const granted = await page.evaluate(async () => {
      const failed = (): string => 'refused'
      const names = ['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read']
      const states = await Promise.all(
        names.map(name =>
          navigator.permissions.query({ name: name as PermissionName }).then(({ state }) => state, failed)
        )
      )
      return {
        states: [...new Set(states)],
        notification: await Notification.requestPermission(),
        media: await navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'given', failed),
        screen: await navigator.mediaDevices.getDisplayMedia().then(() => 'given', failed),
        place: await new Promise(resolve =>
          navigator.geolocation.getCurrentPosition(
            () => resolve('given'),
            () => resolve('refused')
          )
        )
      }
    })
    expect(granted).toEqual({
      states: ['denied'],
      notification: 'denied',
      media: 'refused',
      screen: 'refused',
      place: 'refused'
    })
  })

  it('downloads nothing', async () => {
    const started = desktop.app.evaluate(
      ({ BrowserWindow }) =>
        new Promise(resolve => {
          const session = BrowserWindow.getAllWindows()[0]!.webContents.session
          session.once('will-download', (event, item) => resolve([event.defaultPrevented, item.getState()]))
        })
    )
    await page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), {
        href: 'data:text/plain,hi',
        download: 'hi.txt'
      })
      document.body.append(link)
      link.click()
      link.remove()
    })
    const outcome = await Promise.race([started, page.waitForTimeout(2000).then(() => 'never began')])
    expect([[true, 'cancelled'], [true, 'progressing'], 'never began']).toContainEqual(outcome)
    await until(
      'the page is still ours',
      async () => (await page.evaluate(() => location.protocol)) === 'app:'
    )
  })
})
