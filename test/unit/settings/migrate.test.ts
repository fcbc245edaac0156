import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSettingsFile, saveSettings, type SettingsPatch } from '../../../app/main/settings/file.ts'
import type { Step } from '../../../app/main/settings/migrate.ts'
import { AppError } from '../../../app/shared/errors.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'waystation-migrate-'))
  file = path.join(folder, 'settings.json')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const rename =
  (from: string, to: string): Step =>
  old =>
    new Map([...old].map(([name, value]) => [name === from ? to : name, value]))

/** Version 1 says `slots`, version 2 `reservations`, version 3 as today. */
const STEPS = [rename('slots', 'reservations'), rename('reservations', 'relay.reservations.total')]

const write = (content: unknown): string => {
  const text = `${JSON.stringify(content, undefined, 4)}\n`
  writeFileSync(file, text)
  return text
}
const read = (steps: readonly Step[] = STEPS): object => {
  const { given } = readSettingsFile(file, undefined, steps)
  return Object.fromEntries([...given].map(([key, { value }]) => [key, value]))
}
const save = (patch: SettingsPatch): void => saveSettings(file, patch, undefined, STEPS)
const written = (): unknown => JSON.parse(readFileSync(file, 'utf8'))
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action()
    return undefined
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('a settings file of an older version', () => {
  it.each([
    ['the first version', { version: 1, slots: 5 }],
    ['no version, which is the first', { slots: 5 }],
    ['the second version', { version: 2, reservations: 5 }],
    ['today’s version', { version: 3, relay: { reservations: { total: 5 } } }]
  ])('is read by what its settings are called now: %s', (_name, content) => {
    write(content)
    expect(read()).toEqual({ 'relay.reservations.total': 5 })
  })

  it('is left as it is by reading', () => {
    const text = write({ slots: 5 })
    read()
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })

  it('is kept byte for byte beside the new one when that is saved, for its owner only', () => {
    const text = write({ slots: 5, tcp: { port: 7 } })
    save({ 'tcp.port': 8 })
    expect(written()).toEqual({ version: 3, relay: { reservations: { total: 5 } }, tcp: { port: 8 } })
    expect(readFileSync(`${file}.v1`, 'utf8')).toBe(text)
    if (process.platform !== 'win32') expect(statSync(`${file}.v1`).mode & 0o777).toBe(0o600)
  })

  it('is kept once, however often the new one is saved', () => {
    const text = write({ version: 2, reservations: 5 })
    save({ 'tcp.port': 8 })
    save({ 'tcp.port': 9 })
    expect(readdirSync(folder).sort()).toEqual(['settings.json', 'settings.json.v2'])
    expect(readFileSync(`${file}.v2`, 'utf8')).toBe(text)
  })

  it('does not replace a copy that was kept before', () => {
    const first = write({ slots: 5 })
    save({ 'tcp.port': 8 })
    const second = write({ slots: 6 })
    save({ 'tcp.port': 8 })
    expect(readFileSync(`${file}.v1`, 'utf8')).toBe(first)
    expect(readFileSync(`${file}.v1-2`, 'utf8')).toBe(second)
  })

  it('is neither copied nor changed when a value is refused', () => {
    const text = write({ slots: 5 })
    expect(codeOf(() => save({ 'tcp.port': 'x' }))).toBe('bad-setting')
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })

  it('is not saved over when it cannot be kept', () => {
    const text = write({ slots: 5 })
    // A name that is too long for a copy of it.
    const long = path.join(folder, 'x'.repeat(254))
    writeFileSync(long, text)
    expect(codeOf(() => saveSettings(long, { 'tcp.port': 8 }, undefined, STEPS))).toBe(
      'settings-file-unreadable'
    )
    expect(readFileSync(long, 'utf8')).toBe(text)
  })

  it('has its old names no longer once it says the new version', () => {
    write({ version: 3, slots: 5 })
    expect(readSettingsFile(file, undefined, STEPS)).toMatchObject({
      given: new Map(),
      warnings: [expect.stringContaining('"slots", which is unknown here') as string]
    })
  })
})

describe('the version of a settings file', () => {
  it('is refused by name where it is newer', () => {
    write({ version: 4, tomorrow: true })
    expect(codeOf(read)).toBe('settings-file-newer')
    expect(() => read()).toThrow('it is version 4, and this one knows version 3.')
  })

  it('is one of those there were', () => {
    write({ version: 0 })
    expect(codeOf(read)).toBe('settings-file-broken')
    expect(() => read()).toThrow('must be 1 to 3, not 0')
  })

  it('leads to no copy where it is the newest', () => {
    write({ version: 3, tcp: { port: 7 } })
    save({ 'tcp.port': 8 })
    expect(readdirSync(folder)).toEqual(['settings.json'])
  })
})
