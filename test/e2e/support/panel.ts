import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { findProgram } from '../../support/needs.ts'
import { until } from '../../support/until.ts'
import { Bus, type Call, type Reply, type Target } from './dbus.ts'
import { Variant } from './dbus-values.ts'
import { asUser, type Home } from './electron.ts'

const WATCHER = 'org.kde.StatusNotifierWatcher'
const ITEM = 'org.kde.StatusNotifierItem'
const NOTIFICATIONS = 'org.freedesktop.Notifications'
const PROPERTIES = 'org.freedesktop.DBus.Properties'

export interface MenuItem {
  id: number
  label: string
  enabled: boolean
  /** Of one that can be ticked. */
  checked?: boolean
  children: MenuItem[]
}

export const panelMissing = (): boolean => findProgram('dbus-daemon') === undefined

/**
 * The desktop's panel and its notifications, as the app finds them over D-Bus: the real protocols of tray icons
 * (StatusNotifierItem, dbusmenu) and notifications, with nobody looking.
 */
export class Panel {
  /** What the app needs in its environment. */
  readonly env: NodeJS.ProcessEnv
  readonly notifications: { title: string; body: string }[] = []
  readonly #daemon: ChildProcess
  #bus: Bus | undefined
  /** Bus names and paths of the icons. */
  #items: { destination: string; path: string }[] = []

  private constructor(daemon: ChildProcess, socket: string) {
    this.#daemon = daemon
    this.env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }
  }

  static async start(home: Home): Promise<Panel> {
    const socket = path.join(home.dir, 'run/bus')
    const config = path.join(home.dir, 'bus.conf')
    await writeFile(config, busConfig(socket))
    const [program = '', ...args] = asUser([
      'dbus-daemon',
      `--config-file=${config}`,
      '--nofork',
      '--nopidfile'
    ])
    const daemon = spawn(program, args, { stdio: 'ignore' })
    await until('the bus is there', () => existsSync(socket))
    const panel = new Panel(daemon, socket)
    panel.#bus = await Bus.connect(socket, call => panel.#answer(call))
    await panel.#bus.own(WATCHER)
    await panel.#bus.own(NOTIFICATIONS)
    return panel
  }

  get icons(): number {
    return this.#items.length
  }

  /** The lines of the icon's tooltip. */
  async tooltip(): Promise<string[]> {
    const [, , title = '', text = ''] = (await this.#property('ToolTip')) as string[]
    return [title, text].flatMap(part => part.split('\n')).filter(line => line !== '')
  }

  /** A left click on the icon. */
  async activate(): Promise<void> {
    await this.#call({ ...(await this.#item()), interface: ITEM }, 'Activate', 'ii', [0, 0])
  }

  async menu(): Promise<MenuItem[]> {
    const target = await this.#menuTarget()
    const [, root] = await this.#call(target, 'GetLayout', 'iias', [0, -1, []])
    return itemOf(root).children
  }

  /** Chooses the entry of that label, as a click on it does. */
  async choose(label: string | RegExp): Promise<void> {
    const all = (items: readonly MenuItem[]): MenuItem[] =>
      items.flatMap(item => [item, ...all(item.children)])
    const items = all(await this.menu())
    const found = items.find(item =>
      typeof label === 'string' ? item.label === label : label.test(item.label)
    )
    if (found === undefined)
      throw new Error(`no ${String(label)} in ${items.map(item => item.label).join(', ')}`)
    const event = [found.id, 'clicked', new Variant('i', 0), 0]
    await this.#call(await this.#menuTarget(), 'Event', 'isvu', event)
  }

  async #menuTarget(): Promise<Target> {
    const { destination } = await this.#item()
    return {
      destination,
      path: (await this.#property('Menu')) as string,
      interface: 'com.canonical.dbusmenu'
    }
  }

  async #property(name: string): Promise<unknown> {
    const target = { ...(await this.#item()), interface: PROPERTIES }
    return (await this.#call(target, 'Get', 'ss', [ITEM, name]))[0]
  }

  async #item(): Promise<{ destination: string; path: string }> {
    await until('the app has an icon', () => this.#items.length > 0)
    return this.#items.at(-1)!
  }

  async #call(...call: Parameters<Bus['call']>): Promise<unknown[]> {
    if (this.#bus === undefined) throw new Error('no bus')
    return this.#bus.call(...call)
  }

  #answer({ interface: name, member, body, sender }: Call): Reply {
    if (name === PROPERTIES) return this.#answerProperty(member, body)
    switch (`${name}.${member}`) {
      case `${WATCHER}.RegisterStatusNotifierItem`: {
        // Some give a path on their own name, some a name.
        const given = String(body[0])
        const item = given.startsWith('/')
          ? { destination: sender, path: given }
          : { destination: given, path: '/StatusNotifierItem' }
        this.#items = [...this.#items.filter(({ destination }) => destination !== item.destination), item]
        return { signature: '', body: [] }
      }
      case `${NOTIFICATIONS}.GetCapabilities`:
        return { signature: 'as', body: [['actions', 'body']] }
      case `${NOTIFICATIONS}.GetServerInformation`:
        return { signature: 'ssss', body: ['panel', 'test', '1', '1.2'] }
      case `${NOTIFICATIONS}.Notify`:
        this.notifications.push({ title: String(body[3]), body: String(body[4]) })
        return { signature: 'u', body: [this.notifications.length] }
      case `${NOTIFICATIONS}.CloseNotification`:
        return { signature: '', body: [] }
      default:
        return undefined
    }
  }

  #answerProperty(member: string, [, property]: unknown[]): Reply {
    const values: Record<string, Variant> = {
      RegisteredStatusNotifierItems: new Variant(
        'as',
        this.#items.map(({ destination, path: at }) => `${destination}${at}`)
      ),
      IsStatusNotifierHostRegistered: new Variant('b', true),
      ProtocolVersion: new Variant('i', 0)
    }
    if (member === 'GetAll') return { signature: 'a{sv}', body: [Object.entries(values)] }
    const value = values[String(property)]
    return member === 'Get' && value !== undefined ? { signature: 'v', body: [value] } : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bus?.close()
    if (this.#daemon.exitCode !== null) return
    const ended = once(this.#daemon, 'exit')
    this.#daemon.kill('SIGTERM')
    await ended
  }
}

/** `(ia{sv}av)` of dbusmenu. The underscores in labels are for keys. */
function itemOf(layout: unknown): MenuItem {
  const [id, properties, children] = layout as [number, [string, unknown][], unknown[]]
  const values = Object.fromEntries(properties)
  return {
    id,
    label: (typeof values['label'] === 'string' ? values['label'] : '').replace(/_(?!_)/, ''),
    enabled: values['enabled'] !== false,
    ...(values['toggle-type'] !== undefined && { checked: values['toggle-state'] === 1 }),
    children: children.map(itemOf)
  }
}

/** A session bus that takes whoever can reach its socket: the tests may run as root, and the app does not. */
const busConfig = (socket: string): string => `<!DOCTYPE busconfig PUBLIC
  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`
