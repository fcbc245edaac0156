import { describe, expect, it } from 'vitest'
import { parseFlags, type Flags } from '../../../app/main/settings/flags.ts'
import { defaultOf, fieldOf, flagOf, keys, type Key } from '../../../app/shared/settings.ts'
import { formatValue } from '../../../app/shared/values.ts'

/** For command lines that must be right. */
function parse(...argv: string[]): Flags {
  const flags = parseFlags(argv)
  expect(flags.errors).toEqual([])
  return flags
}

function errorOf(...argv: string[]): { code?: string; message: string; setting?: unknown } {
  const [error] = parseFlags(argv).errors
  return { code: error?.code, message: error?.message ?? '', setting: error?.details.setting }
}

const values = (flags: Flags): object =>
  Object.fromEntries([...flags.given].map(([key, { value }]) => [key, value]))

describe('flags', () => {
  it.each(keys)('%s has a flag that takes its value, either way', key => {
    const value = defaultOf(key, 'server')
    const text = formatValue(key, value)
    for (const argv of [[flagOf(key), text], [`${flagOf(key)}=${text}`]]) {
      expect(parse(...argv).given.get(key)).toEqual({ value, flag: flagOf(key) })
    }
  })

  it('0 lifts a limit', () => {
    expect(values(parse('--relay-reservations-per-ip', '0'))).toEqual({ 'relay.reservations.perIp': 0 })
  })

  const switches = keys.filter(key => fieldOf(key).kind === 'boolean')
  it.each(switches)('%s is switched by its bare flag, its negation and a word', key => {
    const flag = flagOf(key)
    const no = `--no-${flag.slice(2)}`
    expect(values(parse(flag))).toEqual({ [key]: true })
    expect(values(parse(no))).toEqual({ [key]: false })
    expect(values(parse(flag, 'false'))).toEqual({ [key]: false })
    expect(values(parse(`${flag}=off`))).toEqual({ [key]: false })
    expect(parse(no).given.get(key)?.flag).toBe(no)
  })

  it('a word that is not for the switch is left alone', () => {
    const flags = parse('--log-peers', 'identity', 'show')
    expect(values(flags)).toEqual({ 'log.peers': true })
    expect(flags.positionals).toEqual(['identity', 'show'])
  })

  it('--port moves TCP and QUIC, and is named as their source', () => {
    const flags = parse('--port', '9000')
    expect(flags.given.get('tcp.port')).toEqual({ value: 9000, flag: '--port' })
    expect(flags.given.get('quic.port')).toEqual({ value: 9000, flag: '--port' })
  })

  it.each([[['--port', '5', '--tcp-port', '6']], [['--tcp-port', '6', '--port', '5']]])(
    'the more specific flag wins: %j',
    argv => {
      expect(values(parse(...argv))).toEqual({ 'tcp.port': 6, 'quic.port': 5 })
    }
  )

  it('--log-level wins over --verbose', () => {
    expect(values(parse('-v'))).toEqual({ 'log.level': 'debug' })
    expect(values(parse('--log-level', 'trace', '--verbose'))).toEqual({ 'log.level': 'trace' })
  })

  it('the last use of a flag counts, and a list’s uses add up', () => {
    const argv = [
      '--tcp-port',
      '1',
      '--tcp-port',
      '2',
      '--announce-ip',
      '192.0.2.1',
      '--announce-ip',
      '192.0.2.2'
    ]
    expect(values(parse(...argv))).toEqual({ 'tcp.port': 2, announceIp: ['192.0.2.1', '192.0.2.2'] })
  })

  it('reads the options that are no settings', () => {
    const argv = [
      '--no-gui',
      '--config',
      'c.json',
      '--data-dir=/d',
      '--identity',
      'k',
      '--print-settings',
      '--json'
    ]
    expect(parse(...argv).options).toEqual({
      noGui: true,
      config: 'c.json',
      dataDir: '/d',
      identity: 'k',
      printSettings: true,
      json: true,
      help: false,
      version: false
    })
    expect(parse('-h', '-V').options).toMatchObject({ help: true, version: true })
  })

  it('-- ends the flags', () => {
    expect(parse('identity', 'import', '--', '-file').positionals).toEqual(['identity', 'import', '-file'])
  })
})

