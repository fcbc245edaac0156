import { StringDecoder } from 'node:string_decoder'
import { AppError } from '../../shared/errors.ts'

/** The part of `process.stdin` that a hidden question needs. */
export interface TerminalInput extends NodeJS.ReadableStream {
  isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

const CTRL_C = '\x03'
const CTRL_D = '\x04'
const CTRL_U = '\x15'
const ESCAPE = '\x1b'

/** Whether somebody sits there to be asked. */
export function canAsk(input: TerminalInput): boolean {
  return input.isTTY === true && typeof input.setRawMode === 'function'
}

/**
 * Asks for a line on the terminal without showing it. What was typed ahead of the answer's end stays for the next
 * question. Throws `cancelled` on Ctrl-C, on Ctrl-D in an empty line and when the terminal goes away.
 */
export async function askHidden(
  question: string,
  input: TerminalInput,
  output: NodeJS.WritableStream
): Promise<string> {
  output.write(question)
  input.setRawMode?.(true)
  try {
    return await readLine(input)
  } finally {
    input.setRawMode?.(false)
    // The person's Enter was not shown either.
    output.write('\n')
  }
}

function readLine(input: TerminalInput): Promise<string> {
  const decoder = new StringDecoder('utf8')
  const line = new HiddenLine()
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer | string): void => {
      const text = typeof chunk === 'string' ? chunk : decoder.write(chunk)
      const { outcome, rest } = line.type(text)
      if (outcome === 'more') return
      stop()
      if (rest !== '') input.unshift(Buffer.from(rest))
      if (outcome === 'done') resolve(line.text)
      else reject(cancelled())
    }
    const onEnd = (): void => {
      stop()
      reject(cancelled())
    }
    const stop = (): void => {
      // Paused, or the open terminal would keep the process from ending.
      input.pause()
      input.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd)
    }
    input.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    input.resume()
  })
}

function cancelled(): AppError {
  return new AppError('cancelled', 'Cancelled; nothing was changed.')
}

/** In raw mode the terminal leaves even Backspace to us. */
class HiddenLine {
  #typed: string[] = []
  #inEscape = false

  get text(): string {
    return this.#typed.join('')
  }

  type(text: string): { outcome: 'more' | 'done' | 'cancelled'; rest: string } {
    // A sequence arrives in one piece; a lone Escape key must not swallow the next letter.
    this.#inEscape = false
    const characters = [...text]
    for (const [at, character] of characters.entries()) {
      const rest = (): string => characters.slice(at + 1).join('')
      if (character === '\r' || character === '\n') return { outcome: 'done', rest: rest() }
      if (character === CTRL_C) return { outcome: 'cancelled', rest: '' }
      if (character === CTRL_D && this.#typed.length === 0) return { outcome: 'cancelled', rest: '' }
      this.#key(character)
    }
    return { outcome: 'more', rest: '' }
  }

  #key(character: string): void {
    if (character === ESCAPE) this.#inEscape = true
    // Arrow keys and their like arrive as ESC [ … letter, which must not become part of the passphrase.
    else if (this.#inEscape) this.#inEscape = !/[A-Za-z~]/.test(character) || character === 'O'
    else if (character === '\x7f' || character === '\b') this.#typed.pop()
    else if (character === CTRL_U) this.#typed = []
    else if (character >= ' ') this.#typed.push(character)
  }
}
