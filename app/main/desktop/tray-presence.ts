import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * Whether a Linux desktop shows our tray icon. Electron does not tell: it registers the icon with the session bus's
 * StatusNotifierWatcher if there is one, and stays silent if there is none or if it is refused. So the watcher is asked
 * for its items, and an item of this process is looked for. There is no D-Bus library here; one of the command line
 * clients is on every desktop. Where none is, or no answer comes, we assume no tray: a window that only minimises can
 * be found again, a hidden one could not. (The older trays of X11 cannot be asked so, and count as none too.)
 */
export type TrayPresence = 'shown' | 'none'

const WATCHER = 'org.kde.StatusNotifierWatcher'
const WATCHER_PATH = '/StatusNotifierWatcher'
const BUS = 'org.freedesktop.DBus'
const BUS_PATH = '/org/freedesktop/DBus'
const TIMEOUT_MS = 2000

/** Runs a program and gives its standard output; rejects if it fails, is not there, or takes too long. */
export type Run = (program: string, args: readonly string[]) => Promise<string>

export interface PresenceComponents {
  run: Run
  env: Readonly<Record<string, string | undefined>>
  exists: (file: string) => boolean
}

/** One client of the bus: how it reads the watcher's items, and the process behind a name. */
interface BusClient {
  program: string
  items: readonly string[]
  pidOf: (name: string) => readonly string[]
}

const CLIENTS: readonly BusClient[] = [
  {
    program: 'gdbus',
    items: gdbus(WATCHER, WATCHER_PATH, `${BUS}.Properties.Get`, WATCHER, 'RegisteredStatusNotifierItems'),
    pidOf: name => gdbus(BUS, BUS_PATH, `${BUS}.GetConnectionUnixProcessID`, name)
  },
  {
    program: 'busctl',
    items: ['--user', 'get-property', WATCHER, WATCHER_PATH, WATCHER, 'RegisteredStatusNotifierItems'],
    pidOf: name => ['--user', 'call', BUS, BUS_PATH, BUS, 'GetConnectionUnixProcessID', 's', name]
  },
  {
    program: 'dbus-send',
    items: dbusSend(WATCHER, WATCHER_PATH, `${BUS}.Properties.Get`, WATCHER, 'RegisteredStatusNotifierItems'),
    pidOf: name => dbusSend(BUS, BUS_PATH, `${BUS}.GetConnectionUnixProcessID`, name)
  }
]

function gdbus(to: string, at: string, method: string, ...args: string[]): string[] {
  return [
    'call',
    '--session',
    '--timeout',
    '2',
    '--dest',
    to,
    '--object-path',
    at,
    '--method',
    method,
    ...args
  ]
}

function dbusSend(to: string, at: string, method: string, ...args: string[]): string[] {
  const strings = args.map(text => `string:${text}`)
  return ['--session', '--print-reply', '--reply-timeout=2000', `--dest=${to}`, at, method, ...strings]
}

/** Whether the watcher lists a tray icon of the process `pid`. Never throws. */
export async function trayPresence(components: PresenceComponents, pid: number): Promise<TrayPresence> {
  if (!hasSessionBus(components)) return 'none'
  for (const client of CLIENTS) {
    const items = await ask(components.run, client.program, client.items)
    // Not installed, or no watcher: another client may say which.
    if (items === undefined) continue
    return (await listsProcess(components.run, client, itemNames(items), pid)) ? 'shown' : 'none'
  }
  return 'none'
}

/** Without one, the clients would start a bus of their own. */
function hasSessionBus({ env, exists }: PresenceComponents): boolean {
  if (env['DBUS_SESSION_BUS_ADDRESS']) return true
  const runtimeDir = env['XDG_RUNTIME_DIR']
  return runtimeDir !== undefined && path.isAbsolute(runtimeDir) && exists(path.join(runtimeDir, 'bus'))
}

/** The bus names in a list of items: `:1.52/StatusNotifierItem`, `org.kde.StatusNotifierItem-7-1`, `:1.9@/org/…`. */
export function itemNames(answer: string): string[] {
  const quoted = [...answer.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, one, two]) => one ?? two ?? '')
  const names = quoted.map(text => /^(:\d+\.\d+|[A-Za-z_][\w-]*(?:\.[\w-]+)+)(?:[@/]|$)/.exec(text)?.[1])
  return [...new Set(names.filter(name => name !== undefined))]
}

async function listsProcess(run: Run, client: BusClient, names: string[], pid: number): Promise<boolean> {
  for (const name of names) {
    const answer = await ask(run, client.program, client.pidOf(name))
    if (Number(/(?:uint32 |^u )(\d+)/.exec(answer ?? '')?.[1]) === pid) return true
  }
  return false
}

async function ask(run: Run, program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await run(program, args)
  } catch {
    return undefined
  }
}

export const systemPresence: PresenceComponents = {
  env: process.env,
  exists: existsSync,
  run: (program, args) =>
    new Promise((resolve, reject) => {
      execFile(program, [...args], { timeout: TIMEOUT_MS, encoding: 'utf8' }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(new Error(error.message))
      )
    })
}