describe('which listeners were asked for', () => {
  it.each<[string[], string[]]>([
    [[], []],
    [
      ['--port', '1'],
      ['tcp', 'quic']
    ],
    [['--tcp-port', '1'], ['tcp']],
    [['--quic-enabled'], ['quic']],
    [['--ws-port', '1'], ['ws']],
    [['--ws-enabled', 'true'], ['ws']],
    [['--http-port=1'], ['http']],
    [['--no-ws-enabled'], []],
    [['--port', '1', '--no-quic-enabled'], ['tcp']],
    [['--listen-ip6', 'off'], []]
  ])('%j asks for %j', (argv, listeners) => {
    expect([...parse(...argv).listenerFlags]).toEqual(listeners)
  })
})

describe('mistakes on the command line', () => {
  it.each([
    ['--tcp-prot', '--tcp-port'],
    ['--reservations-total', '--relay-reservations-total'],
    ['--no-wss-enabled', '--no-ws-enabled'],
    ['--HELP', '--help'],
    ['--print-setings', '--print-settings']
  ])('%s is unknown, and %s is suggested', (given, suggested) => {
    const { code, message } = errorOf(given)
    expect(code).toBe('unknown-flag')
    expect(message).toContain(`Unknown flag ${given}.`)
    expect(message).toContain(`Did you mean ${suggested}?`)
  })

  it.each(['--zzzzzzzz', '-x', '-p'])('%s is unknown, and nothing is suggested', given => {
    expect(errorOf(given, '5')).toMatchObject({
      code: 'unknown-flag',
      message: `Unknown flag ${given}. See waystation --help.`
    })
  })

  it('the value of an unknown flag is not taken for a command', () => {
    expect(parseFlags(['--prot', '9000']).positionals).toEqual([])
  })

  it.each([
    [['--tcp-port'], '--tcp-port needs a value: --tcp-port PORT. Allowed: a whole number, 0 to 65535.'],
    [['--tcp-port', '--log-peers'], '--tcp-port needs a value: --tcp-port PORT.'],
    [['--port', '-v'], '--port needs a value: --port PORT.'],
    [['--config'], '--config needs a value: --config FILE.'],
    [['--data-dir='], '--data-dir needs a value: --data-dir DIR.']
  ])('%j lacks its value', (argv, message) => {
    expect(errorOf(...argv).message).toContain(message)
  })

  it.each([
    [['--tcp-port', '-5'], 'tcp.port', '--tcp-port'],
    [['--port', '70000'], 'tcp.port', '--port'],
    [['--ws-enabled=maybe'], 'ws.enabled', '--ws-enabled'],
    [
      ['--relay-rate-total-bytes-per-second', 'fast'],
      'relay.rate.totalBytesPerSecond',
      '--relay-rate-total-bytes-per-second'
    ]
  ])('%j is refused with the setting and the flag', (argv, setting, flag) => {
    expect(errorOf(...argv)).toMatchObject({ code: 'bad-setting', setting })
    expect(errorOf(...argv).message).toContain(`${setting} (given by ${flag}) cannot be`)
  })

  it.each(['--help=yes', '--no-ws-enabled=true', '--verbose=2'])('%s takes no value', word => {
    expect(errorOf(word).message).toContain('takes no value')
  })

  it('--help is understood beside a mistake', () => {
    const flags = parseFlags(['--prot', '5', '--help'])
    expect(flags.options.help).toBe(true)
    expect(flags.errors).toHaveLength(1)
  })

  it('all mistakes are collected', () => {
    expect(parseFlags(['--foo', '--tcp-port', 'x', '--config']).errors).toHaveLength(3)
  })

  it('a flag of a setting that does not exist never sets anything', () => {
    const given: Key[] = [...parseFlags(['--__proto__', '1', '--constructor', '2']).given.keys()]
    expect(given).toEqual([])
  })
})
