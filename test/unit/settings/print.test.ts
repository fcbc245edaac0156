import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandList, EXIT_CODES } from '../../../app/main/cli/operate/command-help.ts'
import { helpText } from '../../../app/main/settings/help.ts'
import { loadSettings } from '../../../app/main/settings/load.ts'
import { printSettings } from '../../../app/main/settings/print.ts'
import { fieldOf, flagOf, keys } from '../../../app/shared/settings.ts'
import { formatValue } from '../../../app/shared/values.ts'
import { docsPath, settingsDocs } from '../../support/settings-docs.ts'

const loaded = loadSettings({
  argv: ['--port', '9000', '--relay-circuits-bytes-each-way', '1MiB'],
  env: { WAYSTATION_LOG_LEVEL: 'warn', WAYSTATION_FOO: '1' },
  dataDir: path.resolve('/nowhere/waystation'),
  entry: 'headless'
})

describe('--print-settings', () => {
  const text = printSettings(loaded)

  it.each([
    ['the flag that moved a setting', /^ {2}tcp\.port +9000 +flag --port$/m],
    [
      'values with their units',
      /^ {2}relay\.circuits\.bytesEachWay +1 MiB +flag --relay-circuits-bytes-each-way$/m
    ],
    ['the environment variable', /^ {2}log\.level +warn +environment WAYSTATION_LOG_LEVEL$/m],
    ['what is a default', /^ {2}ws\.port +4003 +default$/m],
    [
      'whose default it is, where profiles differ',
      /^ {2}relay\.circuits\.total +512 +default of the server profile$/m
    ],
    ['the profile', /^Profile +server$/m],
    ['the warnings', /^ {2}The environment variable WAYSTATION_FOO means nothing here\.$/m]
  ])('shows %s', (_, line) => {
    expect(text).toMatch(line)
  })

  it('names every setting once', () => {
    const named = [...text.matchAll(/^ {2}([\w.]+) {2,}/gm)].map(match => match[1])
    expect(named).toEqual(keys)
  })

  it('aligns the sources', () => {
    const wide = keys.filter(key => formatValue(key, loaded.settings[key]).length > 28)
    const rows = text
      .split('\n')
      .filter(line => /^ {2}[a-z]/.test(line) && !wide.some(key => line.includes(key)))
    expect(wide).toEqual(['autoTls.forge', 'autoTls.acme'])
    const columns = rows.map(row => row.search(/(?<= )(default|flag|environment)( |$)/))
    expect(new Set(columns).size).toBe(1)
  })

  it('is JSON on request, in the node’s units', () => {
    const printed = JSON.parse(printSettings(loaded, { json: true })) as Record<
      string,
      Record<string, unknown>
    >
    expect(printed).toMatchObject({ profile: 'server', dataDir: loaded.dataDir, file: loaded.file })
    expect(printed['settings']?.['relay.circuits.bytesEachWay']).toEqual({
      value: 1_048_576,
      from: 'flag',
      name: '--relay-circuits-bytes-each-way'
    })
    expect(Object.keys(printed['settings'] ?? {})).toEqual(keys)
  })
})

describe('--help', () => {
  const help = helpText({ commands: commandList(), exitCodes: EXIT_CODES })

  it('fits 100 columns', () => {
    expect(Math.max(...help.split('\n').map(line => line.length))).toBeLessThanOrEqual(100)
  })

  it.each(keys)('has the flag of %s in its group', key => {
    const { group, kind } = fieldOf(key)
    const section = help.slice(help.indexOf(`\n${group}\n`))
    const flag = kind === 'boolean' ? `--[no-]${flagOf(key).slice(2)}` : flagOf(key)
    expect(section).toContain(`\n  ${flag}`)
  })

  it.each([
    '--no-gui',
    '--port PORT',
    '-v, --verbose',
    '-h, --help',
    '-V, --version',
    '--data-dir DIR',
    'identity import FILE'
  ])('has %s before the groups', text => {
    expect(help.indexOf(text)).toBeGreaterThan(0)
    expect(help.indexOf(text)).toBeLessThan(help.indexOf('\nListening\n'))
  })

  it('gives the defaults of the server', () => {
    expect(help).toMatch(/--relay-reservations-total N +Reservations at once \[1024\]/)
  })
})

describe('docs/settings.md', () => {
  it('is what npm run docs:settings writes', async () => {
    expect(readFileSync(docsPath, 'utf8')).toBe(await settingsDocs())
  })
})
