import { defaultOf, fieldOf, keys, PROFILES, type Key } from '../../shared/settings.ts'
import { formatValue } from '../../shared/values.ts'
import type { Loaded } from './load.ts'

/** The text of `--print-settings`: every value and where it came from. */
export function printSettings(loaded: Loaded, { json = false }: { json?: boolean } = {}): string {
  return json ? asJson(loaded) : asText(loaded)
}

/** Values in the node's units, for programs. */
function asJson({ settings, sources, profile, dataDir, file, warnings }: Loaded): string {
  const values = keys.map(key => [key, { value: settings[key], ...sources[key] }] as const)
  return `${JSON.stringify({ profile, dataDir, file, warnings, settings: Object.fromEntries(values) }, undefined, 2)}\n`
}

/** Wider values push only their own line's source aside. */
const WIDEST_VALUE = 28

function asText(loaded: Loaded): string {
  const rows = keys.map(key => ({
    key,
    value: formatValue(key, loaded.settings[key]) || '""',
    source: sourceText(key, loaded)
  }))
  const keyWidth = Math.max(...rows.map(({ key }) => key.length))
  const valueWidth = Math.min(WIDEST_VALUE, Math.max(...rows.map(({ value }) => value.length)))
  const lines = [
    `Profile        ${loaded.profile}`,
    `Data folder    ${loaded.dataDir}`,
    `Settings file  ${loaded.file}`
  ]
  let group = ''
  for (const { key, value, source } of rows) {
    if (groupOf(key) !== group) lines.push('', (group = groupOf(key)))
    lines.push(`  ${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}`)
  }
  if (loaded.warnings.length > 0)
    lines.push('', 'Warnings', ...loaded.warnings.map(warning => `  ${warning}`))
  return `${lines.join('\n')}\n`
}

function sourceText(key: Key, { sources, profile }: Loaded): string {
  const { from, name } = sources[key]
  if (from === 'default') return differs(key) ? `default of the ${profile} profile` : 'default'
  return from === 'file' ? 'settings file' : `${from} ${name}`
}

const groupOf = (key: Key): string => fieldOf(key).group

/** Whether the profiles disagree about a setting's default. */
function differs(key: Key): boolean {
  return new Set(PROFILES.map(profile => formatValue(key, defaultOf(key, profile)))).size > 1
}
