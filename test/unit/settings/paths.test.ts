import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultDataDir, resolveDataDir } from '../../../app/main/settings/paths.ts'

describe('the data folder', () => {
  it.each<[NodeJS.Platform, Record<string, string>, string, string]>([
    ['linux', {}, '/home/a', '/home/a/.config/waystation'],
    ['linux', { XDG_CONFIG_HOME: '/x' }, '/home/a', '/x/waystation'],
    ['linux', { XDG_CONFIG_HOME: 'relative' }, '/home/a', '/home/a/.config/waystation'],
    ['linux', { XDG_CONFIG_HOME: '' }, '/home/a', '/home/a/.config/waystation'],
    ['linux', { STATE_DIRECTORY: '/var/lib/waystation' }, '/home/a', '/var/lib/waystation'],
    ['linux', { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, '/', '/var/lib/a'],
    ['linux', { STATE_DIRECTORY: '/var/lib/a' }, '', '/var/lib/a'],
    ['freebsd', {}, '/home/a', '/home/a/.config/waystation'],
    ['darwin', { XDG_CONFIG_HOME: '/x' }, '/Users/a', '/Users/a/Library/Application Support/waystation'],
    [
      'win32',
      { APPDATA: 'C:\\Users\\a\\AppData\\Roaming' },
      '',
      'C:\\Users\\a\\AppData\\Roaming\\waystation'
    ],
    ['win32', {}, 'C:\\Users\\a', 'C:\\Users\\a\\AppData\\Roaming\\waystation']
  ])('on %s with %j is the usual one', (platform, env, home, folder) => {
    expect(defaultDataDir(platform, env, home)).toBe(folder)
  })

  it.each<[NodeJS.Platform, string | undefined]>([
    ['linux', undefined],
    ['linux', ''],
    ['darwin', ''],
    ['win32', '']
  ])('without a home on %s, one must be given', (platform, home) => {
    expect(() => defaultDataDir(platform, {}, home)).toThrow('--data-dir')
  })

  it('is the one of the flag, then of the environment', () => {
    const env = { WAYSTATION_DATA_DIR: '/from/environment' }
    expect(resolveDataDir('/from/flag', env)).toBe(path.resolve('/from/flag'))
    expect(resolveDataDir(undefined, env)).toBe(path.resolve('/from/environment'))
    expect(resolveDataDir('here', env)).toBe(path.resolve('here'))
  })

  it('an empty variable counts as not set', () => {
    const env = { WAYSTATION_DATA_DIR: '', STATE_DIRECTORY: '/s', HOME: '/h', USERPROFILE: 'C:\\h' }
    expect(resolveDataDir(undefined, env)).toBe(defaultDataDir(process.platform, env, '/h'))
  })
})
