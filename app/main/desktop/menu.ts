import type { MenuItemConstructorOptions } from 'electron'
import { PAGES, type Page } from '../../shared/pages.ts'
import type { ShellTexts } from './shell-texts.ts'

export interface MenuActions {
  openPage: (page: Page) => void
  zoom: (direction: 'in' | 'out' | 'none') => void
  showDataFolder: () => void
  quit: () => void
}

export interface MenuOptions {
  platform: NodeJS.Platform
  texts: ShellTexts
  devTools: boolean
}

type Item = MenuItemConstructorOptions

const SEPARATOR: Item = { type: 'separator' }

/** The menus, with the platform's shortcuts; those of the pages are Ctrl or Cmd and their number. */
export function menuTemplate(actions: MenuActions, { platform, texts, devTools }: MenuOptions): Item[] {
  const say = texts.menu
  const isMac = platform === 'darwin'
  const quit: Item = { id: 'quit', label: say.quit, accelerator: 'CmdOrCtrl+Q', click: actions.quit }
  const close: Item = { role: 'close', label: say.close }
  return [
    ...(isMac ? [appMenu(say, quit)] : []),
    { label: say.file, submenu: isMac ? [close] : [close, SEPARATOR, quit] },
    editMenu(say),
    { label: say.view, submenu: [...pages(actions, say), SEPARATOR, ...viewItems(actions, say, devTools)] },
    ...(isMac ? [windowMenu(say)] : []),
    {
      role: 'help',
      label: say.help,
      submenu: [
        { id: 'data-folder', label: say.dataFolder, click: actions.showDataFolder },
        ...(isMac ? [] : [{ role: 'about', label: say.about } satisfies Item])
      ]
    }
  ]
}

type Labels = ShellTexts['menu']

function appMenu(say: Labels, quit: Item): Item {
  return {
    label: 'Waystation',
    submenu: [
      { role: 'about', label: say.about },
      SEPARATOR,
      { role: 'services', label: say.services },
      SEPARATOR,
      { role: 'hide', label: say.hide },
      { role: 'hideOthers', label: say.hideOthers },
      { role: 'unhide', label: say.showAll },
      SEPARATOR,
      quit
    ]
  }
}

function editMenu(say: Labels): Item {
  return {
    label: say.edit,
    submenu: [
      { role: 'undo', label: say.undo },
      { role: 'redo', label: say.redo },
      SEPARATOR,
      { role: 'cut', label: say.cut },
      { role: 'copy', label: say.copy },
      { role: 'paste', label: say.paste },
      { role: 'selectAll', label: say.selectAll }
    ]
  }
}

function pages(actions: MenuActions, say: Labels): Item[] {
  return PAGES.map((page, index) => ({
    id: `page-${page}`,
    label: say.pages[page],
    accelerator: `CmdOrCtrl+${index + 1}`,
    click: () => actions.openPage(page)
  }))
}

/** The zoom is ours rather than a role's, because it is kept. */
function viewItems({ zoom }: MenuActions, say: Labels, devTools: boolean): Item[] {
  const developer: Item[] = [
    SEPARATOR,
    { role: 'reload', label: say.reload },
    { role: 'toggleDevTools', label: say.devTools }
  ]
  // Ctrl and the plus sign needs Shift on some keyboards, and the keypad has its own.
  const alternative = (accelerator: string): Item => ({
    label: say.zoomIn,
    accelerator,
    click: () => zoom('in'),
    visible: false,
    acceleratorWorksWhenHidden: true
  })
  return [
    { id: 'zoom-in', label: say.zoomIn, accelerator: 'CmdOrCtrl+Plus', click: () => zoom('in') },
    alternative('CmdOrCtrl+='),
    { id: 'zoom-out', label: say.zoomOut, accelerator: 'CmdOrCtrl+-', click: () => zoom('out') },
    { id: 'zoom-reset', label: say.zoomReset, accelerator: 'CmdOrCtrl+0', click: () => zoom('none') },
    SEPARATOR,
    { role: 'togglefullscreen', label: say.fullScreen },
    ...(devTools ? developer : [])
  ]
}

function windowMenu(say: Labels): Item {
  return {
    label: say.window,
    role: 'windowMenu',
    submenu: [
      { role: 'minimize', label: say.minimise },
      { role: 'front', label: say.front }
    ]
  }
}
