import type { ApiEvent, Method, Result } from './api.ts'
import type { ShellEvents, ShellMethod } from './shell.ts'

/** What is called over the bridge: the Api's methods, and the desktop's own. */
export type BridgeMethod = Method | `shell.${ShellMethod}`

export type ShellEvent = {
  [Name in keyof ShellEvents]: { name: Name; value: ShellEvents[Name] }
}[keyof ShellEvents]

/** What the preload script gives the window as `window.waystation`: all that the renderer can reach. */
export interface Bridge {
  /** Never throws: what goes wrong is in the answer. */
  call(method: BridgeMethod, request?: unknown): Promise<Result<unknown>>
  /**
   * Listens to all events, with those after `lastId` first, or `missed-events` if they are gone. The listener is
   * also told of the desktop's own events. Returns what ends it.
   */
  subscribe(options: { lastId?: string }, listener: (event: ApiEvent | ShellEvent) => void): () => void
}
