import type { Server } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import { AppError, systemCode } from '../../shared/errors.ts'
import { bindError } from './bind-error.ts'
import { createHttpApp } from './http-app.ts'
import type { HttpAppComponents } from './http-app.ts'
import { TrustedProxies } from './forwarded.ts'
import { HttpConnections } from './http-connections.ts'
import { bindAll, closeServer, hostOf, serverFactory, SOCKET_LIMITS, urlOf } from './http-sockets.ts'
import type { Bound, RequestHandler, SocketLimits, Unbound } from './http-sockets.ts'
import type { Upgrades } from './upgrades.ts'

export type { HttpLog } from './http-app.ts'
export type { Health } from './http-schemas.ts'

export interface PublicHttpComponents extends Omit<HttpAppComponents, 'requestsPerIpPerMinute' | 'proxies'> {
  /** Whose WebSockets are taken, beside the pages. */
  upgrades?: Upgrades
}

export interface PublicHttpOptions {
  /** IPv4 and IPv6 addresses to bind. */
  hosts: readonly string[]
  /** 0: any free one, the same for all hosts. */
  port: number
  /** Of one IPv4 address or IPv6 /56; 0: unlimited. */
  requestsPerIpPerMinute: number
  /** IP addresses and CIDR blocks of proxies. */
  trustedProxies?: readonly string[]
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
  /** Answers a request that came by another listener; undefined while it is stopped. */
  readonly answer: RequestHandler | undefined
  /** The URLs that listen, without a path: `http://0.0.0.0:4002`. */
  addresses(): string[]
  /** Applies from the next request. */
  setRequestsPerIpPerMinute(requestsPerMinute: number): void
}

interface Running {
  servers: Server[]
  answer: RequestHandler
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
    const proxies = new TrustedProxies(options.trustedProxies ?? [])
    const app = await createHttpApp({
      ...components,
      proxies,
      requestsPerIpPerMinute: () => requestsPerMinute
    })
    try {
      const answer: RequestHandler = (request, response) => app.routing(request, response)
      const connections = new HttpConnections(proxies, limits)
      const open = serverFactory(answer, limits, { proxies, connections })
      const bound = await bindAll(options.hosts, options.port, open)
      const { servers } = requireOne(bound, options.port)
      const taken = (socket: Socket): void => connections.release(socket)
      const upgraded = servers.map(server =>
        components.upgrades?.serve(server, { host: hostOf(server), isSecure: false, proxies, answer, taken })
      )
      for (const each of bound.unbound) warnUnbound(components.log, each)
      running = {
        servers,
        answer,
        async close() {
          for (const end of upgraded) end?.()
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
    get answer() {
      return running?.answer
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
