import type { Api, ApiError, ApiEvent, Method, Result } from '../../shared/api.ts'
import type { Bridge, BridgeMethod, ShellEvent } from '../../shared/bridge.ts'
import type { Shell } from '../../shared/shell.ts'

/** How the way to the node is: `signed-out` is the browser's, when its session has ended. */
export type Connection = 'connecting' | 'connected' | 'lost' | 'signed-out'

/** What carries calls and events: IPC in the desktop app, HTTP in a browser. */
export interface Carrier {
  call: Bridge['call']
  subscribe(
    options: { lastId?: string },
    listener: (event: ApiEvent | ShellEvent) => void,
    onConnection: (state: Connection) => void
  ): () => void
  signOut?(): Promise<Result<null>>
}

/** The node as the renderer sees it. */
export interface Client {
  readonly api: Api
  /** The desktop's own things; a browser has none. */
  readonly shell: Shell | undefined
  readonly subscribe: Carrier['subscribe']
  /** Ends the session of this browser; the desktop app has none. @throws ApiFault */
  readonly signOut: (() => Promise<void>) | undefined
}

/** What a call was refused with. Texts switch on `code`; `message` is the node's own sentence. */
export class ApiFault extends Error {
  readonly code: ApiError['code']
  readonly field: string | undefined
  readonly details: ApiError['details']

  constructor({ code, message, field, details }: ApiError) {
    super(message)
    this.name = 'ApiFault'
    this.code = code
    this.field = field
    this.details = details
  }
}

export function createClient(carrier: Carrier, { isDesktop }: { isDesktop: boolean }): Client {
  return {
    api: callable<Api>(name => request => carried(carrier, name as Method, request)),
    shell: isDesktop
      ? callable<Shell>(name => request => carried(carrier, `shell.${name}` as BridgeMethod, request))
      : undefined,
    subscribe: (...args) => carrier.subscribe(...args),
    signOut: carrier.signOut && (async () => void valueOf(await carrier.signOut?.()))
  }
}

async function carried(carrier: Carrier, method: BridgeMethod, request: unknown): Promise<unknown> {
  return valueOf(await carrier.call(method, request))
}

function valueOf(result: Result<unknown> | undefined): unknown {
  if (result?.ok === false) throw new ApiFault(result.error)
  return result?.value
}

/** An object whose methods are made when they are first asked for. */
function callable<T extends object>(make: (name: string) => (request?: unknown) => Promise<unknown>): T {
  return new Proxy({} as T, {
    get: (_, name) => (typeof name === 'string' && name !== 'then' ? make(name) : undefined)
  })
}
