import { PassThrough } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { askHidden, canAsk } from '../../app/main/cli/prompt.ts'

class Terminal extends PassThrough {
  readonly isTTY = true
  readonly modes: boolean[] = []

  setRawMode(raw: boolean): void {
    this.modes.push(raw)
  }
}

let input: Terminal
let output: PassThrough

beforeEach(() => {
  input = new Terminal()
  output = new PassThrough({ encoding: 'utf8' })
})

describe('a hidden question', () => {
  it.each([
    ['plain text', ['geheim\r'], 'geheim'],
    ['a line feed as the end', ['geheim\n'], 'geheim'],
    ['keys one by one', [...'geheim\r'], 'geheim'],
    ['Backspace', ['gehx\x7feimm\b\r'], 'geheim'],
    ['Backspace on an emoji', ['ge🙂\x7fheim\r'], 'geheim'],
    ['Ctrl-U', ['wrong\x15geheim\r'], 'geheim'],
    ['arrow and function keys', ['ge\x1b[A', 'he\x1bOP', 'im\x1b[15~\r'], 'geheim'],
    ['a lone Escape', ['\x1b', 'geheim\r'], 'geheim'],
    ['other control keys', ['ge\x01\theim\r'], 'geheim'],
    ['spaces', [' ge heim \r'], ' ge heim '],
    ['Ctrl-D in a line with text', ['ge\x04heim\r'], 'geheim']
  ])('understands %s', async (_, keys, answer) => {
    const asked = askHidden('Word: ', input, output)
    for (const key of keys) input.write(key)
    expect(await asked).toBe(answer)
  })

  it('understands a character that arrives in two pieces', async () => {
    const asked = askHidden('Word: ', input, output)
    const bytes = Buffer.from('größe\r')
    input.write(bytes.subarray(0, 3))
    input.write(bytes.subarray(3))
    expect(await asked).toBe('größe')
  })

  it('shows the question and nothing of the answer, and leaves the terminal as it was', async () => {
    const asked = askHidden('Word: ', input, output)
    input.write('geheim\r')
    await asked
    expect(output.read()).toBe('Word: \n')
    expect(input.modes).toEqual([true, false])
    expect(input.isPaused()).toBe(true)
  })

  it('leaves what was typed ahead to the next question', async () => {
    input.write('first\rsecond\r')
    expect(await askHidden('One: ', input, output)).toBe('first')
    expect(await askHidden('Two: ', input, output)).toBe('second')
  })

  it.each([
    ['Ctrl-C', (): unknown => input.write('geh\x03')],
    ['Ctrl-D in an empty line', (): unknown => input.write('\x04')],
    ['the end of the terminal', (): unknown => input.end('geh')],
    ['the loss of the terminal', (): unknown => input.destroy(new Error('gone'))]
  ])('is cancelled by %s, and the terminal is as it was', async (_, act) => {
    const asked = askHidden('Word: ', input, output)
    act()
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
    expect(input.modes).toEqual([true, false])
  })

  it('cannot be asked through a pipe', () => {
    expect(canAsk(new PassThrough())).toBe(false)
    expect(canAsk(input)).toBe(true)
  })
})
