import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAutostart } from '../../app/main/desktop/autostart.ts'
import { trayPresence, type PresenceComponents } from '../../app/main/desktop/tray-presence.ts'
import { Variant } from '../e2e/support/dbus-values.ts'
import { Bus } from '../e2e/support/dbus.ts'
import { findProgram, missing } from '../support/needs.ts'

const WATCHER = 'org.kde.StatusNotifierWatcher'
const daemon = findProgram('dbus-daemon')
const clients = ['gdbus', 'busctl', 'dbus-send'].filter(name => findProgram(name) !== undefined)
/** The icon of this process, as a panel lists it. */
const OURS = ['/StatusNotifierItem']

describe.skipIf(missing('dbus-daemon', daemon !== undefined))('the tray of a session with a real bus', () => {
  let dir: string
  let socket: string
  let child: ChildProcess
  let panel: Bus | undefined

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'waystation-bus-'))
    socket = path.join(dir, 'bus')
    child = spawn(daemon!, ['--session', '--nofork', '--print-address', `--address=unix:path=${socket}`], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    await once(child.stdout!, 'data')
  })
  afterEach(async () => {
    panel?.close()
    panel = undefined
    child.kill()
    await once(child, 'exit')
    rmSync(dir, { recursive: true })
  })

  /** A panel that shows the icons at those paths of its own process, which is this one. */
  async function startPanel(paths: string[]): Promise<void> {
    const items: string[] = []
    panel = await Bus.connect(socket, ({ member, sender, body }) => {
      if (member === 'Get') return { signature: 'v', body: [new Variant('as', items)] }
      items.push(`${sender}${String(body[0])}`)
      return { signature: '', body: [] }
    })
    await panel.own(WATCHER)
    const watcher = { destination: WATCHER, path: '/StatusNotifierWatcher', interface: WATCHER }
    for (const each of paths) await panel.call(watcher, 'RegisterStatusNotifierItem', 's', [each])
  }
  /** Asked by that client alone. */
  const withClient = (client: string): PresenceComponents => ({
    env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` },
    exists: () => false,
    run: (program, args) =>
      new Promise((resolve, reject) => {
        if (program !== client) return reject(new Error('not installed'))
        const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }
        execFile(program, [...args], { env, encoding: 'utf8' }, (error, stdout) =>
          error === null ? resolve(stdout) : reject(new Error(error.message))
        )
      })
  })

  it('can be asked here at all', () => {
    expect(clients).not.toEqual([])
  })

  it.each(clients)(
    'is asked with %s: our icon is shown, one of another process is not ours',
    async client => {
      await startPanel(OURS)
      expect(await trayPresence(withClient(client), process.pid)).toBe('shown')
      expect(await trayPresence(withClient(client), child.pid!)).toBe('none')
    }
  )

  it.each(clients)('is asked with %s: a panel that has no icons shows none', async client => {
    await startPanel([])
    expect(await trayPresence(withClient(client), process.pid)).toBe('none')
  })

  it.each(clients)('is asked with %s: without a panel there is none', async client => {
    expect(await trayPresence(withClient(client), process.pid)).toBe('none')
  })
})

const validator = findProgram('desktop-file-validate')
describe.skipIf(missing('desktop-file-validate', validator !== undefined))(
  'the entry for starting at login',
  () => {
    it('is one that desktops accept, whatever is in its paths', async () => {
      const dir = mkdtempSync(path.join(tmpdir(), 'waystation-entry-'))
      try {
        const execPath = path.join(dir, 'way "station" 100% $x')
        writeFileSync(execPath, '')
        chmodSync(execPath, 0o755)
        const app = { getLoginItemSettings: () => undefined as never, setLoginItemSettings: () => undefined }
        const env = { XDG_CONFIG_HOME: dir }
        const options = {
          platform: 'linux',
          packaged: true,
          execPath,
          env,
          home: homedir(),
          dataDir: '/a b'
        } as const
        await createAutostart({ app }, options).set(true)
        const file = path.join(dir, 'autostart', 'waystation.desktop')
        expect(execFileSync(validator!, [file], { encoding: 'utf8' })).toBe('')
      } finally {
        rmSync(dir, { recursive: true })
      }
    })
  }
)
