import { EventEmitter } from 'node:events'
import type { MenuItemConstructorOptions } from 'electron'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventName } from '../../../app/shared/api.ts'
import { createBus } from './fake-events.ts'
import { textsFor } from '../../../app/main/desktop/texts.ts'
import { secondsUntilTomorrow, trayMenu } from '../../../app/main/desktop/tray-menu.ts'
import { trayLook, type TrayView } from '../../../app/main/desktop/tray-state.ts'
import { createTray, type TrayComponents, type TrayIcon } from '../../../app/main/desktop/tray.ts'
import { relayedToday, viewWith } from '../../support/tray-view.ts'

const NOW = new Date(2026, 10, 21, 12, 0)
const en = textsFor('en')
const idsOf = (view: TrayView): string[] =>
  trayMenu(view, trayLook(view, en, 'en', NOW), en)
    .filter(entry => entry.type !== 'separator')
    .map(entry => entry.id)

describe('the menu', () => {
  it('of an open node offers to pause, and nothing to resume', () => {
    expect(idsOf(viewWith())).toEqual(['state', 'today', 'pause', 'open', 'start-at-login', 'quit'])
  })

  it('of a paused node offers another pause and to resume', () => {
    expect(idsOf(viewWith({ mode: { mode: 'paused' } }))).toContain('resume')
  })

  it.each(['off', 'held', 'draining'] as const)(
    'in mode %s offers no pause, which would change nothing',
    mode => {
      expect(idsOf(viewWith({ mode: { mode } }))).not.toContain('pause')
    }
  )

  it('of a node that could not start offers to open the window, and to quit', () => {
    const view = viewWith({}, { node: 'failed', status: undefined })
    expect(idsOf(view)).toEqual(['state', 'today', 'open', 'start-at-login', 'quit'])
  })

  it('leaves out start at login where it is not supported', () => {
    const view = viewWith({}, { startAtLogin: { supported: false, on: false } })
    expect(idsOf(view)).not.toContain('start-at-login')
  })

  it.each([
    [{ state: 'available', version: '2.0.0' }, 'Install version 2.0.0…'],
    [{ state: 'available', version: '2.0.0', cause: 'a package' }, 'Get version 2.0.0…']
  ] as const)('names the update %j', (update, label) => {
    const entries = trayMenu(viewWith({}, { update }), trayLook(viewWith(), en, 'en', NOW), en)
    expect(entries.find(({ id }) => id === 'update')?.label).toBe(label)
  })

  it('counts the seconds until midnight', () => {
    expect(secondsUntilTomorrow(new Date(2026, 10, 21, 23, 59, 30))).toBe(30)
    expect(secondsUntilTomorrow(NOW)).toBe(12 * 3600)
  })
})

class FakeTray extends EventEmitter {
  static made: FakeTray[] = []
  image: string
  toolTip = ''
  menus: { template: MenuItemConstructorOptions[] }[] = []
  destroyed = false
  constructor(image: string) {
    super()
    this.image = image
    FakeTray.made.push(this)
  }
  setImage(image: string): void {
    this.image = image
  }
  setToolTip(text: string): void {
    this.toolTip = text
  }
  setContextMenu(menu: { template: MenuItemConstructorOptions[] }): void {
    this.menus.push(menu)
  }
  destroy(): void {
    this.destroyed = true
  }
}

