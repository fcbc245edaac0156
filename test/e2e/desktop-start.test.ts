import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import { exchange, createPlainClient, createListener, dialThrough } from '../support/clients.ts'
import { arrivesWhole, FlowPeer } from '../support/flow.ts'
import { sleep, until } from '../support/until.ts'
import { used } from './support/browser.ts'
import { APART, Desktop, startApp } from './support/desktop.ts'
import { Display } from './support/display.ts'
import { electronMissing, Home } from './support/electron.ts'
import { processTree, socketsOf } from './support/processes.ts'

describe.skipIf(electronMissing())('the desktop app, from its first start on', () => {
  let display: Display
  let home: Home

  beforeAll(async () => (display = await Display.start()))
  afterAll(async () => display[Symbol.asyncDispose]())
  beforeEach(async () => (home = await Home.create()))
  afterEach(async () => home[Symbol.asyncDispose]())

  it('opens no port but that of its commands, and contacts nobody, before the person opts in', async () => {
    // Without the debugger of the other tests, which listens too, and with all its defaults but one port.
    await using started = await startApp(home, ['--control-port', '0'], { DISPLAY: display.name })
    const { url } = await started.control()
    // What begins a little later would be seen, too.
    await sleep(4000)
    const sockets = socketsOf(processTree(started.child.pid!))

    expect(sockets.filter(({ listening }) => listening).map(({ local }) => local)).toEqual([
      new URL(url).host
    ])
    expect(sockets.filter(({ listening }) => !listening)).toEqual([])
  })

  it('asks at the first start, relays once the person has opted in, and stays so over a restart', async () => {
    let peerId: string
    {
      await using desktop = await Desktop.start({ home, display })
      const page = await desktop.page()
      await page.locator('main[data-page=welcome]').waitFor()
      expect(await desktop.call('status')).toMatchObject({ mode: { mode: 'off' }, addresses: [] })

      await page.getByRole('button', { name: 'Opt in' }).click()
      await page.locator('main[data-page=overview]').waitFor()

      const address = await desktop.address()
      await using listener = await createListener(address)
      await using dialer = await createPlainClient()
      expect(await exchange(await dialThrough(dialer, address, listener), 300_000)).toBe(true)
      await until('the page tells of it', async () => (await used(page, 'reservations')).startsWith('1'))
      const status = await desktop.call('status')
      peerId = status.peerId
      expect(status.totals.today.circuits).toBe(1)
      expect(status.totals.today.bytes.toTarget).toBeGreaterThanOrEqual(300_000)
      expect(await desktop.quit()).toBe(0)
    }
    await using again = await Desktop.start({ home, display })
    const page = await again.page()
    await page.locator('main[data-page=overview]').waitFor()

    const status = await again.call('status')
    expect(status).toMatchObject({ peerId, mode: { mode: 'open' }, totals: { ever: { circuits: 1 } } })
    await using client = await createListener(await again.address())
    expect(client.getMultiaddrs()[0]?.toString()).toContain(peerId)
  })

  it('stays off over a restart when the person said not now', async () => {
    {
      await using desktop = await Desktop.start({ home, display })
      const page = await desktop.page()
      await page.getByRole('button', { name: 'Not now' }).click()
      await page.locator('main[data-page=overview]').waitFor()
      expect(await desktop.quit()).toBe(0)
    }
    await using again = await Desktop.start({ home, display })

    await (await again.page()).locator('main[data-page=overview]').waitFor()
    expect(await again.call('status')).toMatchObject({ mode: { mode: 'off' }, addresses: [] })
  })

  it('lets a circuit finish before it quits, and ends at once when it is asked a second time', async () => {
    await using desktop = await Desktop.start({ home, display, flags: [...APART, '--relay-enabled'] })
    await desktop.page()
    const address = await desktop.address()
    await using listener = await FlowPeer.create(address, { reserved: true })
    await using dialer = await FlowPeer.create(address)
    const flow = await dialer.flowTo(listener, { waits: true })

    const ended = desktop.quit()
    await until('it drains', async () => (await desktop.call('status')).mode.mode === 'draining')
    flow.source.start()
    await until('bytes still pass', () => flow.sink.bytes > 1_000_000)
    expect(desktop.running).toBe(true)
    expect(await arrivesWhole(flow)).toBe(true)
    expect(await ended).toBe(0)

    await using second = await Desktop.start({ home, display, flags: [...APART, '--relay-enabled'] })
    await second.page()
    const secondAddress = await second.address()
    await using otherListener = await FlowPeer.create(secondAddress, { reserved: true })
    await using otherDialer = await FlowPeer.create(secondAddress)
    await otherDialer.flowTo(otherListener, { waits: true })
    const secondEnd = second.quit()
    await until('it drains', async () => (await second.call('status')).mode.mode === 'draining')
    // Twice within half a second is once.
    await sleep(600)
    void second.app.evaluate(({ app }) => app.quit()).catch(() => {})
    const from = performance.now()
    expect(await secondEnd).toBe(0)
    expect(performance.now() - from).toBeLessThan(10_000)
  })
})
