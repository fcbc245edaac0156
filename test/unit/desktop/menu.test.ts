import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it, vi } from 'vitest'
import { menuTemplate } from '../../../app/main/desktop/menu.ts'
import { shellTextsFor } from '../../../app/main/desktop/shell-texts.ts'

type Item = MenuItemConstructorOptions

const actions = { openPage: vi.fn(), zoom: vi.fn(), showDataFolder: vi.fn(), quit: vi.fn() }
const items = (platform: NodeJS.Platform, devTools = false, locale = 'en-GB'): Item[] =>
  menuTemplate(actions, { platform, devTools, texts: shellTextsFor(locale) }).flatMap(menu => [
    menu,
    ...(menu.submenu as Item[])
  ])

describe.each(['linux', 'win32', 'darwin'] as const)('the menus on %s', platform => {
  it('give each shortcut once', () => {
    const shortcuts = items(platform, true).flatMap(({ accelerator }) => accelerator ?? [])
    expect(new Set(shortcuts).size).toBe(shortcuts.length)
    expect(shortcuts).toContain('CmdOrCtrl+Q')
  })

  it('lead to every page', () => {
    const pages = items(platform).filter(({ id }) => id?.startsWith('page-'))
    expect(pages.map(({ accelerator }) => accelerator)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map(n => `CmdOrCtrl+${n}`)
    )
    pages[3]?.click?.({} as never, undefined, {})
    expect(actions.openPage).toHaveBeenLastCalledWith('refusals')
  })

  it('can cut, copy and paste', () => {
    const roles = items(platform).map(({ role }) => role)
    expect(roles).toEqual(expect.arrayContaining(['cut', 'copy', 'paste', 'undo', 'redo', 'selectAll']))
  })

  it('have no developer tools in an installed app', () => {
    const roles = (devTools: boolean): unknown[] => items(platform, devTools).map(({ role }) => role)
    expect(roles(false)).not.toContain('toggleDevTools')
    expect(roles(false)).not.toContain('reload')
    expect(roles(true)).toContain('toggleDevTools')
  })

  it('quit through us, so that the node drains', () => {
    const quit = items(platform).find(({ accelerator }) => accelerator === 'CmdOrCtrl+Q')
    expect(quit?.role).toBeUndefined()
    quit?.click?.({} as never, undefined, {})
    expect(actions.quit).toHaveBeenCalled()
  })
})

describe('the menus', () => {
  it('begin with that of the app on macOS alone', () => {
    expect(items('darwin')[0]?.label).toBe('Waystation')
    expect(items('linux')[0]?.label).toBe('File')
  })

  it("speak the person's language", () => {
    expect(items('linux', false, 'de-AT')[0]?.label).toBe('Datei')
  })
})
