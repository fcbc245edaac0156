import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { OpenStore } from '../../../app/main/settings/file.ts'
import { SettingsKeeper } from '../../../app/main/settings/keeper.ts'
import { loadSettings } from '../../../app/main/settings/load.ts'
import { fieldOf, keys, type Key, type Settings } from '../../../app/shared/settings.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'waystation-keeper-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const file = (): string => path.join(dir, 'settings.json')
const written = (): unknown => JSON.parse(readFileSync(file(), 'utf8'))

function create(
  { argv = [], env = {} }: { argv?: string[]; env?: Record<string, string> } = {},
  content?: object,
  openStore?: OpenStore
) {
  if (content !== undefined) writeFileSync(file(), JSON.stringify(content))
  const load = { argv, env, dataDir: dir, entry: 'headless' } as const
  const loaded = loadSettings(load)
  let running = loaded.settings
  const commits: Settings[] = []
  const keeper = new SettingsKeeper(
    {
      running: () => running,
      preview: settings => ({
        needsRestart: keys.filter(
          key =>
            fieldOf(key).applies === 'restart' &&
            JSON.stringify(settings[key]) !== JSON.stringify(running[key])
        )
      }),
      apply: settings => {
        commits.push(settings)
        const changed = keys.filter(key => JSON.stringify(settings[key]) !== JSON.stringify(running[key]))
        const applied = changed.filter(key => fieldOf(key).applies === 'live')
        const live = Object.fromEntries(applied.map((key: Key) => [key, settings[key]]))
        running = { ...running, ...live }
        return { applied, needsRestart: changed.filter(key => !applied.includes(key)) }
      }
    },
    { loaded, load, openStore }
  )
  const setting = (key: Key) => keeper.describe().settings.find(each => each.key === key)
  return { keeper, commits, setting }
}

it('applies a change, writes it, and says what needs a restart', () => {
  const { keeper, commits, setting } = create()
  const change = keeper.change({ 'relay.circuits.total': '20', 'tcp.port': 4444 })
  expect(change).toEqual({
    applied: ['relay.circuits.total'],
    needsRestart: ['tcp.port'],
    restart: 'node',
    saved: true,
    warnings: []
  })
  expect(commits).toHaveLength(1)
  expect(written()).toEqual({ version: 1, tcp: { port: 4444 }, relay: { circuits: { total: 20 } } })
  expect(setting('relay.circuits.total')).toMatchObject({ value: 20, from: 'file', pending: false })
  expect(setting('tcp.port')).toMatchObject({ value: 4444, from: 'file', pending: true, locked: false })
})

it('does nothing at all if one of several values is refused', () => {
  const { keeper, commits } = create()
  expect(() => keeper.change({ 'relay.circuits.total': 20, 'tcp.port': 'http' })).toThrow('tcp.port')
  expect(() => keeper.change({ 'relay.circuits.total': 20, 'tcp.prot': 1 })).toThrow('Did you mean tcp.port?')
  // Each is right by itself.
  expect(() => keeper.change({ 'tcp.port': 5000, 'ws.port': 5000 })).toThrow('both 5000')
  expect(commits).toEqual([])
  expect(existsSync(file())).toBe(false)
})

it.each([
  [{ 'relay.circuits.total': 7 }, undefined],
  [{ 'tcp.port': 5001, 'dht.bootstrap': [] }, 'node'],
  [{ 'control.port': 5002 }, 'program'],
  [{ 'control.port': 5002, 'tcp.port': 5001 }, 'program']
])('says what it takes to apply %j', (values, restart) => {
  expect(create().keeper.change(values).restart).toBe(restart)
})

it('checks a change: every reason against it, and nothing happens', () => {
  const { keeper, commits } = create({ argv: ['--http-port', '4600'] })
  const { problems } = keeper.check({
    'relay.circuits.total': 'many',
    'tcp.prot': 1,
    'http.port': 1,
    'tcp.port': 5000,
    'ws.port': 5000,
    'listen.ip4': 'none',
    'listen.ip6': 'none'
  })
  expect(problems.map(({ code, field }) => [code, field])).toEqual([
    ['bad-setting', 'relay.circuits.total'],
    ['unknown-setting', 'tcp.prot'],
    ['setting-locked', 'http.port'],
    ['bad-setting', 'tcp.port'],
    ['nothing-to-listen-on', 'listen.ip4']
  ])
  expect(commits).toEqual([])
  expect(existsSync(file())).toBe(false)
})

