import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ModeInfo } from '../../app/shared/api.ts'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { missing } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { APART, Desktop, untilShown } from './support/desktop.ts'
import { Display } from './support/display.ts'
import { electronMissing, Home } from './support/electron.ts'
import { Panel, panelMissing } from './support/panel.ts'

const skipped = electronMissing() || missing('dbus-daemon (Debian: apt-get install dbus)', !panelMissing())

/** With the panel of a desktop beside it, which speaks to the icon as GNOME's and KDE's do. */
describe.skipIf(skipped)('the tray', () => {
  let display: Display
  let home: Home
  let panel: Panel
  let desktop: Desktop

  beforeAll(async () => (display = await Display.start()))
  afterAll(async () => display[Symbol.asyncDispose]())
  beforeEach(async () => {
    home = await Home.create()
    panel = await Panel.start(home)
    desktop = await Desktop.start({ home, display, flags: [...APART, '--relay-enabled'], env: panel.env })
    await desktop.page()
    await until('the tray is taken', async () => (await desktop.shell('info')).tray === 'shown')
  })
  afterEach(async () => {
    await desktop[Symbol.asyncDispose]()
    await panel[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  it('pauses for an hour, until tomorrow and until resumed, and resumes', async () => {
    const mode = async (): Promise<ModeInfo> => (await desktop.call('status')).mode
    const secondsLeft = async (): Promise<number> =>
      (Date.parse((await mode()).until ?? '') - Date.now()) / 1000

    await panel.choose('For an hour')
    await until('it is paused', async () => (await mode()).mode === 'paused')
    expect(await secondsLeft()).toBeGreaterThan(3500)
    expect(await secondsLeft()).toBeLessThanOrEqual(3600)
    await until('the tooltip says so', async () => (await panel.tooltip()).join().includes('Paused until'))

    await panel.choose('Until tomorrow')
    await until('it is until midnight', async () => new Date((await mode()).until ?? 0).getHours() === 0)
    await panel.choose('Until resumed')
    await until('it has no end', async () => (await mode()).until === undefined)
    await until('it can be resumed', async () => (await labels()).includes('Resume'))
    await panel.choose('Resume')
    await until('it takes work', async () => (await mode()).mode === 'open')
    await until('it cannot be resumed again', async () => !(await labels()).includes('Resume'))
  })

  it('tells what was relayed today', async () => {
    const address = await desktop.address()
    await using listener = await createListener(address)
    await using dialer = await createClient()
    expect(await exchange(await dialThrough(dialer, address, listener), 1_500_000)).toBe(true)

    await until('the tooltip has it', async () => (await panel.tooltip()).join(' ').includes('1 circuit'), 30)
    expect((await labels()).join(' ')).toMatch(/[34](\.\d)? MB/)
  })

  it('keeps the node when the window is closed, and shows the window again by a click and by its menu', async () => {
    const { startedAt } = await desktop.call('status')
    const close = async (): Promise<void> => {
      await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
      await untilShown(desktop, false)
    }
    await untilShown(desktop, true)
    await close()
    await panel.activate()
    await untilShown(desktop, true)
    await close()
    await panel.choose('Open Waystation')
    await untilShown(desktop, true)

    expect((await desktop.call('status')).startedAt).toBe(startedAt)
  })

  it('ends the app by Quit', async () => {
    await panel.choose('Quit Waystation')

    expect(await desktop.ended).toBe(0)
  })

  const labels = async (): Promise<string[]> => (await panel.menu()).map(({ label }) => label)
})
