import { describe, expect, it } from 'vitest'
import { parseArguments, type Arguments } from '../../../app/main/cli/operate/arguments.ts'
import { COMMANDS, findCommand, type CommandDoc } from '../../../app/main/cli/operate/command-table.ts'
import { AppError } from '../../../app/shared/errors.ts'

function command(name: string): CommandDoc {
  const found = findCommand(name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}

function parse(line: string): Arguments {
  const argv = line.split(' ')
  return parseArguments(command(argv.find(word => findCommand(word) !== undefined) ?? ''), argv)
}

function errorOf(line: string): AppError {
  try {
    parse(line)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`${line} was understood`)
}

const flags = (line: string): object => Object.fromEntries(parse(line).flags)

describe('the words of a command', () => {
  it.each([
    ['limit w7Xb2q --rate 50kB/s', ['w7Xb2q'], { rate: '50kB/s' }],
    ['limit --rate=50kB/s w7Xb2q', ['w7Xb2q'], { rate: '50kB/s' }],
    ['--data-dir /tmp/a limit w7Xb2q --rate off', ['w7Xb2q'], { 'data-dir': '/tmp/a', rate: 'off' }],
    ['set a=1 b=2 --json', ['a=1', 'b=2'], { json: true }],
    ['set listen.ip6=none -- --odd', ['listen.ip6=none', '--odd'], {}],
    ['logs -f -n 5', [], { follow: true, lines: '5' }],
    ['drain --wait --timeout 30s', [], { wait: true, timeout: '30s' }]
  ])('%s', (line, operands, given) => {
    expect(parse(line).operands).toEqual(operands)
    expect(flags(line)).toEqual(given)
  })

  it('may hold the word of the command once more, as an operand', () => {
    expect(parse('events log events').operands).toEqual(['log', 'events'])
  })

  it('need no operand where help is asked for', () => {
    expect(flags('set --help')).toEqual({ help: true })
    expect(flags('set -h')).toEqual({ help: true })
  })

  it.each([
    ['set', 'KEY=VALUE'],
    ['close', 'CIRCUIT'],
    ['close 1 2', '"2"'],
    ['status now', '"now"'],
    ['pause --for', '--for TIME'],
    ['pause --for --json', '--for TIME'],
    ['pause --for=', '--for TIME'],
    ['status --json=yes', '--json takes no value'],
    ['block ', 'PEER']
  ])('"%s" is wrong usage, and says why and where help is', (line, why) => {
    const { code, message } = errorOf(line)

    expect(code).toBe('bad-usage')
    expect(message).toContain(why)
    expect(message).toContain(`waystation help ${line.split(' ')[0]}`)
  })

  it.each([
    ['drain --wiat', 'Did you mean --wait?'],
    ['status --jsn', 'Did you mean --json?'],
    ['status --wait', 'status has no flag --wait']
  ])('"%s" has an unknown flag: %s', (line, hint) => {
    const { code, message } = errorOf(line)

    expect(code).toBe('unknown-flag')
    expect(message).toContain(hint)
  })

  it.each([
    ['status --port 5', '`waystation set tcp.port=5`'],
    ['set --ws-port=7', '`waystation set ws.port=7`'],
    ['status --no-ws-enabled', '`waystation set ws.enabled=false`'],
    ['status --upnp', '`waystation set upnp=true`'],
    ['status --config x', '--config is for starting a node']
  ])('"%s" has a flag of the node: %s', (line, hint) => {
    const { code, message } = errorOf(line)

    expect(code).toBe('unknown-flag')
    expect(message).toContain(hint)
  })
})

describe('the examples in the help', () => {
  const examples = COMMANDS.flatMap(({ examples }) => examples)

  it.each(examples)('%s is understood', example => {
    const [program, ...rest] = example.split(' | ')[0]?.split(' ') ?? []

    expect(program).toBe('waystation')
    expect(() => parse(rest.join(' '))).not.toThrow()
  })

  it('are there for every command that takes something', () => {
    const taking = COMMANDS.filter(({ takes }) => takes !== '')
    expect(taking.filter(({ examples }) => examples.length === 0)).toEqual([])
  })
})
