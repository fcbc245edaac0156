import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { AppError, systemCode } from '../../shared/errors.ts'
import { bindError } from './bind-error.ts'
import { createHttpApp } from './http-app.ts'
import type { HttpAppComponents } from './http-app.ts'
import { bindAll, closeServer, serverFactory, SOCKET_LIMITS, urlOf } from './http-sockets.ts'
import type { Bound, SocketLimits, Unbound } from './http-sockets.ts'

export type { HttpLog } from './http-app.ts'
export type { Health } from './http-schemas.ts'

export type PublicHttpComponents = Omit<HttpAppComponents, 'requestsPerIpPerMinute'>

export interface PublicHttpOptions {
  /** IPv4 and IPv6 addresses to bind. */
  hosts: readonly string[]
  /** 0: any free one, the same for all hosts. */
  port: number
  /** Of one IPv4 address or IPv6 /56; 0: unlimited. */
  requestsPerIpPerMinute: number
  socketLimits?: Partial<SocketLimits>
}

export interface PublicHttp {
  /**
   * Opens the listeners. A host that this machine does not have is a warning as long as another can be bound.
   * @throws AppError port-in-use, port-forbidden, address-unusable, nothing-to-listen-on; nothing stays open then.
   */
  start(): Promise<void>
  /** Closes them; answers under way get a second. Safe to call at any time, and twice. */
  stop(): Promise<void>
  /** The URLs that listen, without a path: `http://0.0.0.0:4002`. */
  addresses(): string[]
  /** Applies from the next request. */
  setRequestsPerIpPerMinute(requestsPerMinute: number): void
}

interface Running {
  servers: Server[]
  close(): Promise<void>
}

/** The public HTTP listener (design.md, decision 6): identity and health pages. Starts nothing. */
export function createPublicHttp(components: PublicHttpComponents, options: PublicHttpOptions): PublicHttp {
  let requestsPerMinute = options.requestsPerIpPerMinute
  let opening: Promise<Running> | undefined
  let running: Running | undefined
  let closing: Promise<void> = Promise.resolve()

  async function openAll(): Promise<Running> {
    const limits = { ...SOCKET_LIMITS, ...options.socketLimits }
    const app = await createHttpApp({ ...components, requestsPerIpPerMinute: () => requestsPerMinute })
    try {
      const open = serverFactory((request, response) => app.routing(request, response), limits)
      const bound = await bindAll(distinct(options.hosts), options.port, open)
      const { servers } = requireOne(bound, options.port)
      for (const each of bound.unbound) warnUnbound(components.log, each)
      running = {
        servers,
        async close() {
          await Promise.all(servers.map(server => closeServer(server, limits.stopGraceMs)))
          await app.close()
        }
      }
      return running
    } catch (error) {
      await app.close()
      throw bindError(error, {
        what: `TCP port ${options.port} of the public HTTP pages (http.port)`,
        remedy: 'choose another port with --http-port N, or switch the pages off with --no-http-enabled',
        details: { setting: 'http.port', port: options.port }
      })
    }
  }

  return {
    async start() {
      // Set before anything is awaited: a stop() right after this must find it.
      opening ??= closing.then(openAll)
      const mine = opening
      try {
        await mine
      } catch (error) {
        // Unless it was stopped and started anew meanwhile.
        if (opening === mine) opening = undefined
        throw error
      }
    },
    async stop() {
      const stopping = opening
      opening = undefined
      if (stopping !== undefined) closing = closeWhenOpen(stopping)
      await closing
    },
    addresses: () => (running?.servers ?? []).map(urlOf),
    setRequestsPerIpPerMinute(next) {
      requestsPerMinute = next
    }
  }

  async function closeWhenOpen(stopping: Promise<Running>): Promise<void> {
    // A start that failed has closed what it opened, and told its caller why.
    const opened = await stopping.catch(() => undefined)
    running = undefined
    await opened?.close()
  }
}

/** 0.0.0.0 covers every IPv4 address and :: every IPv6 one: binding another beside it would find the port taken. */
function distinct(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].filter(host => {
    const every = isIPv6(host) ? '::' : '0.0.0.0'
    return host === every || !hosts.includes(every)
  })
}

function requireOne(bound: Bound, port: number): Bound {
  const [first] = bound.unbound
  if (bound.servers.length > 0) return bound
  if (first === undefined) {
    throw new AppError(
      'nothing-to-listen-on',
      'The public HTTP pages have no address to listen on: give one with --listen-ip4 or --listen-ip6, or switch the pages off with --no-http-enabled',
      { setting: 'http.enabled', port }
    )
  }
  const setting = settingOf(first.host)
  throw new AppError(
    'address-unusable',
    `The public HTTP pages cannot listen on ${bound.unbound.map(each => each.host).join(', ')}: this machine has no such address. Correct ${setting}, or switch the pages off with --no-http-enabled`,
    { setting, address: first.host, port, systemCode: systemCode(first.error) },
    first.error
  )
}

function warnUnbound(log: PublicHttpComponents['log'], { host, error }: Unbound): void {
  const setting = settingOf(host)
  log.warn(
    { setting, host, code: systemCode(error) },
    `the public HTTP pages do not listen on ${host}: this machine has no such address (${setting})`
  )
}

function settingOf(host: string): 'listen.ip4' | 'listen.ip6' {
  return isIPv6(host) ? 'listen.ip6' : 'listen.ip4'
}
