import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NodeHost } from '../../app/main/desktop/node-host.ts'
import { openDataFolder } from '../../app/main/data-folder.ts'
import { LogTail } from '../../app/main/observe/log-tail.ts'
import { createLog } from '../../app/main/observe/log.ts'
import { parseFlags } from '../../app/main/settings/flags.ts'
import { defaultsOf } from '../../app/shared/settings.ts'

let dataDir: string
let host: NodeHost
const stopRequested = vi.fn()

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'waystation-host-'))
  const logTail = new LogTail()
  const log = createLog({ ...defaultsOf('home'), 'log.level': 'silent' }, logTail)
  const flags = parseFlags([
    '--port',
    '0',
    '--ws-port',
    '0',
    '--http-port',
    '0',
    '--control-port',
    '0',
    '--no-webrtc-direct-enabled',
    '--log-level',
    'silent'
  ])
  host = new NodeHost(
    { log, logTail, stopRequested },
    { load: { flags, env: {}, dataDir, entry: 'desktop' }, version: '0.0.0' }
  )
})

afterEach(async () => {
  await host.stop()
  await rm(dataDir, { recursive: true, force: true })
})

describe('the node of the desktop app', () => {
  it('relays nothing before the person opted in, and answers the window', async () => {
    await host.start()
    expect(host.state).toBe('running')
    expect(await host.call('status', {})).toMatchObject({
      ok: true,
      value: { profile: 'home', mode: { mode: 'off' }, addresses: [] }
    })
    expect(await host.call('no-such-method', {})).toMatchObject({
      ok: false,
      error: { code: 'unknown-method' }
    })
  })

  it('says why it cannot start, and starts when that is mended', async () => {
    const other = await openDataFolder(dataDir)
    await other.lock()
    const states: string[] = []
    host.onChange(() => states.push(host.state))
    await host.start()
    expect(host.trouble).toMatchObject({ code: 'already-running', details: { pid: process.pid } })
    expect(await host.call('status', {})).toMatchObject({ ok: false, error: { code: 'not-running' } })
    await other.unlock()
    await host.start()
    expect(host.trouble).toBeUndefined()
    expect(states).toEqual(['starting', 'failed', 'starting', 'running'])
  })

  it('keeps those who listen through a stop and a new start', async () => {
    const names: string[] = []
    host.listen(({ name }) => names.push(name), ['settings-changed'])
    await host.start()
    await host.call('setSettings', { values: { 'notify.quota': false } })
    await host.stop()
    await host.start()
    await host.call('setSettings', { values: { 'notify.quota': true } })
    expect(names).toEqual(['settings-changed', 'settings-changed'])
  })

  it('does not run when it was stopped while it started', async () => {
    const starting = host.start()
    await host.stop()
    await starting
    expect(host.state).toBe('stopping')
    // Nobody holds the folder any more.
    const folder = await openDataFolder(dataDir)
    await folder.lock()
    await folder.unlock()
  })

  it('passes on that someone asked it to stop', async () => {
    await host.start()
    await host.call('drain', { seconds: 7 })
    expect(stopRequested).toHaveBeenCalledWith(7)
  })
})
