import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSettings, type Loaded } from '../../../app/main/settings/load.ts'
import { AppError } from '../../../app/shared/errors.ts'
import { defaultsOf, environmentNameOf, flagOf, keys, type Entry } from '../../../app/shared/settings.ts'

let dataDir: string
let file: string
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'waystation-load-'))
  file = path.join(dataDir, 'settings.json')
})
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true })
})

interface Given {
  argv?: string[]
  env?: Record<string, string>
  entry?: Entry
  content?: unknown
}

function load({ argv = [], env = {}, entry = 'headless', content }: Given = {}): Loaded {
  if (content !== undefined) writeFileSync(file, JSON.stringify(content))
  return loadSettings({ argv, env, entry, dataDir })
}

function codeOf(given: Given): string {
  try {
    load(given)
    return 'none'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

describe('where a value comes from', () => {
  const argv = ['--relay-circuits-total', '1']
  const env = { WAYSTATION_RELAY_CIRCUITS_TOTAL: '2' }
  const content = { relay: { circuits: { total: 3 } } }

  it.each([
    ['a flag before all', { argv, env, content }, 1, { from: 'flag', name: '--relay-circuits-total' }],
    [
      'the environment before the file',
      { env, content },
      2,
      { from: 'environment', name: 'WAYSTATION_RELAY_CIRCUITS_TOTAL' }
    ],
    ['the file before the default', { content }, 3, { from: 'file' }],
    ['the default last', {}, 512, { from: 'default' }]
  ])('%s', (_, given, value, source) => {
    const { settings, sources } = load(given)
    expect(settings['relay.circuits.total']).toBe(value)
    expect(sources['relay.circuits.total']).toEqual(
      source.from === 'file' ? { ...source, name: file } : source
    )
  })

  it('--port wins over WAYSTATION_TCP_PORT, as any flag does', () => {
    const { settings, sources } = load({ argv: ['--port', '9000'], env: { WAYSTATION_TCP_PORT: '1' } })
    expect(settings['tcp.port']).toBe(9000)
    expect(sources['tcp.port']).toEqual({ from: 'flag', name: '--port' })
  })

  it.each(keys)('%s has a source', key => {
    expect(load().sources[key]).toEqual({ from: 'default' })
  })

  it('no folder and no file is made', () => {
    load()
    expect(readdirSync(dataDir)).toEqual([])
  })
})

describe('the profile', () => {
  it.each<[string, Given, string]>([
    ['is server headless', {}, 'server'],
    ['is home on the desktop', { entry: 'desktop' }, 'home'],
    ['is the one of the file', { entry: 'desktop', content: { profile: 'introducer' } }, 'introducer'],
    [
      'is the one of the environment',
      { env: { WAYSTATION_PROFILE: 'home' }, content: { profile: 'introducer' } },
      'home'
    ],
    [
      'is the one of the flag',
      { argv: ['--profile', 'introducer'], env: { WAYSTATION_PROFILE: 'home' } },
      'introducer'
    ]
  ])('%s', (_, given, profile) => {
    const loaded = load(given)
    expect(loaded.profile).toBe(profile)
    expect(loaded.settings).toEqual(defaultsOf(loaded.profile, given.entry))
  })

  it('decides defaults only', () => {
    const { settings } = load({ argv: ['--profile', 'introducer', '--relay-circuits-total', '7'] })
    expect(settings['relay.circuits.total']).toBe(7)
    expect(settings['relay.circuits.durationSeconds']).toBe(120)
  })
})

describe('what stops the start', () => {
  it.each<[string, Given, string]>([
    ['an unknown flag', { argv: ['--prot', '1'] }, 'unknown-flag'],
    ['a bad variable', { env: { WAYSTATION_TCP_PORT: 'x' } }, 'bad-setting'],
    ['a bad value in the file', { content: { tcp: { port: 'x' } } }, 'bad-setting'],
    [
      'a bad value in the file, even under a flag',
      { argv: ['--tcp-port', '1'], content: { tcp: { port: 'x' } } },
      'bad-setting'
    ],
    ['a section of the file with a value', { content: { tcp: 4001 } }, 'unknown-setting'],
    ['a newer file', { content: { version: 9 } }, 'settings-file-newer'],
    ['one port for two', { argv: ['--tcp-port', '4003'] }, 'bad-setting'],
    [
      'nothing to listen on',
      { argv: ['tcp', 'quic', 'ws', 'webrtc-direct'].map(name => `--no-${name}-enabled`) },
      'nothing-to-listen-on'
    ]
  ])('%s', (_, given, code) => {
    expect(codeOf(given)).toBe(code)
  })
})

describe('a setting that this version does not know', () => {
  it('is warned of, and the rest is in force', () => {
    const { settings, warnings } = load({ content: { tcp: { prot: 1, port: 5001 } } })
    expect(settings['tcp.port']).toBe(5001)
    expect(warnings).toEqual([expect.stringContaining('Did you mean tcp.port?')])
  })
})

describe('relaying', () => {
  it.each<[string, Given, boolean, string]>([
    ['is off in the desktop app', { entry: 'desktop' }, false, 'default'],
    [
      'is off there whatever the profile is',
      { entry: 'desktop', argv: ['--profile', 'server'] },
      false,
      'default'
    ],
    [
      'is on there once the file says so',
      { entry: 'desktop', content: { relay: { enabled: true } } },
      true,
      'file'
    ],
    ['is on headless', { argv: ['--profile', 'home'] }, true, 'default']
  ])('%s', (_, given, enabled, from) => {
    const { settings, sources } = load(given)
    expect(settings['relay.enabled']).toBe(enabled)
    expect(sources['relay.enabled'].from).toBe(from)
  })
})

describe('beside the settings', () => {
  it('warnings are gathered', () => {
    const { warnings } = load({ env: { WAYSTATION_FOO: '1' }, argv: ['--connections-total', '10'] })
    expect(warnings).toHaveLength(2)
  })

  it('a chosen settings file that is missing is warned of', () => {
    const chosen = path.join(dataDir, 'typo.json')
    expect(load({ argv: ['--config', chosen] }).warnings[0]).toContain(chosen)
    expect(load({ env: { WAYSTATION_CONFIG: chosen } }).file).toBe(chosen)
  })

  it('--config wins over WAYSTATION_CONFIG', () => {
    writeFileSync(path.join(dataDir, 'a.json'), '{"tcp": {"port": 7}}')
    const loaded = load({
      argv: ['--config', path.join(dataDir, 'a.json')],
      env: { WAYSTATION_CONFIG: '/nowhere' }
    })
    expect(loaded.settings['tcp.port']).toBe(7)
  })

  it('the data folder, the key file and the listeners asked for are passed on', () => {
    const loaded = loadSettings({
      argv: ['--data-dir', dataDir, '--identity', 'k', '--ws-port', '1'],
      env: {},
      entry: 'headless'
    })
    expect(loaded).toMatchObject({ dataDir, identity: 'k', listenerFlags: new Set(['ws']) })
  })

  it('all flags and all variables at once give the same settings', () => {
    const wanted = defaultsOf('introducer')
    const text = (key: (typeof keys)[number]): string => JSON.stringify(wanted[key]).replace(/^"(.*)"$/, '$1')
    const byFlag = load({ argv: keys.map(key => `${flagOf(key)}=${text(key)}`) })
    const byVariable = load({ env: Object.fromEntries(keys.map(key => [environmentNameOf(key), text(key)])) })
    expect(byFlag.settings).toEqual(wanted)
    expect(byVariable.settings).toEqual(wanted)
  })
})
