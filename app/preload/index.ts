import { contextBridge, ipcRenderer } from 'electron'
import type { ApiEvent, Result } from '../shared/api.ts'
import type { Bridge, BridgeMethod, ShellEvent } from '../shared/bridge.ts'

/** The main process stops sending to a window that does not say that it reads (desktop/event-ports.ts). */
const ACKNOWLEDGE_EVERY = 100

/** All that the window can reach. The main process checks each call; nothing is decided here. */
const bridge: Bridge = {
  async call(method: BridgeMethod, request?: unknown): Promise<Result<unknown>> {
    try {
      return (await ipcRenderer.invoke('waystation:call', method, request)) as Result<unknown>
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return { ok: false, error: { code: 'internal', message } }
    }
  },
  subscribe({ lastId }, listener) {
    const { port1, port2 } = new MessageChannel()
    let read = 0
    port1.addEventListener('message', event => {
      read++
      if (read % ACKNOWLEDGE_EVERY === 0) port1.postMessage(ACKNOWLEDGE_EVERY)
      listener((event as MessageEvent).data as ApiEvent | ShellEvent)
    })
    port1.start()
    ipcRenderer.postMessage('waystation:subscribe', { lastId }, [port2])
    return () => port1.close()
  }
}

contextBridge.exposeInMainWorld('waystation', bridge)