it('checks a change that would be taken: what it needs, and what to know', () => {
  const { keeper, setting } = create({}, { ws: { port: 4100 } })
  const check = keeper.check({ 'ws.port': null, 'connections.total': 10 })
  expect(check).toEqual({
    problems: [],
    warnings: [expect.stringContaining('Raise connections.total')],
    needsRestart: ['ws.port']
  })
  expect(setting('ws.port')?.value).toBe(4100)
})

it('says of a file that is broken that nothing can be changed', () => {
  const { keeper } = create()
  writeFileSync(file(), '{"relay": ')
  expect(keeper.check({ 'tcp.port': 1 }).problems).toMatchObject([{ code: 'settings-file-broken' }])
})

it('says the default that holds in the desktop app', () => {
  const load = { argv: [], env: {}, dataDir: dir, entry: 'desktop' } as const
  const loaded = loadSettings(load)
  const { settings } = loaded
  const keeper = new SettingsKeeper(
    {
      running: () => settings,
      preview: () => ({ needsRestart: [] }),
      apply: () => ({ applied: [], needsRestart: [] })
    },
    { loaded, load }
  )
  const found = keeper.describe().settings.find(({ key }) => key === 'relay.enabled')
  expect(found).toMatchObject({ value: false, default: false, from: 'default' })
})

it('puts a default back by null', () => {
  const { keeper, setting } = create({}, { relay: { circuits: { total: 5 } }, ws: { port: 4100 } })
  expect(keeper.change({ 'relay.circuits.total': null })).toMatchObject({ applied: ['relay.circuits.total'] })
  expect(written()).toEqual({ version: 1, ws: { port: 4100 } })
  expect(setting('relay.circuits.total')).toMatchObject({ value: 512, from: 'default' })
})

it('refuses to write a setting that a flag or a variable goes before', () => {
  const { keeper, setting } = create({
    argv: ['--relay-circuits-total', '9'],
    env: { WAYSTATION_TCP_PORT: '4500' }
  })
  expect(() => keeper.change({ 'relay.circuits.total': 1 })).toThrow('--relay-circuits-total')
  expect(() => keeper.change({ 'tcp.port': 1 })).toThrow('WAYSTATION_TCP_PORT')
  expect(setting('tcp.port')).toMatchObject({ locked: true, from: 'environment', value: 4500 })
})

it('understands a setting by the name of its flag', () => {
  const { keeper } = create()
  expect(keeper.change({ 'relay-circuits-total': 3 }).applied).toEqual(['relay.circuits.total'])
})

it('reads the file anew, and keeps all as it was if the file is broken', () => {
  const { keeper, commits } = create()
  writeFileSync(file(), '{"relay": {"circuits": {"total": 11}}}')
  expect(keeper.reload()).toMatchObject({ applied: ['relay.circuits.total'], needsRestart: [] })
  writeFileSync(file(), '{"relay": ')
  expect(() => keeper.reload()).toThrow('is not JSON')
  expect(() => keeper.change({ 'tcp.port': 1 })).toThrow('is not JSON')
  expect(commits).toHaveLength(1)
  expect(keeper.loaded.settings['relay.circuits.total']).toBe(11)
})

it('says that a change is in force though the disk was too full to write it', () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  const openStore = () => ({
    get store(): Record<string, unknown> {
      return {}
    },
    set store(_content) {
      throw full
    }
  })
  const { keeper, commits } = create({}, {}, openStore)
  const change = keeper.change({ 'relay.circuits.total': 20 })
  expect(change).toMatchObject({ applied: ['relay.circuits.total'], saved: false })
  expect(change.warnings).toEqual([expect.stringMatching(/Make room on the disk.*in force/)])
  expect(commits[0]?.['relay.circuits.total']).toBe(20)
})
