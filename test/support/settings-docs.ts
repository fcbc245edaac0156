import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import prettier from 'prettier'
import {
  defaultOf,
  environmentNameOf,
  fieldOf,
  flagOf,
  keys,
  PROFILES,
  type Key
} from '../../app/shared/settings.ts'
import { formatValue } from '../../app/shared/values.ts'

/** `npm run docs:settings` writes docs/settings.md from the schema; `-- --check` only says whether it is stale. */
export const docsPath = fileURLToPath(new URL('../../docs/settings.md', import.meta.url))

const INTRODUCTION = `# Settings

<!-- Written by \`npm run docs:settings\` from app/shared/settings.ts: change it there. -->

A flag wins over an environment variable, that over the settings file, that over the default of the profile
(\`waystation\` starts with \`server\`, the desktop app with \`home\`). \`waystation --print-settings\` shows every
value and where it came from.

- Sizes are bytes, or have a unit: \`100MiB\`, \`128KiB\`, \`1GB\`. Rates are bytes a second, or have a unit: \`1.25MB/s\`,
  \`50kB/s\`, \`10Mbit/s\`. Times are seconds, or have a unit: \`90s\`, \`2min\`, \`1h\`, \`7d\`.
- Where \`unlimited\` is allowed, 0 means the same.
- Lists have commas between their items; \`none\` is the empty list. A list's flag may be repeated.
- Switches are \`true\` or \`false\` (\`on\`, \`off\`, \`yes\`, \`no\`, \`1\`, \`0\`); \`--ws-enabled\` alone is true, \`--no-ws-enabled\` false.
- An empty environment variable counts as not set.
- The settings file is JSON with the keys nested, \`settings.json\` in the data folder unless \`--config FILE\` names another:
  \`{"version": 1, "relay": {"reservations": {"total": 64}}}\`.
- \`--port N\` (\`WAYSTATION_PORT\`) moves \`tcp.port\` and \`quic.port\` together; \`--verbose\` sets \`log.level\` to \`debug\`. The
  settings' own flags win over these two.
- \`WAYSTATION_DATA_DIR\` and \`WAYSTATION_CONFIG\` stand for \`--data-dir\` and \`--config\`.

"Live" settings apply within a second while the node runs. Those of the node apply when it is opened anew (in the app:
"Restart the node"), or at once while it does not run; those of the program when that is started again.
`

export async function settingsDocs(): Promise<string> {
  const groups = [...new Set(keys.map(key => fieldOf(key).group))]
  const tables = groups.map(group =>
    table(
      group,
      keys.filter(key => fieldOf(key).group === group)
    )
  )
  const options = await prettier.resolveConfig(docsPath)
  return prettier.format([INTRODUCTION, ...tables].join('\n'), { ...options, parser: 'markdown' })
}

function table(group: string, members: readonly Key[]): string {
  const columns = ['Key', 'Flag, environment', ...PROFILES, 'Applies', 'Meaning', 'Allowed']
  const rows = members.map(key => {
    const { restart, help, allowed } = fieldOf(key)
    const names = `\`${flagOf(key)}\` <br> \`${environmentNameOf(key)}\``
    const defaults = PROFILES.map(profile => defaultCell(key, profile))
    return [
      `\`${key}\``,
      names,
      ...defaults,
      restart === undefined ? 'live' : `restart of the ${restart}`,
      help,
      capital(allowed)
    ]
  })
  const lines = [columns, columns.map(() => '---'), ...rows].map(
    cells => `| ${cells.map(escape).join(' | ')} |`
  )
  return `## ${group}\n\n${lines.join('\n')}\n`
}

function defaultCell(key: Key, profile: (typeof PROFILES)[number]): string {
  // The profile is its own default: which one depends on the program that is started.
  const value = key === 'profile' ? profile : formatValue(key, defaultOf(key, profile))
  return value === '' ? '(empty)' : `\`${value}\``
}

const escape = (cell: string): string => cell.replaceAll('|', '\\|')
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

if (import.meta.main) {
  const wanted = await settingsDocs()
  if (!process.argv.includes('--check')) {
    writeFileSync(docsPath, wanted)
  } else if (readFileSync(docsPath, 'utf8') !== wanted) {
    console.error('docs/settings.md is stale: run npm run docs:settings')
    process.exitCode = 1
  }
}
