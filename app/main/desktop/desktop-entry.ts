import { AppError } from '../../shared/errors.ts'

/**
 * Desktop entries of freedesktop.org, as far as starting at login needs them. Two layers of escapes lie over each
 * other in `Exec`: quotes for the command line, and backslashes for every value of the file.
 */

/** A command line for `Exec`. @throws AppError bad-request for an argument that cannot be written in one */
export function execLine(command: readonly string[]): string {
  return escapeValue(command.map(quoteArgument).join(' '))
}

function quoteArgument(argument: string): string {
  if (/\p{Cc}/u.test(argument)) {
    throw new AppError('bad-request', `A start entry cannot hold the control characters in: ${argument}`)
  }
  const percent = argument.replaceAll('%', '%%')
  if (/^[\w./:@%+,=-]+$/.test(argument)) return percent
  return `"${percent.replace(/["`$\\]/g, '\\$&')}"`
}

export function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\')
}

/** The keys of the group `[Desktop Entry]`, with their raw values. */
export function parseDesktopEntry(text: string): Map<string, string> {
  const found = new Map<string, string>()
  let inEntry = false
  for (const line of text.split(/\r?\n/)) {
    const group = /^\[(.*)\]\s*$/.exec(line)?.[1]
    if (group !== undefined) inEntry = group === 'Desktop Entry'
    const [, key, value] = /^([A-Za-z0-9-]+(?:\[[^\]]*\])?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (inEntry && key !== undefined && value !== undefined) found.set(key, value)
  }
  return found
}

/** Whether the session would start it: desktops switch entries off in two ways. */
export function isSwitchedOn(entry: ReadonlyMap<string, string>): boolean {
  return entry.get('Hidden') !== 'true' && entry.get('X-GNOME-Autostart-enabled') !== 'false'
}
