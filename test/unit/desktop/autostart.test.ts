import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createAutostart,
  type Autostart,
  type AutostartComponents,
  type AutostartOptions
} from '../../../app/main/desktop/autostart.ts'
import { execLine, parseDesktopEntry } from '../../../app/main/desktop/desktop-entry.ts'

let home: string
let file: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'waystation-autostart-'))
  file = path.join(home, '.config', 'autostart', 'waystation.desktop')
})
afterEach(() => rmSync(home, { recursive: true }))

const noApp: AutostartComponents['app'] = {
  getLoginItemSettings: () => {
    throw new Error('not on Linux')
  },
  setLoginItemSettings: () => {
    throw new Error('not on Linux')
  }
}

const linux = (change: Partial<AutostartOptions> = {}): Autostart =>
  createAutostart(
    { app: noApp },
    { platform: 'linux', packaged: true, execPath: '/opt/Waystation/waystation', env: {}, home, ...change }
  )
const execOf = (): string => parseDesktopEntry(readFileSync(file, 'utf8')).get('Exec') ?? ''

/** Reads a command line as the Desktop Entry specification says, with no code of ours. */
function readExec(exec: string): string[] {
  const value = exec.replace(/\\\\/g, '\\')
  const parts = [...value.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)]
  return parts.map(([, quoted, bare]) => (quoted?.replace(/\\(.)/g, '$1') ?? bare!).replaceAll('%%', '%'))
}

describe('start at login on Linux', () => {
  it('is off, goes on hidden, and leaves nothing when it goes off', async () => {
    const autostart = linux()
    expect(await autostart.state()).toEqual({ supported: true, on: false })
    expect(await autostart.set(true)).toEqual({ supported: true, on: true })
    expect(execOf()).toBe('/opt/Waystation/waystation --hidden')
    expect(await autostart.set(false)).toEqual({ supported: true, on: false })
    expect(() => readFileSync(file)).toThrow('ENOENT')
  })

  it('starts the AppImage itself, not what it mounted, with the data folder that was given', async () => {
    const appImage = path.join(home, 'My Apps', 'Waystation $1 100%.AppImage')
    await linux({ env: { APPIMAGE: appImage }, dataDir: '/srv/a "b" \\c`d' }).set(true)
    expect(readExec(execOf())).toEqual([appImage, '--hidden', '--data-dir', '/srv/a "b" \\c`d'])
  })

  it.each(['Hidden=true', 'X-GNOME-Autostart-enabled=false'])('counts as off with %s', async line => {
    const autostart = linux()
    await autostart.set(true)
    const text = readFileSync(file, 'utf8').replace('X-GNOME-Autostart-enabled=true\n', '')
    writeFileSync(file, `${text}${line}\n[Other]\nHidden=false\n`)
    expect(await autostart.state()).toEqual({ supported: true, on: false })
    // What the person switched off elsewhere is not written anew at a start.
    await autostart.start()
    expect(readFileSync(file, 'utf8')).toContain(line)
  })

  it('follows a program that has moved', async () => {
    await linux().set(true)
    await linux({ execPath: '/usr/local/bin/waystation' }).start()
    expect(execOf()).toBe('/usr/local/bin/waystation --hidden')
  })

  it('writes no entry at a start where none was', async () => {
    await linux().start()
    expect(() => readFileSync(file)).toThrow('ENOENT')
  })

  it('goes by XDG_CONFIG_HOME, unless it is relative', async () => {
    const config = path.join(home, 'elsewhere')
    await linux({ env: { XDG_CONFIG_HOME: config } }).set(true)
    expect(readFileSync(path.join(config, 'autostart', 'waystation.desktop'), 'utf8')).toContain('Exec=')
    await linux({ env: { XDG_CONFIG_HOME: 'relative' } }).set(true)
    expect(execOf()).not.toBe('')
  })

  it('is not offered from a clone, and does nothing there', async () => {
    const autostart = linux({ packaged: false })
    expect(await autostart.set(true)).toEqual({ supported: false, on: false })
    expect(() => readFileSync(file)).toThrow('ENOENT')
  })

  it('says which folder cannot be written', async () => {
    mkdirSync(path.join(home, '.config'))
    writeFileSync(path.join(home, '.config', 'autostart'), 'a file in the way')
    await expect(linux().set(true)).rejects.toMatchObject({ code: 'file-unwritable', details: { file } })
    expect(await linux().state()).toEqual({ supported: true, on: false })
  })

  it('refuses what no entry can hold', () => {
    expect(() => execLine(['/bin/a', 'b\nc'])).toThrow('control characters')
  })
})

describe('start at login on Windows and macOS', () => {
  interface Item {
    openAtLogin: boolean
    path?: string
    args?: string[]
  }
  /** As the registry: what is set is found again only with the same path and arguments. */
  function system(): { app: AutostartComponents['app']; item: () => Item | undefined; disable: () => void } {
    let set: Item | undefined
    let allowed = true
    const same = (a: Item | undefined, b: Partial<Item>): boolean =>
      a?.path === b.path && JSON.stringify(a?.args) === JSON.stringify(b.args)
    return {
      item: () => set,
      disable: () => (allowed = false),
      app: {
        setLoginItemSettings: settings => void (set = settings as Item),
        getLoginItemSettings: (options = {}) => ({
          openAtLogin: set?.openAtLogin === true && same(set, options),
          executableWillLaunchAtLogin: allowed,
          wasOpenedAtLogin: true,
          status: 'enabled',
          launchItems: []
        })
      }
    }
  }

  it('quotes what has spaces for the registry, and finds it again', async () => {
    const { app, item, disable } = system()
    const execPath = 'C:\\Users\\A B\\Waystation.exe'
    const autostart = createAutostart(
      { app },
      { platform: 'win32', packaged: true, execPath, env: {}, home, dataDir: 'D:\\My data' }
    )
    expect(await autostart.set(true)).toEqual({ supported: true, on: true })
    expect(item()).toEqual({
      openAtLogin: true,
      path: `"${execPath}"`,
      args: ['--hidden', '--data-dir', '"D:\\My data"']
    })
    disable()
    expect(await autostart.state()).toEqual({ supported: true, on: false })
  })

  it('leaves the arguments to macOS, which has none, and asks it whether this was the login', async () => {
    const { app, item } = system()
    const options = { packaged: true, execPath: '/Applications/Waystation.app', env: {}, home }
    const autostart = createAutostart({ app }, { ...options, platform: 'darwin' })
    await autostart.set(true)
    expect(item()).toEqual({ openAtLogin: true })
    expect(autostart.startedHidden([])).toBe(true)
    const windows = createAutostart({ app }, { ...options, platform: 'win32' })
    expect(windows.startedHidden([])).toBe(false)
    expect(windows.startedHidden(['Waystation.exe', '--hidden'])).toBe(true)
  })
})
