import { describe, expect, it } from 'vitest'
import {
  isWebAddress,
  updateSupport,
  type UpdateSurroundings
} from '../../../app/main/desktop/update-support.ts'

const GENERIC =
  'provider: generic\nurl: https://dl.example.org/waystation\nupdaterCacheDirName: waystation-updater\n'
const at = (change: Partial<UpdateSurroundings>): UpdateSurroundings => ({
  packaged: true,
  platform: 'linux',
  feed: GENERIC,
  packageType: undefined,
  appImage: '/home/a/Waystation.AppImage',
  hasKey: true,
  ...change
})
const page = 'https://dl.example.org/waystation'

describe('what can be done about a new version', () => {
  it.each([
    ['an AppImage with a key', {}, { kind: 'install', page }],
    ['an AppImage of a build without a key', { hasKey: false }, { kind: 'notify', page }],
    ['a deb package', { packageType: 'deb', appImage: undefined }, { kind: 'notify', page }],
    ['an unpacked folder', { appImage: undefined }, { kind: 'notify', page }],
    ['a clone', { packaged: false }, { kind: 'none' }],
    ['a build without a place to look', { feed: undefined }, { kind: 'none' }],
    ['macOS, whose own updater checks', { platform: 'darwin' }, { kind: 'install' }],
    ['Windows without a publisher to check', { platform: 'win32' }, { kind: 'notify' }],
    [
      'Windows with one',
      { platform: 'win32', feed: `${GENERIC}publisherName:\n  - The Waystation authors\n` },
      { kind: 'install' }
    ]
  ] satisfies [string, Partial<UpdateSurroundings>, object][])('by %s', (_, change, expected) => {
    expect(updateSupport(at(change))).toMatchObject(expected)
  })

  it('says why wherever the person has to do it', () => {
    for (const change of [
      { hasKey: false },
      { packageType: 'rpm' },
      { appImage: undefined },
      { feed: undefined }
    ]) {
      expect(updateSupport(at(change)).cause).toMatch(/\w.*\.$/)
    }
    expect(updateSupport(at({})).cause).toBeUndefined()
  })

  it('finds the releases of a repository', () => {
    const feed = "owner: someone\nrepo: 'waystation'\nprovider: github\n"
    expect(updateSupport(at({ feed })).page).toBe('https://github.com/someone/waystation/releases')
  })

  it.each(['http://dl.example.org/', 'file:///etc/passwd', 'javascript:alert(1)', 'nonsense'])(
    'gives the browser no %s',
    url => {
      expect(isWebAddress(url)).toBe(false)
      expect(updateSupport(at({ feed: `provider: generic\nurl: ${url}\n` })).page).toBeUndefined()
    }
  )
})
