import { describe, expect, it } from 'vitest'
import { checkLength, readCommandLine } from '../../../app/main/desktop/command-line.ts'

const installed = (...words: string[]) =>
  readCommandLine(['/opt/Waystation/waystation', ...words], { fromClone: false })

describe('the command line of the desktop app', () => {
  it('opens a window where nothing is asked for', () => {
    expect(installed()).toMatchObject({ words: [], hidden: false, isCommand: false })
  })

  it("takes the node's flags", () => {
    const { flags, isCommand } = installed('--data-dir', '/tmp/x', '--tcp-port=0')
    expect(flags.errors).toEqual([])
    expect(flags.options.dataDir).toBe('/tmp/x')
    expect(flags.given.get('tcp.port')?.value).toBe(0)
    expect(isCommand).toBe(false)
  })

  it("leaves Electron's and Chromium's switches to them", () => {
    const { flags, words } = installed(
      '--remote-debugging-port=0',
      '--disable-gpu',
      '--ozone-platform=x11',
      '-psn_0_1',
      '--port',
      '0'
    )
    expect(words).toEqual(['--port', '0'])
    expect(flags.errors).toEqual([])
  })

  it("keeps our flags that are Chromium's too", () => {
    expect(installed('--log-level', 'debug').flags.given.get('log.level')?.value).toBe('debug')
  })

  it('refuses a mistyped flag rather than taking it for one of Chromium', () => {
    const [error] = installed('--relay-reservation-total', '5').flags.errors
    expect(error).toMatchObject({ code: 'unknown-flag' })
    expect(error?.message).toContain('--relay-reservations-total')
  })

  it("finds the words behind a clone's folder, whatever stands before it", () => {
    const argv = [
      '/usr/bin/electron',
      '--inspect=0',
      '--remote-debugging-port=0',
      '/home/me/waystation',
      '--port',
      '0'
    ]
    expect(readCommandLine(argv, { fromClone: true }).words).toEqual(['--port', '0'])
  })

  it.each([
    ['--no-gui'],
    ['--no-gui', '--data-dir', '/tmp/x'],
    ['--help'],
    ['--version'],
    ['--print-settings', '--json'],
    ['status'],
    ['--full', 'status'],
    ['set', 'relay.rate.totalBytesPerSecond=1MB/s'],
    ['identity', 'show'],
    ['help', 'drain'],
    ['no-such-command']
  ])('is a command with %s %s', (...words: string[]) => {
    const line = installed('--disable-gpu', ...words)
    expect(line.isCommand).toBe(true)
    expect(line.words).toEqual(words)
  })

  it('starts hidden at login', () => {
    expect(installed('--hidden', '--data-dir', '/tmp/x')).toMatchObject({
      hidden: true,
      isCommand: false,
      words: ['--data-dir', '/tmp/x']
    })
  })

  it('takes the link of a network, also behind --', () => {
    const link = 'waystation://join?name=Chat'
    expect(installed(link)).toMatchObject({ link, isCommand: false })
    expect(installed('--', link)).toMatchObject({ link, isCommand: false })
  })

  it('takes no flag from behind --, where a link may try to bring one', () => {
    const line = installed('--', 'waystation://join', '--data-dir=/tmp/evil')
    expect(line.flags.options.dataDir).toBeUndefined()
  })

  it('refuses what is too long to be handed to a first instance, with its link twice', () => {
    const link = (length: number) => ['waystation', `waystation://join?name=${'x'.repeat(length)}`]
    expect(() => checkLength(link(12_000))).not.toThrow()
    expect(() => checkLength(link(13_000))).toThrow(/longer than 12 KiB/)
    expect(() => checkLength(['waystation', 'ü'.repeat(6500)])).toThrow(/longer than 12 KiB/)
  })
})
