import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  readSettingsFile,
  saveSettings,
  settingsFilePath,
  type OpenStore
} from '../../../app/main/settings/file.ts'
import { AppError } from '../../../app/shared/errors.ts'
import { asOrdinaryUser } from '../../support/ordinary-user.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'waystation-settings-'))
  file = path.join(folder, 'settings.json')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function errorOf(action: () => unknown): AppError {
  try {
    action()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const read = (content: unknown): object => {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return Object.fromEntries([...readSettingsFile(file).given].map(([key, { value }]) => [key, value]))
}
const refused = (content: unknown): AppError => errorOf(() => read(content))
const failing = (code: string): OpenStore => {
  return () => {
    throw Object.assign(new Error(`${code}: no`), { code })
  }
}

describe('reading the settings file', () => {
  it('gives nothing and makes nothing where there is no file', () => {
    const missing = path.join(folder, 'not', 'there', 'settings.json')
    expect(readSettingsFile(missing)).toEqual({
      path: missing,
      exists: false,
      given: new Map(),
      warnings: []
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('reads nested sections, values with units and the file’s name as source', () => {
    const content = {
      version: 1,
      relay: { reservations: { total: 64 }, circuits: { bytesEachWay: '1MiB' } },
      announce: []
    }
    expect(read(content)).toEqual({
      'relay.reservations.total': 64,
      'relay.circuits.bytesEachWay': 1_048_576,
      announce: []
    })
    expect(readSettingsFile(file).given.get('relay.reservations.total')?.name).toBe(file)
  })

  it('reads dotted names, a file without a version and one with a byte order mark', () => {
    expect(read('\uFEFF{"relay.reservations.total": 64, "relay": {"circuits.total": 5}}')).toEqual({
      'relay.reservations.total': 64,
      'relay.circuits.total': 5
    })
  })

  it('leaves the file as it is, byte for byte', () => {
    const text = '{\n\t"tcp":   {"port": "4_005"}\r\n}\n\n'
    writeFileSync(file, text, { mode: 0o644 })
    const before = statSync(file)
    readSettingsFile(file)
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(statSync(file)).toMatchObject({ mtimeMs: before.mtimeMs, ino: before.ino, mode: before.mode })
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })

  it.each(['relay.conf', 'relay', '.relay', 'a.b.json'])('reads a file called %s', name => {
    const other = path.join(folder, name)
    writeFileSync(other, '{"tcp": {"port": 7}}')
    expect(readSettingsFile(other).given.get('tcp.port')?.value).toBe(7)
  })
})

describe('a settings file that is no good', () => {
  it('is kept byte for byte, and the line is named and shown', () => {
    const text = '{\n  "relay": {\n    "reservations": { "total": sixty }\n  }\n}\n'
    const error = refused(text)
    expect(error.code).toBe('settings-file-broken')
    expect(error.details).toMatchObject({ file, line: 3, column: 32 })
    expect(error.message).toContain(`${file} is not JSON: line 3, column 32: expected a value.`)
    const lines = error.message.split('\n')
    expect(lines[1]).toBe('      "reservations": { "total": sixty }')
    expect(lines[2]?.indexOf('^')).toBe(lines[1]?.indexOf('sixty'))
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })

  it('is not saved over either', () => {
    writeFileSync(file, '{"tcp": ')
    expect(errorOf(() => saveSettings(file, { 'tcp.port': 1 })).code).toBe('settings-file-broken')
    expect(readFileSync(file, 'utf8')).toBe('{"tcp": ')
  })

  it('shows the part of a long line that matters', () => {
    const error = refused(`{"access": {"deny": [${'"10.0.0.0/8",'.repeat(500)}]}}`)
    const [, shown = '', mark = ''] = error.message.split('\n')
    expect(shown.length).toBeLessThan(100)
    expect(shown[mark.indexOf('^')]).toBe(']')
  })

  it.each(['', '  \n'])('may be empty: %j', text => {
    expect(refused(text).message).toContain(`${file} is empty.`)
  })

  it.each(['[]', '"text"', 'null', '5'])('must be an object, not %s', text => {
    expect(refused(text)).toMatchObject({ code: 'settings-file-broken' })
    expect(refused(text).message).toContain('one JSON object')
  })

  it('may be newer than this version', () => {
    const error = refused({ version: 2, tomorrow: true })
    expect(error.code).toBe('settings-file-newer')
    expect(error.message).toContain(
      `${file} was written by a newer Waystation: it is version 2, and this one knows version 1.`
    )
  })

  it.each([0, -1, 1.5, '1', null])('may have the version %j, which is none', version => {
    expect(refused({ version })).toMatchObject({ code: 'settings-file-broken' })
  })

  it.each([
    [
      { relay: { reservation: { total: 1 } } },
      'relay.reservation.total',
      'Did you mean relay.reservations.total?'
    ],
    [{ tcp: { prot: 1 } }, 'tcp.prot', 'Did you mean tcp.port?'],
    [{ colour: 'red' }, 'colour', 'does nothing.'],
    [{ nothing: {} }, 'nothing', 'does nothing.'],
    [{ constructor: 1 }, 'constructor', 'does nothing.']
  ])('may hold an unknown setting, which is warned of: %j', (content, name, hint) => {
    expect(read(content)).toEqual({})
    const { warnings } = readSettingsFile(file)
    expect(warnings).toEqual([
      expect.stringContaining(`${file} has a setting "${name}", which is unknown here, and does nothing.`)
    ])
    expect(warnings[0]).toContain(hint)
  })

  it('may give a section a value', () => {
    const error = refused({ tcp: 4001 })
    expect(error).toMatchObject({ code: 'unknown-setting', details: { setting: 'tcp', file } })
    expect(error.message).toContain('It is a section, with tcp.enabled, tcp.port in it.')
  })

  it('may hold a bad value, and the file is named', () => {
    const error = refused({ tcp: { port: 70_000 } })
    expect(error).toMatchObject({ code: 'bad-setting', details: { setting: 'tcp.port' } })
    expect(error.message).toContain(`tcp.port (given by ${file}) cannot be 70000.`)
  })

  it('may hold an object for a value', () => {
    expect(refused({ announce: { a: 1 } })).toMatchObject({
      code: 'bad-setting',
      details: { setting: 'announce' }
    })
  })

  it('may give a setting twice', () => {
    expect(refused({ 'tcp.port': 1, tcp: { port: 2 } }).message).toContain('tcp.port is given twice')
  })

  it('may be a folder', () => {
    mkdirSync(file)
    const error = errorOf(() => readSettingsFile(file))
    expect(error).toMatchObject({ code: 'settings-file-unreadable', details: { file, system: 'EISDIR' } })
    expect(error.message).toContain(file)
  })

  it('may lie below a file', () => {
    writeFileSync(file, '{}')
    expect(errorOf(() => readSettingsFile(path.join(file, 'x'))).code).toBe('settings-file-unreadable')
  })

  it('may be forbidden', () => {
    writeFileSync(file, '{}')
    expect(errorOf(() => readSettingsFile(file, failing('EACCES')))).toMatchObject({
      code: 'settings-file-unreadable'
    })
  })

  it.runIf(process.platform !== 'win32')('may be forbidden for real', async () => {
    writeFileSync(file, '{}')
    chmodSync(file, 0)
    chmodSync(path.dirname(file), 0o755)

    const error = await asOrdinaryUser(async () => errorOf(() => readSettingsFile(file)))

    expect(error).toMatchObject({ code: 'settings-file-unreadable' })
  })
})

describe('saving settings', () => {
  it('makes the folder and the file, for its owner only, with the version', () => {
    const deep = path.join(folder, 'new', 'settings.json')
    saveSettings(deep, { 'relay.reservations.total': '64', announceIp: '203.0.113.7' })
    expect(JSON.parse(readFileSync(deep, 'utf8'))).toEqual({
      version: 1,
      announceIp: ['203.0.113.7'],
      relay: { reservations: { total: 64 } }
    })
    if (process.platform !== 'win32') expect(statSync(deep).mode & 0o777).toBe(0o600)
  })

  it('keeps what else the file holds, as it was written', () => {
    writeFileSync(file, '{"relay": {"circuits": {"bytesEachWay": "1 GiB", "total": 5}}}')
    saveSettings(file, { 'relay.circuits.total': 6, profile: 'home' })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      version: 1,
      profile: 'home',
      relay: { circuits: { bytesEachWay: '1 GiB', total: 6 } }
    })
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })

  it.each<object>([
    { future: { speed: 9, names: ['a', 'b'] }, relay: { newer: true } },
    { relay: { circuits: { colours: 'red' } } },
    { constructor: { name: 'x', deep: { er: 1 } } },
    { nothing: {} }
  ])('keeps what a newer version has put there: %j', content => {
    writeFileSync(file, JSON.stringify(content))
    saveSettings(file, { 'ws.port': 7 })
    saveSettings(file, { 'ws.port': undefined })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, ...content })
    expect(({} as { deep?: unknown }).deep).toBeUndefined()
  })

  it.each([
    ['below a setting', '{"tcp.port.of": 5}'],
    ['below one that is given too', '{"tcp": {"port": 3}, "tcp.port.of": 5}'],
    ['below one that is unknown too', '{"a": 1, "a.b": 2}'],
    ['called like what every object has', '{"__proto__": {"tcp": 1}, "toString": {"length": 2}}']
  ])('keeps an unknown setting %s, so that the file is read the same again', (_, text) => {
    writeFileSync(file, text)
    const before = readSettingsFile(file)
    saveSettings(file, { 'ws.port': 7 })
    saveSettings(file, { 'ws.port': undefined })
    const after = readSettingsFile(file)
    expect(after.given).toEqual(before.given)
    expect([...after.warnings].sort()).toEqual([...before.warnings].sort())
    expect(before.warnings.length).toBeGreaterThan(0)
    expect(({} as { tcp?: unknown }).tcp).toBeUndefined()
  })

  it('takes a key out by undefined, so that its default applies again', () => {
    saveSettings(file, { 'tcp.port': 1, 'ws.port': 2 })
    saveSettings(file, { 'tcp.port': undefined })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, ws: { port: 2 } })
  })

  it('writes nothing if one value is refused', () => {
    saveSettings(file, { 'tcp.port': 1 })
    const before = readFileSync(file, 'utf8')
    expect(errorOf(() => saveSettings(file, { 'ws.port': 2, 'tcp.port': 'x' })).details.setting).toBe(
      'tcp.port'
    )
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('replaces what a link points at, and keeps the link', () => {
    const target = path.join(folder, 'target.json')
    writeFileSync(target, '{}')
    symlinkSync(target, file)
    saveSettings(file, { 'tcp.port': 1 })
    expect(readFileSync(target, 'utf8')).toContain('"port"')
    expect(readSettingsFile(file).given.get('tcp.port')?.value).toBe(1)
  })

  it.each([
    ['ENOSPC', 'disk-full'],
    ['EROFS', 'settings-file-unreadable']
  ])('says what is wrong on %s', (system, code) => {
    const error = errorOf(() => saveSettings(file, { 'tcp.port': 1 }, failing(system)))
    expect(error).toMatchObject({ code, details: { file, system } })
    expect(existsSync(file)).toBe(false)
  })
})

describe('the settings file', () => {
  it('is settings.json of the data folder unless another is chosen', () => {
    expect(settingsFilePath('/data')).toBe(path.join('/data', 'settings.json'))
    expect(settingsFilePath('/data', '/etc/relay.json')).toBe(path.resolve('/etc/relay.json'))
  })
})
