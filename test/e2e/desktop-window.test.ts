import { createServer } from 'node:net'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sleep, until } from '../support/until.ts'
import { APART, Desktop, isShown, startApp, untilShown } from './support/desktop.ts'
import { Display } from './support/display.ts'
import { electronMissing, Home } from './support/electron.ts'

describe.skipIf(electronMissing())('the window of the desktop app', () => {
  let display: Display
  let home: Home

  beforeAll(async () => (display = await Display.start()))
  afterAll(async () => display[Symbol.asyncDispose]())
  beforeEach(async () => (home = await Home.create()))
  afterEach(async () => home[Symbol.asyncDispose]())

  it('stays reachable where no tray could bring it back, says so, and the node goes on', async () => {
    await using desktop = await Desktop.start({ home, display, flags: [...APART, '--no-relay-enabled'] })
    const page = await desktop.page()
    await untilShown(desktop, true)
    expect((await desktop.shell('info')).tray).toBe('none')
    expect(await page.locator('[data-figure="no-tray"]').textContent()).toContain('Ctrl+Q')

    await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
    // What would hide it comes a moment later. That it is minimised, a window manager would have to do.
    await sleep(1000)

    expect(
      await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible())
    ).toBe(true)
    expect((await desktop.call('status')).mode.mode).toBe('off')
  })

  it('is shown by a second start, which then ends', async () => {
    await using desktop = await Desktop.start({ home, display })
    await desktop.page()
    await untilShown(desktop, true)
    await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide())
    await untilShown(desktop, false)

    await using second = await startApp(home, APART, { DISPLAY: display.name })

    expect((await second.ended).code).toBe(0)
    await untilShown(desktop, true)
    expect(await windows(desktop)).toBe(1)
  })

  it('is loaded again when its renderer crashes, and the node goes on', async () => {
    await using desktop = await Desktop.start({ home, display, flags: [...APART, '--relay-enabled'] })
    const page = await desktop.page()
    await page.locator('main[data-page=overview]').waitFor()
    const { startedAt } = await desktop.call('status')
    const renderer = await rendererPid(desktop)

    process.kill(renderer, 'SIGKILL')
    await until('another renderer runs', async () => ![0, renderer].includes(await rendererPid(desktop)))

    const evaluate = async (script: string): Promise<unknown> =>
      desktop.app.evaluate(
        ({ BrowserWindow }, code): Promise<unknown> =>
          BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript(code),
        script
      )
    await until(
      'the page is there again',
      async () =>
        (await evaluate('document.querySelector("main")?.dataset.page').catch(() => '')) === 'overview'
    )
    const status = await evaluate('waystation.call("status")')
    expect(status).toMatchObject({ ok: true, value: { startedAt, mode: { mode: 'open' } } })
  })

  it('says which port is taken and what to do, and goes on by Retry when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const flags = [...APART, '--relay-enabled', '--tcp-port', String(port)]
    await using desktop = await Desktop.start({ home, display, flags })
    const page = await desktop.page()

    const alert = page.getByRole('alert').filter({ hasText: String(port) })
    await alert.waitFor()
    expect(await alert.innerText()).toMatch(/in use/)
    expect((await desktop.call('status')).mode).toMatchObject({ fault: { code: 'port-in-use' } })

    other.close()
    await once(other, 'close')
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await alert.waitFor({ state: 'detached' })
    const status = await desktop.call('status')
    expect(status.mode.fault).toBeUndefined()
    expect(status.addresses.map(({ address }) => address).join()).toContain(`/tcp/${port}`)
  })

  it('says that another node has the data folder, and goes on by Retry when that has ended', async () => {
    await using headless = await startApp(home, ['--no-gui', ...APART])
    await headless.control()
    await using desktop = await Desktop.start({ home, display })
    const page = await desktop.page()

    await page.locator('main[data-page=trouble]').waitFor()
    expect(await page.getByRole('alert').innerText()).toMatch(/pid \d+/)
    headless.child.kill('SIGTERM')
    expect((await headless.ended).code).toBe(0)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('main:not([data-page=trouble])').waitFor()
    await until('its node runs', async () => (await desktop.shell('info')).node === 'running')
  })

  it('comes back where and as large as it was left', async () => {
    const bounds = { x: 210, y: 120, width: 900, height: 640 }
    {
      await using desktop = await Desktop.start({ home, display })
      await desktop.page()
      await desktop.app.evaluate(
        ({ BrowserWindow }, to) => BrowserWindow.getAllWindows()[0]?.setBounds(to),
        bounds
      )
      expect(await desktop.quit()).toBe(0)
    }
    await using again = await Desktop.start({ home, display })
    await again.page()
    expect(
      await again.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds())
    ).toEqual(bounds)
    expect(await isShown(again)).toBe(true)
  })
})

const windows = async (desktop: Desktop): Promise<number> =>
  desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)

const rendererPid = async (desktop: Desktop): Promise<number> =>
  desktop.app.evaluate(
    ({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0
  )
