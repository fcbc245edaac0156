import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent } from 'electron'
import type { Result } from '../../shared/api.ts'
import type { Shell } from '../../shared/shell.ts'
import type { EventPorts } from './event-ports.ts'
import type { NodeHost } from './node-host.ts'
import { callShell, isShellMethod } from './shell-methods.ts'

export interface IpcComponents {
  ipcMain: Pick<IpcMain, 'handle' | 'on'>
  node: Pick<NodeHost, 'call'>
  shell: Shell
  ports: Pick<EventPorts, 'add'>
  /** Whether a message is from the main frame of our window, at our page. */
  isOurs: (event: Sender) => boolean
  log: { warn(values: object, message: string): void; error(values: object, message: string): void }
}

type Sender = Pick<IpcMainEvent | IpcMainInvokeEvent, 'sender' | 'senderFrame'>

const STRANGER: Result<never> = {
  ok: false,
  error: { code: 'not-authorised', message: 'Only the window of this app may call.' }
}
const FAILED: Result<never> = {
  ok: false,
  error: { code: 'internal', message: 'The app made a mistake. Its log says more.' }
}
const UNREADABLE: Result<never> = {
  ok: false,
  error: { code: 'bad-request', message: 'The name of the method is not a text.' }
}

/** All that comes from the window comes through here, and is believed only after a look at who sent it. */
export function openIpc({ ipcMain, node, shell, ports, isOurs, log }: IpcComponents): void {
  const refuse = ({ senderFrame }: Sender): void => {
    // The last words of a page that is gone are no stranger's.
    if (senderFrame !== null) log.warn({}, 'a message of a stranger was refused')
  }

  ipcMain.handle('waystation:call', async (event, method: unknown, request: unknown) => {
    if (!isOurs(event)) {
      refuse(event)
      return STRANGER
    }
    if (typeof method !== 'string') return UNREADABLE
    try {
      return isShellMethod(method)
        ? await callShell(shell, method, request)
        : await node.call(method, request)
    } catch (error) {
      log.error({ err: error, method }, 'the desktop app failed')
      return FAILED
    }
  })

  ipcMain.on('waystation:subscribe', (event, options: unknown) => {
    const [port] = event.ports
    if (!isOurs(event) || port === undefined) {
      refuse(event)
      for (const each of event.ports) each.close()
      return
    }
    const lastId = (options as { lastId?: unknown } | null)?.lastId
    ports.add(port, typeof lastId === 'string' ? lastId : undefined)
  })
}
