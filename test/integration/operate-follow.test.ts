import { describe, expect, it } from 'vitest'
import type { LogLine, ModeInfo } from '../../app/shared/api.ts'
import { createListener, createPlainClient, dialThrough } from '../support/clients.ts'
import { Command, startNode, temporaryFolder } from '../support/command.ts'
import { until } from '../support/until.ts'

/** A command whose output is looked at while it runs. */
function following(dir: string, ...args: string[]): Command {
  return new Command([...args, '--data-dir', dir])
}

const linesOf = ({ stdout }: Command): string[] => stdout.split('\n').filter(line => line !== '')

describe('logs -f', () => {
  it('goes on when the node is started anew, says so once, and ends by Ctrl-C', async () => {
    await using folder = await temporaryFolder()
    await using first = startNode(folder.dir)
    await first.listening()
    await using command = following(folder.dir, 'logs', '-f', '--json')
    const messages = (): string[] => linesOf(command).map(line => (JSON.parse(line) as LogLine).message)
    await until('the log so far is there', () => messages().includes('listening'))

    await first.kill('SIGTERM')
    await using second = startNode(folder.dir)
    await second.listening()
    await until(
      'the log of the second node is there',
      () => messages().filter(text => text === 'listening').length === 2
    )
    const { code, stderr } = await command.kill('SIGINT')

    expect(code).toBe(130)
    expect(stderr.split('\n')).toEqual([
      `The node of ${folder.dir} has gone; waiting until one runs there again (Ctrl-C ends this).`,
      'The node answers again.',
      ''
    ])
    expect(new Set(linesOf(command)).size).toBe(linesOf(command).length)
  })

  it('has every line once, those that came while it began too', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    let changes = 0
    const change = async (): Promise<void> => {
      changes++
      await following(folder.dir, 'set', `relay.circuits.total=${changes}`).finished
    }
    await change()
    await using command = following(folder.dir, 'logs', '-f', '--json')

    while (linesOf(command).length === 0) await change()
    await change()
    const changed = (): string[] => linesOf(command).filter(line => line.includes('settings changed'))
    await until('the last change is there', () => changed().length >= changes)
    await command.kill('SIGINT')

    expect(changed().length).toBe(changes)
  })
})

describe('events', () => {
  it('are one JSON object a line, of the names asked for', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    await using command = following(folder.dir, 'events', 'mode-changed', 'tick')
    await until('it listens', () => linesOf(command).length > 0)

    await following(folder.dir, 'pause').finished
    await until('the pause is there', () => command.stdout.includes('mode-changed'))
    const { code, stderr } = await command.kill('SIGINT')

    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    const parsed = linesOf(command).map(line => JSON.parse(line) as { name: string; value: unknown })
    expect(parsed.find(({ name }) => name === 'mode-changed')?.value).toEqual({ mode: 'paused' })
  })

  it('end quietly when their reader goes', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()
    const under = ['bash', '-c', '"$@" | head -n 1; exit "${PIPESTATUS[0]}"', 'bash']

    const { code, stdout, stderr } = await new Command(['events', 'tick', '--data-dir', folder.dir], {
      under
    }).finished

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tick' })
  })
})

describe('drain', () => {
  it('--wait shows its progress, and returns when the node has ended', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    const { addresses } = await node.listening()
    const address = addresses.find(each => /\/tcp\/\d+\/p2p/.test(each)) ?? ''
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)
    const command = following(folder.dir, 'drain', '--wait', '--timeout', '1h')
    await until('new work is refused', () => node.logged('mode changed').length > 0)
    const whileOneRuns = command.running

    await stream.close()
    await dialer[Symbol.asyncDispose]()
    const { code, stdout, stderr } = await command.finished

    expect(whileOneRuns).toBe(true)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The node has stopped.\n' })
    expect(stderr).toMatch(/^Draining: 1 circuit and 1 reserved client left, until \d{4}-/)
    expect(await following(folder.dir, 'status').finished).toMatchObject({ code: 3 })
    expect((await node.finished).code).toBe(0)
  })

  it('--wait without circuits returns with the node, and as JSON says that it ended', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    await node.listening()

    const { code, stdout } = await following(folder.dir, 'drain', '--wait', '--json').finished

    expect(code).toBe(0)
    expect(JSON.parse(stdout) as ModeInfo).toMatchObject({ mode: 'draining', ended: true })
    expect((await node.finished).code).toBe(0)
  })

  it('returns at once without --wait', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    const { addresses } = await node.listening()
    const address = addresses.find(each => /\/tcp\/\d+\/p2p/.test(each)) ?? ''
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    await dialThrough(dialer, address, listener)

    const { code, stdout } = await following(folder.dir, 'drain', '--timeout', '1h').finished

    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^The node is draining: 1 circuit and 1 reserved client left, then it stops; at the latest \d{4}-/
    )
    expect(node.running).toBe(true)
  })
})
