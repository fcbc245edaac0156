import { formatDuration } from '../../../shared/format.ts'

/** Pieces of sentences and cells, for people. Times are local ones. */

/** Agents and log lines hold what strangers sent: nothing of it may move the cursor or turn the writing round. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A line that shows as it is written. */
export function plain(line: string): string {
  return line.replace(UNSEEN, '\ufffd')
}

/** JSON that a terminal shows as it is; JSON itself escapes only some of what moves a cursor. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSEEN, character =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map(at => escaped(character.charCodeAt(at))).join('')
  )
}

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`

/** `2026-11-21 13:17:26` */
export function localTime(time: string | Date): string {
  const date = new Date(time)
  return `${localDay(date)} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}

/** `2026-11-21 13:17` */
export function localMinute(time: string | Date): string {
  return localTime(time).slice(0, -3)
}

/** `2026-11-21` */
export function localDay(time: string | Date): string {
  const date = new Date(time)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

const two = (number: number): string => String(number).padStart(2, '0')

/** `3 min 20 s` from then to `now` (milliseconds since 1970); never negative. */
export function timeSince(time: string, now: number): string {
  return formatDuration(Math.max(0, Math.round((now - Date.parse(time)) / 1000)))
}

/** `3 min 20 s` from `now` to then; never negative. */
export function timeUntil(time: string, now: number): string {
  return formatDuration(Math.max(0, Math.round((Date.parse(time) - now) / 1000)))
}

/** `1 circuit`, `2 circuits` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** What a limit of 0 means. */
export function limitText(limit: number): string {
  return limit === 0 ? 'unlimited' : String(limit)
}

/** The words of a text in lines of at most `width` letters, each after so many spaces. */
export function wrap(text: string, width = Infinity, indent = 0): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && indent + last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map(line => ' '.repeat(indent) + line)
}
