import { describe, expect, it } from 'vitest'
import { itemNames, trayPresence, type Run } from '../../../app/main/desktop/tray-presence.ts'

const BUS = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' }
const OURS = 4711

/** Answers as a desktop with these programs does; all others are not installed. */
function desktop(programs: Record<string, { items?: string; pids: Record<string, string> }>): {
  run: Run
  asked: string[]
} {
  const asked: string[] = []
  const run: Run = async (program, args) => {
    asked.push(program)
    const found = programs[program]
    if (found === undefined) throw new Error('ENOENT')
    const answer = args.includes('RegisteredStatusNotifierItems') || args.some(a => a.includes('Registered'))
    const text = answer ? found.items : found.pids[args.at(-1)!.replace('string:', '')]
    if (text === undefined) throw new Error('org.freedesktop.DBus.Error.ServiceUnknown')
    return text
  }
  return { run, asked }
}

const presence = (run: Run, env: Record<string, string> = BUS, exists = false): Promise<string> =>
  trayPresence({ run, env, exists: () => exists }, OURS)

describe('whether a Linux desktop shows the icon', () => {
  it.each([
    ['gdbus', { items: "(<[':1.9@/org/ayatana/x', ':1.52/StatusNotifierItem']>,)", pid: '(uint32 4711,)\n' }],
    ['busctl', { items: 'as 2 ":1.9/StatusNotifierItem" ":1.52/StatusNotifierItem"\n', pid: 'u 4711\n' }],
    [
      'dbus-send',
      {
        items:
          'method return time=1.2 sender=:1.3 -> destination=:1.90 serial=4711 reply_serial=2\n   variant       array [\n         string ":1.52/StatusNotifierItem"\n      ]\n',
        pid: 'method return time=1.2 sender=org.freedesktop.DBus -> destination=:1.9 serial=3 reply_serial=2\n   uint32 4711\n'
      }
    ]
  ])('is read with %s', async (program, { items, pid }) => {
    const { run } = desktop({
      [program]: { items, pids: { ':1.52': pid, ':1.9': pid.replace('4711', '99') } }
    })
    expect(await presence(run)).toBe('shown')
  })

  it('is not so while only the icons of others are there', async () => {
    const { run } = desktop({
      gdbus: { items: "(<[':1.9/StatusNotifierItem']>,)", pids: { ':1.9': '(uint32 99,)' } }
    })
    expect(await presence(run)).toBe('none')
  })

  it('is not so without a watcher, whichever client is asked', async () => {
    const { run, asked } = desktop({ gdbus: { pids: {} }, busctl: { pids: {} }, 'dbus-send': { pids: {} } })
    expect(await presence(run)).toBe('none')
    expect(asked).toEqual(['gdbus', 'busctl', 'dbus-send'])
  })

  it('is not assumed where no client is installed', async () => {
    expect(await presence(desktop({}).run)).toBe('none')
  })

  it('is not asked without a session bus, which the clients would start', async () => {
    const { run, asked } = desktop({})
    expect(await presence(run, {})).toBe('none')
    expect(await presence(run, { XDG_RUNTIME_DIR: '/run/user/1000' }, false)).toBe('none')
    expect(asked).toEqual([])
    await presence(run, { XDG_RUNTIME_DIR: '/run/user/1000' }, true)
    expect(asked).not.toEqual([])
  })

  it('finds names of every form, each once, and no paths', () => {
    const answer =
      "(<['org.freedesktop.StatusNotifierItem-7-1/StatusNotifierItem/1', ':1.5', ':1.5/StatusNotifierItem', '/only/a/path']>,)"
    expect(itemNames(answer)).toEqual(['org.freedesktop.StatusNotifierItem-7-1', ':1.5'])
  })
})
