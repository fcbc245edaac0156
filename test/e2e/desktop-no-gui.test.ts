import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { APART, startApp } from './support/desktop.ts'
import { electronMissing, Home } from './support/electron.ts'
import { processTree } from './support/processes.ts'

describe.skipIf(electronMissing())('the desktop app without a window', () => {
  let home: Home

  beforeEach(async () => (home = await Home.create()))
  afterEach(async () => home[Symbol.asyncDispose]())

  it('relays without a display, and starts no renderer and no GPU process', async () => {
    await using app = await startApp(home, ['--no-gui', ...APART])
    const control = await app.control()
    const { addresses } = await control.call('status')
    const address = addressOf(
      addresses.map(each => each.address),
      'tcp'
    )
    await using listener = await createListener(address)
    await using dialer = await createClient()
    expect(await exchange(await dialThrough(dialer, address, listener), 100_000)).toBe(true)

    const commands = processTree(app.child.pid!).map(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    // Chromium forks its zygotes before it runs any code of an app; that is how far it gets.
    const chromium = commands.filter(command => /--type=(?!zygote)/.test(command))
    expect(chromium).toEqual([])
    // Headless, it is a server that its operator started: it relays without being asked again.
    expect((await control.call('status')).profile).toBe('server')
  })

  it('passes signals on, and gives the exit code of its node', async () => {
    await using app = await startApp(home, ['--no-gui', ...APART])
    await app.control()
    const tree = processTree(app.child.pid!)

    app.child.kill('SIGTERM')

    expect((await app.ended).code).toBe(0)
    await until('none of its processes is left', () => tree.every(pid => !isThere(pid)))
    await using wrong = await startApp(home, ['--no-gui', '--tcp-port', 'seven'])
    const { code, output } = await wrong.ended
    expect(code).toBe(2)
    expect(output).toContain('tcp-port')
  })

  it('answers commands about a running node', async () => {
    await using app = await startApp(home, ['--no-gui', ...APART])
    const { peerId } = await (await app.control()).call('status')

    await using command = await startApp(home, ['status', '--json'])

    const { code, output } = await command.ended
    expect(code).toBe(0)
    expect(output).toContain(peerId)
  })
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
