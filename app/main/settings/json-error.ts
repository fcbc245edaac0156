/**
 * Where JSON breaks. V8's own message names a position for some mistakes and not for others ("Unexpected
 * token"), and conf hides it altogether, so the place is looked up here after JSON.parse has refused the text.
 */
export interface JsonError {
  /** Both from 1, as editors count. */
  line: number
  column: number
  expected: string
  /** The line's text. */
  text: string
}

/** The first place where the text stops being JSON; `undefined` if it is JSON. */
export function findJsonError(text: string): JsonError | undefined {
  const found = new Scanner(text).run()
  if (found === undefined) return undefined
  const before = text.slice(0, found.offset).split(/\r\n|\n|\r/)
  const line = before.length
  const column = (before.at(-1)?.length ?? 0) + 1
  return { line, column, expected: found.expected, text: text.split(/\r\n|\n|\r/)[line - 1] ?? '' }
}

interface Stop {
  offset: number
  expected: string
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const WORD = /true|false|null/y
// JSON allows no control characters but those above 7e in strings, and these escapes only.
const STRING_PART = /(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/uy

/** Keeps its own stack, so that deep nesting cannot exhaust the engine's. */
class Scanner {
  readonly #text: string
  #at = 0
  readonly #open: ('{' | '[')[] = []

  constructor(text: string) {
    this.#text = text
  }

  run(): Stop | undefined {
    for (;;) {
      const stop = this.#value() ?? this.#closings()
      if (stop === 'more') continue
      return stop === 'end' ? undefined : stop
    }
  }

  /** A scalar, or the opening of a container up to where its first value begins. */
  #value(): Stop | undefined {
    for (;;) {
      this.#take(SPACE)
      const next = this.#text[this.#at]
      if (next === '"') return this.#string()
      if (next !== '{' && next !== '[') break
      this.#at++
      this.#take(SPACE)
      if (this.#text[this.#at] === (next === '{' ? '}' : ']')) {
        this.#at++
        return undefined
      }
      this.#open.push(next)
      const stop = next === '{' ? this.#name('a name in double quotes, or }') : undefined
      if (stop !== undefined) return stop
    }
    return this.#take(WORD) || this.#take(NUMBER) ? undefined : this.#stop('a value')
  }

  /** After a value: closing brackets, then a comma ("more") or the end. */
  #closings(): Stop | 'more' | 'end' {
    for (;;) {
      this.#take(SPACE)
      const container = this.#open.at(-1)
      const next = this.#text[this.#at]
      if (container === undefined) return next === undefined ? 'end' : this.#stop('the end of the file')
      const close = container === '{' ? '}' : ']'
      if (next !== ',' && next !== close) return this.#stop(`a comma or ${close}`)
      this.#at++
      if (next === ',')
        return (container === '{' ? this.#name('a name in double quotes') : undefined) ?? 'more'
      this.#open.pop()
    }
  }

  #name(expected: string): Stop | undefined {
    this.#take(SPACE)
    if (this.#text[this.#at] !== '"') return this.#stop(expected)
    const stop = this.#string()
    if (stop !== undefined) return stop
    this.#take(SPACE)
    if (this.#text[this.#at] !== ':') return this.#stop('a colon')
    this.#at++
    return undefined
  }

  #string(): Stop | undefined {
    this.#at++
    this.#take(STRING_PART)
    if (this.#text[this.#at] !== '"') return this.#stop('a double quote at the end of the text')
    this.#at++
    return undefined
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return false
    this.#at += match[0].length
    return true
  }

  #stop(expected: string): Stop {
    return { offset: this.#at, expected }
  }
}