describe('the tray', () => {
  const bus = createBus()
  const theme = Object.assign(new EventEmitter(), { shouldUseDarkColors: false })
  const calls: unknown[] = []
  let view: TrayView
  let asked: number
  let presence: 'shown' | 'none'
  let tray: TrayIcon

  const open = (platform: NodeJS.Platform = 'linux'): FakeTray => {
    const electron = {
      Tray: FakeTray,
      Menu: { buildFromTemplate: (template: unknown) => ({ template }) },
      nativeTheme: theme
    } as unknown as TrayComponents['electron']
    tray = createTray(
      {
        electron,
        view: async () => {
          asked++
          return view
        },
        listen: bus.listen,
        node: {
          pause: async request => calls.push(['pause', request?.seconds]),
          resume: async () => calls.push(['resume'])
        },
        openWindow: () => calls.push(['open']),
        setStartAtLogin: on => calls.push(['start-at-login', on]),
        installUpdate: () => calls.push(['update']),
        quit: () => calls.push(['quit']),
        presence: async () => presence,
        presenceChanged: found => calls.push(['presence', found]),
        log: { warn: (...args: unknown[]) => calls.push(['warn', ...args]) },
        now: () => NOW
      },
      { platform, iconDir: '/icons', texts: en, locale: 'en' }
    )
    tray.start()
    return FakeTray.made.at(-1)!
  }
  const menuOf = (made: FakeTray): MenuItemConstructorOptions[] => made.menus.at(-1)!.template
  const click = (made: FakeTray, id: string, checked = false): void => {
    const flat = menuOf(made).flatMap(item => [item, ...(Array.isArray(item.submenu) ? item.submenu : [])])
    const item = flat.find(each => each.id === id)
    item!.click!({ checked } as never, undefined, {})
  }
  const emit = (name: EventName): void => bus.emit(name)

  beforeEach(() => {
    vi.useFakeTimers()
    FakeTray.made = []
    calls.length = 0
    asked = 0
    presence = 'shown'
    view = viewWith()
  })
  afterEach(() => {
    tray.stop()
    vi.useRealTimers()
  })

  it('shows icon, tooltip and menu of the state', async () => {
    const made = open()
    await vi.advanceTimersByTimeAsync(1)
    expect(made.image).toBe('/icons/tray-relaying-light.png')
    expect(made.toolTip).toContain('Nothing relayed today')
    expect(menuOf(made)[0]).toMatchObject({ id: 'state', enabled: false })
  })

  it('changes when the mode does, and sets only what changed', async () => {
    const made = open()
    await vi.advanceTimersByTimeAsync(1)
    emit('mode-changed')
    await vi.advanceTimersByTimeAsync(300)
    expect(made.menus).toHaveLength(1)
    view = viewWith({ mode: { mode: 'paused' } })
    emit('mode-changed')
    await vi.advanceTimersByTimeAsync(300)
    expect(made.menus).toHaveLength(2)
    expect(made.image).toBe('/icons/tray-paused-light.png')
  })

  it('asks the node once in ten seconds at most, however many circuits end', async () => {
    open()
    await vi.advanceTimersByTimeAsync(1)
    for (let n = 0; n < 900; n++) {
      emit('circuit-closed')
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(asked).toBeGreaterThanOrEqual(9)
    expect(asked).toBeLessThanOrEqual(11)
  })

  it('runs no timer and asks nothing while nothing happens', async () => {
    open()
    await vi.advanceTimersByTimeAsync(5000)
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(asked).toBe(1)
  })

  it('goes on showing bytes while circuits run', async () => {
    view = viewWith({ circuits: { running: 1, limit: 2 } })
    open()
    await vi.advanceTimersByTimeAsync(300_000)
    expect(asked).toBe(6)
  })

  it('begins the day anew at midnight', async () => {
    view = viewWith(relayedToday(5000, 1))
    open()
    await vi.advanceTimersByTimeAsync(12 * 3_600_000 + 2000)
    expect(asked).toBe(2)
  })

  it.each([
    ['open', ['open']],
    ['pause-hour', ['pause', 3600]],
    ['pause-tomorrow', ['pause', 12 * 3600]],
    ['pause-until-resumed', ['pause', undefined]],
    ['quit', ['quit']]
  ])('does what its entry %s says', async (id, call) => {
    const made = open()
    await vi.advanceTimersByTimeAsync(1)
    click(made, id)
    expect(calls).toContainEqual(call)
  })

  it('resumes, and switches start at login, by their entries', async () => {
    view = viewWith({ mode: { mode: 'paused' } })
    const made = open()
    await vi.advanceTimersByTimeAsync(1)
    click(made, 'resume')
    click(made, 'start-at-login', true)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls).toEqual(expect.arrayContaining([['resume'], ['start-at-login', true]]))
    expect(made.menus.length).toBe(2)
  })

  it('takes the icon for dark panels when the theme changes, and builds the menu anew', async () => {
    const made = open()
    await vi.advanceTimersByTimeAsync(1)
    theme.shouldUseDarkColors = true
    theme.emit('updated')
    await vi.advanceTimersByTimeAsync(1)
    theme.shouldUseDarkColors = false
    expect(made.image).toBe('/icons/tray-relaying-dark.png')
    expect(made.menus).toHaveLength(2)
  })

  it('says that it is shown once the desktop has taken it', async () => {
    open()
    expect(tray.presence).toBe('none')
    await vi.advanceTimersByTimeAsync(1100)
    expect(tray.presence).toBe('shown')
    expect(calls).toEqual([['presence', 'shown']])
  })

  it('makes the icon anew for a panel that comes later', async () => {
    presence = 'none'
    open()
    await vi.advanceTimersByTimeAsync(7000)
    presence = 'shown'
    await vi.advanceTimersByTimeAsync(31_000)
    expect(FakeTray.made.map(made => made.destroyed)).toEqual([true, false])
    expect(tray.presence).toBe('shown')
    expect(FakeTray.made.at(-1)!.menus).toHaveLength(1)
  })

  it('stays without, and stops looking, where there is no tray', async () => {
    presence = 'none'
    open()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(tray.presence).toBe('none')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has nothing to ask on Windows, where every desktop has a tray', async () => {
    presence = 'none'
    open('win32')
    expect(tray.presence).toBe('shown')
    expect(await tray.check()).toBe('shown')
  })

  it('stops twice, and then does nothing any more', async () => {
    const made = open()
    tray.stop()
    tray.stop()
    emit('mode-changed')
    theme.emit('updated')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(made.destroyed).toBe(true)
    expect(asked).toBe(0)
    expect(bus.listeners()).toBe(0)
  })
})
