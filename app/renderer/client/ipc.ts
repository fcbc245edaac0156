import type { Bridge } from '../../shared/bridge.ts'
import type { Carrier } from './client.ts'

declare global {
  interface Window {
    /** Given by the preload script, in the desktop app alone. */
    readonly waystation?: Bridge
  }
}

/** Calls and events over the desktop's bridge, which is never lost while the window is there. */
export function ipcCarrier(bridge: Bridge): Carrier {
  return {
    // Plain values alone cross the bridge, and Svelte's state is none.
    call: (method, request) =>
      bridge.call(
        method,
        request === undefined ? undefined : (JSON.parse(JSON.stringify(request)) as unknown)
      ),
    subscribe(options, listener, onConnection) {
      const stop = bridge.subscribe(options, listener)
      onConnection('connected')
      return stop
    }
  }
}
